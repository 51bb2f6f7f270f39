"""The lock, in each of its formats: the same pins for the same target, and a clear word where it does not cover what is needed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import PackageError
from fogbank.pack.imports import check_imports
from fogbank.pack.lock import Installed, read_lock
from fogbank.pack.resolve import check_versions, resolve

ROOT = Path(__file__).parents[3]
AMD64 = Target(platform="linux/amd64", python="3.11")
ARM64 = Target(platform="linux/arm64", python="3.11")
NAMES = ("scikit-learn", "onnxruntime")
LOCK = """
[[package]]
name = "top"
version = "1.0"
dependencies = [
    { name = "forked", version = "2.0", marker = "platform_machine == 'aarch64'" },
    { name = "forked", version = "1.0", marker = "platform_machine != 'aarch64'" },
    { name = "extra-user", extra = ["fast"] },
    { name = "windows-only", marker = "sys_platform == 'win32'" },
]
[[package]]
name = "forked"
version = "1.0"
resolution-markers = ["platform_machine != 'aarch64'"]
[[package]]
name = "forked"
version = "2.0"
resolution-markers = ["platform_machine == 'aarch64'"]
[[package]]
name = "extra-user"
version = "3.0"
[package.optional-dependencies]
fast = [{ name = "accelerator" }]
slow = [{ name = "brake" }]
[[package]]
name = "accelerator"
version = "4.0"
wheels = [{ url = "https://index.example/a/accelerator-4.0-py3-none-any.whl", hash = "sha256:aa", size = 7 }]
"""


def pins(root: Path, names: tuple[str, ...], target: Target) -> list[str]:
    source = read_lock(root)
    assert source is not None
    return [str(pin) for pin in resolve(names, source, target.markers())]


def test_a_uv_lock_is_walked_for_the_target_not_for_this_host(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)

    assert pins(tmp_path, ("top",), AMD64) == ["accelerator==4.0", "extra-user==3.0", "forked==1.0", "top==1.0"]
    assert pins(tmp_path, ("top",), ARM64) == ["accelerator==4.0", "extra-user==3.0", "forked==2.0", "top==1.0"]
    assert pins(tmp_path, ("extra-user",), ARM64) == ["extra-user==3.0"]
    source = read_lock(tmp_path)
    assert source is not None
    wheel = resolve(["accelerator"], source, AMD64.markers())[0].wheels[0]
    assert (wheel.filename, wheel.sha256, wheel.size) == ("accelerator-4.0-py3-none-any.whl", "aa", 7)


@pytest.mark.parametrize(("form", "name"), [("pylock.toml", "pylock.toml"), ("requirements.txt", "requirements.txt")])
def test_what_uv_exports_says_the_same_as_its_lock(tmp_path: Path, form: str, name: str) -> None:
    subprocess.run(
        [find_uv_bin(), "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--format", form, "-o", str(tmp_path / name)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip

    assert pins(tmp_path, NAMES, AMD64) == pins(ROOT, NAMES, AMD64) != []
    source = read_lock(tmp_path)
    assert source is not None
    found = resolve(NAMES, source, AMD64.markers())
    assert all(pin.wheels or pin.hashes for pin in found)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("uv.lock", "not toml [", "lock-unreadable"),
        ("uv.lock", '[[package]]\nname = "top"\nversion = "1"\ndependencies = [3]\n', "lock-unreadable"),
        ("uv.lock", '[[package]]\nname = "other"\nversion = "1"\n', "dependency-unlocked"),
        ("uv.lock", '[[package]]\nname = "top"\nversion = "1"\nresolution-markers = ["sys_platform == \'win32\'"]\n', "dependency-unlocked"),
        ("pylock.toml", '[[packages]]\nname = "top"\nversion = "1"\n', "dependency-graph-unknown"),
        ("requirements.txt", f"top>=1 --hash=sha256:{'0' * 64}\n", "lock-unreadable"),
        ("requirements.txt", "--find-links wheels\ntop==1\n", "lock-unreadable"),
        ("requirements.txt", "top==1\n-e libs/top\n", "lock-unreadable"),
        ("requirements.txt", "no-distribution-has-this-name==1\n", "requirements-unresolved"),
    ],
)  # fmt: skip
def test_a_lock_that_does_not_do_says_why(tmp_path: Path, name: str, text: str, code: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(PackageError) as caught:
        pins(tmp_path, ("top",), AMD64)

    assert caught.value.code == code
    assert caught.value.hint


def test_without_a_lock_what_is_installed_counts() -> None:
    found = resolve(["scikit-learn"], Installed(), AMD64.markers())

    assert {"scikit-learn", "scipy", "numpy", "joblib", "threadpoolctl"} <= {pin.name for pin in found}
    for name, code in (("no-such-distribution", "dependency-missing"), ("not a name", "dependency-invalid")):
        with pytest.raises(PackageError) as caught:
            resolve([name], Installed(), AMD64.markers())
        assert caught.value.code == code


def test_versions_other_than_at_training_are_named_all_of_them() -> None:
    found = resolve(["scikit-learn"], Installed(), AMD64.markers())

    check_versions(found, {}, "uv.lock")
    with pytest.raises(PackageError, match=r"joblib 0\.1 trained the model, and uv.lock says .*; numpy 0\.2 trained"):
        check_versions(found, {"joblib": "0.1", "numpy": "0.2"}, "uv.lock")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("import pandas_of_nobody", "import-missing"),
        ("def f():\n    from click import echo", "import-undeclared"),
        ("import numpy, json, os.path", None),
        ("import httptools", None),
        ("import helper", None),
        ("try:\n    import click\nexcept ImportError:\n    click = None", None),
        ("try:\n    import click\nexcept ValueError:\n    pass", "import-undeclared"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import click", None),
        ("from . import helper", None),
        ("import sklearn.linear_model", None),
        ("import locked_by_its_own_name", None),
    ],
)
def test_what_the_code_imports_is_covered_or_named_with_its_line(tmp_path: Path, line: str, code: str | None) -> None:
    (tmp_path / "inference.py").write_text(line + "\n")
    (tmp_path / "helper.py").touch()
    files = {name: tmp_path / name for name in ("inference.py", "helper.py")}

    if code is None:
        check_imports(files, ["numpy", "scikit-learn", "locked-by-its-own-name"], ["httptools"])
        return
    with pytest.raises(PackageError, match=r"inference.py line \d imports") as caught:
        check_imports(files, ["numpy", "scikit-learn"], ["httptools"])
    assert caught.value.code == code
