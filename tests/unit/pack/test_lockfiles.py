"""Where a lock says that something comes from: from there by its hash, or not at all; and requirements files."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import PackageError
from fogbank.pack.lock import Installed, read_lock
from fogbank.pack.requirement_files import whole_text
from fogbank.pack.requirements import Asked, read_requirements
from fogbank.pack.resolve import requirement_lines, resolve

TARGET = Target(platform="linux/amd64", python="3.11")
HASH = "b" * 64
MAIN = 'source = { registry = "https://main.example/simple" }'
LOCK = f"""
[[package]]
name = "top"
version = "1.0"
{MAIN}
dependencies = [{{ name = "other" }}]
wheels = [
    {{ url = "https://main.example/top-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", hash = "sha256:{"1" * 64}" }},
    {{ url = "https://main.example/top-1.0-cp312-cp312-manylinux_2_28_x86_64.whl", hash = "sha256:{"2" * 64}" }},
    {{ url = "https://main.example/top-1.0-cp39-abi3-macosx_11_0_arm64.whl", hash = "sha256:{"3" * 64}" }},
]
[[package]]
name = "more"
version = "1.0"
{MAIN}
[[package]]
name = "other"
version = "2.0"
SOURCE
"""


def lines(root: Path, names: tuple[str, ...] = ("top",)) -> list[str]:
    source = read_lock(root)
    assert source is not None
    return requirement_lines(resolve(names, source, TARGET.markers()), TARGET.python)


def test_each_line_has_the_hashes_of_the_files_that_this_python_can_have(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(
        LOCK.replace(
            "SOURCE",
            f'{MAIN}\nsdist = {{ url = "x", hash = "sha256:{HASH}" }}\n'
            f'wheels = [{{ url = "https://main.example/other-2.0-py3-none-any.whl", hash = "sha256:{"4" * 64}" }}]',
        )
    )

    assert lines(tmp_path) == [
        f"other==2.0 --hash=sha256:{'4' * 64} --hash=sha256:{HASH}",
        f"top==1.0 --hash=sha256:{'1' * 64} --hash=sha256:{'3' * 64}",
    ]


PRIVATE = '{ registry = "https://corp.example/simple" }'
ADDRESS = "https://corp.example/other-2.0"
LINUX = " ; sys_platform == 'linux' and platform_machine == 'x86_64'"


@pytest.mark.parametrize(
    ("source", "files", "line"),
    [
        (PRIVATE, ["py3-none-any"], f"other @ {ADDRESS}-py3-none-any.whl --hash=sha256:{HASH}"),
        (
            f'{{ url = "{ADDRESS}-py3-none-any.whl" }}',
            ["py3-none-any"],
            f"other @ {ADDRESS}-py3-none-any.whl --hash=sha256:{HASH}",
        ),
        (
            PRIVATE,
            [
                "cp311-cp311-manylinux_2_17_x86_64",
                "cp311-cp311-manylinux_2_28_aarch64",
                "cp312-cp312-manylinux_2_28_x86_64",
                "cp311-cp311-win_amd64",
            ],
            f"other @ {ADDRESS}-cp311-cp311-manylinux_2_17_x86_64.whl{LINUX} --hash=sha256:{HASH}",
        ),
    ],
)
def test_what_another_index_has_comes_from_its_own_address(
    tmp_path: Path, source: str, files: list[str], line: str
) -> None:
    wheels = ", ".join(
        f'{{ url = "https://corp.example/other-2.0-{file}.whl", hash = "sha256:{HASH}" }}' for file in files
    )
    (tmp_path / "uv.lock").write_text(LOCK.replace("SOURCE", f"source = {source}\nwheels = [{wheels}]"))

    assert line in lines(tmp_path)
    assert not any(said.startswith("other==") for said in lines(tmp_path))


@pytest.mark.parametrize(
    "source",
    [
        '{ git = "https://git.example.com/me/other.git?rev=abc#abcdef0" }',
        '{ git = "https://me:hidden@git.example.com/me/other.git?rev=abc#abcdef0" }',
        '{ path = "libs/other-2.0-py3-none-any.whl" }',
        '{ directory = ".." }',
        '{ editable = "." }',
        '{ virtual = "libs/other" }',
        '{ registry = "../wheels" }',
        '{ url = "https://corp.example/other-2.0.tar.gz" }',
    ],
)
def test_what_no_container_can_have_is_refused_and_not_looked_for_elsewhere(tmp_path: Path, source: str) -> None:
    (tmp_path / "uv.lock").write_text(LOCK.replace("SOURCE", f"source = {source}"))

    with pytest.raises(PackageError) as caught:
        lines(tmp_path)

    assert caught.value.code == "dependency-elsewhere"
    assert "other 2.0 comes from " in caught.value.cause
    assert "hidden" not in caught.value.cause
    assert lines(tmp_path, ("more",)) == ["more==1.0"], "what is not needed is not asked for"


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ('vcs = { type = "git", url = "https://git.example.com/six.git", commit-id = "abc" }', "git (https"),
        ('directory = { path = ".", editable = true }', "directory (.)"),
        (
            f'archive = {{ path = "six-1.17.0.tar.gz", hashes = {{ md5 = "{HASH}" }} }}',
            "an archive that is no wheel",
        ),
        (
            f'wheels = [{{ path = "six-1.17.0-py3-none-any.whl", hashes = {{ md5 = "{HASH}" }} }}]',
            "a file of this machine",
        ),
    ],
)
def test_a_pylock_is_obeyed_as_well(tmp_path: Path, entry: str, word: str) -> None:
    (tmp_path / "pylock.toml").write_text(
        f'lock-version = "1.0"\n[[packages]]\nname = "six"\nversion = "1.17.0"\n{entry}\n'
    )

    with pytest.raises(PackageError) as caught:
        lines(tmp_path, ("six",))

    assert caught.value.code == "dependency-elsewhere"
    assert word in caught.value.cause


def test_a_hashed_requirement_with_an_address_comes_from_there(tmp_path: Path) -> None:
    version = metadata.version("packaging")
    address = f"https://corp.example/packaging-{version}-py3-none-any.whl"
    (tmp_path / "requirements.txt").write_text(f"packaging @ {address} --hash=sha256:{HASH}\n")

    assert lines(tmp_path, ("packaging",)) == [f"packaging @ {address} --hash=sha256:{HASH}"]


def test_what_is_installed_from_a_folder_is_no_release_of_that_name(tmp_path: Path) -> None:
    """As `pip install ./libs/mine` leaves it (PEP 610)."""
    folder = tmp_path / "mine_of_nobody-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-of-nobody\nVersion: 1.0\n")
    (folder / "direct_url.json").write_text(json.dumps({"url": "file:///libs/mine", "dir_info": {"editable": True}}))
    sys.path.append(str(tmp_path))
    try:
        with pytest.raises(PackageError) as caught:
            resolve(["mine-of-nobody"], Installed(), TARGET.markers())
    finally:
        sys.path.remove(str(tmp_path))

    assert caught.value.code == "dependency-elsewhere"


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"requirements.txt": b"\xef\xbb\xbfjoblib>=1\r\n"}, ["joblib>=1"]),
        ({"requirements.txt": "joblib\n".encode("utf-16")}, ["joblib"]),
        ({"requirements.txt": b"-r more/base.txt\nnumpy\n", "more/base.txt": b"-rlast.txt # c\n", "more/last.txt": b"joblib"},
         ["joblib", "numpy"]),
        ({"requirements.txt": b"--requirement=base.txt\n", "base.txt": b"numpy \\\n >=2\n"}, ["numpy>=2"]),
        ({"requirements.txt": b"--only-binary=:all:\n--prefer-binary\nnumpy\n"}, ["numpy"]),
    ],
)  # fmt: skip
def test_a_requirements_file_is_read_as_pip_reads_it(tmp_path: Path, files: dict[str, bytes], lines: list[str]) -> None:
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)

    asked = read_requirements("requirements.txt", whole_text(tmp_path / "requirements.txt"))
    assert asked == Asked(lines=tuple(lines))


def test_what_holds_versions_to_something_and_what_comes_before_a_release(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c held.txt\n--pre\n-i https://a.example/simple\nnumpy\n")
    (tmp_path / "held.txt").write_text("joblib<2 # not yet\n")

    assert read_requirements("r", whole_text(tmp_path / "requirements.txt")) == Asked(
        lines=("numpy",), constraints=("joblib<2",), early=True, indexes=(("https://a.example/simple", True),)
    )


@pytest.mark.parametrize(
    "text", ["-r requirements.txt\n", "-r not-there.txt\n", "-c not-there.txt\nnumpy\n", "--no-binary :all:\n"]
)
def test_what_cannot_be_followed_in_a_requirements_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.txt").write_text(text)

    with pytest.raises(PackageError) as caught:
        read_lock(tmp_path)

    assert caught.value.code == "lock-unreadable"
