from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.digest import sha256_bytes
from fogbank.contracts.manifest import Column, PackageManifest, Schema
from fogbank.serve.handler import Handler, load_handler
from fogbank.serve.problems import LoadError

PLAIN = "def model_fn(model_dir):\n    return 2.0\n"


def package(base: Path, code: str, name: str = "inference.py") -> ServeSettings:
    folder = base / "model" / "code"
    folder.mkdir(parents=True)
    (folder / name).write_text(code)
    return ServeSettings(base_dir=base)


def signed(base: Path, settings: ServeSettings) -> ServeSettings:
    files = {
        str(p.relative_to(base / "model")): sha256_bytes(p.read_bytes())
        for p in (base / "model").rglob("*")
        if p.is_file()
    }
    schema = Schema(columns=(Column(name="a"),))
    manifest = PackageManifest(
        name="x", model_file="m", handler="inference.py", python="3", requirements=(), input=schema, output=schema, metrics={}, files=files,
    )  # fmt: skip
    (base / "model" / "fogbank.json").write_bytes(manifest.encode())
    return ServeSettings(base_dir=settings.base_dir, package_sha256=sha256_bytes(manifest.encode()))


def answer(handler: Handler, body: bytes = b"1,2\n") -> bytes:
    return handler(body, "text/csv", "text/csv")[0]


def test_defaults_fill_in_for_the_functions_that_are_not_there(tmp_path: Path) -> None:
    code = PLAIN + "def predict_fn(data, model):\n    return data * model\n"

    assert answer(load_handler(package(tmp_path, code))) == b"2.0,4.0\n"


def test_a_function_with_one_parameter_more_gets_the_context(tmp_path: Path) -> None:
    code = (
        PLAIN
        + "def transform_fn(model, data, content_type, accept, context):\n    return context.model_dir, 'text/plain'\n"
    )

    assert answer(load_handler(package(tmp_path, code))) == str(tmp_path / "model").encode()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module\n", "code/inference.py line 1: import no_such_module: ModuleNotFoundError"),
        ("def model_fn(:\n", "code/inference.py line 1: def model_fn(:: SyntaxError"),
        ("def model_fn(model_dir):\n    return 1 / 0\n", "line 2: return 1 / 0: ZeroDivisionError"),
        (PLAIN + "def transform_fn(a, b, c, d): ...\ndef predict_fn(a, b): ...\n", "takes the place of"),
        (PLAIN + "def predict_fn(a): ...\n", "predict_fn takes 1 parameters; it must take 2"),
        ("x = 1\n", "has no model_fn"),
    ],
)
def test_what_cannot_be_loaded_is_one_readable_cause(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_handler(package(tmp_path, code))

    assert said in str(caught.value)


def test_nothing_is_imported_before_every_digest_is_right(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    settings = signed(tmp_path, package(tmp_path, f"open({str(marker)!r}, 'w')\n" + PLAIN))
    with (tmp_path / "model" / "code" / "inference.py").open("a") as code:
        code.write("# changed\n")

    with pytest.raises(LoadError, match=r"code/inference.py is not the file that was packed"):
        load_handler(settings)
    assert not marker.exists()


def test_an_extra_file_and_another_manifest_are_refused(tmp_path: Path) -> None:
    settings = signed(tmp_path, package(tmp_path, PLAIN))
    other = ServeSettings(base_dir=tmp_path, package_sha256="0" * 64)
    with pytest.raises(LoadError, match=r"fogbank.json is not the file"):
        load_handler(other)
    (tmp_path / "model" / "extra.py").write_text("x = 1\n")
    with pytest.raises(LoadError, match=r"extra.py"):
        load_handler(settings)


def test_a_required_manifest_that_is_not_there(tmp_path: Path) -> None:
    package(tmp_path, PLAIN)
    with pytest.raises(LoadError, match="is missing, and its digest is required"):
        load_handler(ServeSettings(base_dir=tmp_path, package_sha256="0" * 64))
