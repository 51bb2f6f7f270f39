from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fogbank.serve.handler import Call, Handler, load_handler
from fogbank.serve.problems import LoadError
from tests.packages import script, settings_at, signed

PLAIN = "def model_fn(model_dir):\n    return 2.0\n"


def answer(handler: Handler, body: bytes = b"1,2\n", accept: str = "text/csv") -> Any:
    return handler(Call(body, "text/csv", accept)).body


def test_defaults_fill_in_for_the_functions_that_are_not_there(tmp_path: Path) -> None:
    code = PLAIN + "def predict_fn(data, model):\n    return data * model\n"

    assert answer(load_handler(script(tmp_path, code))) == b"2.0,4.0\n"


RESPONSE = """
class Response:
    mimetype = 'text/x'
    def get_data(self): return b'told'
def predict_fn(d, m): return d
def output_fn(p, accept): return Response()
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def transform_fn(model, data, content_type, accept):\n    return data + accept, 'text/plain'\n", b"1,2\ntext/csv"),
        ("def input_fn(data, content_type):\n    return len(data)\ndef predict_fn(n, model):\n    return [n * model]\n", b"8.0\n"),
        ("def predict_fn(d, m):\n    return d\ndef output_fn(p, accept):\n    return f'{p.sum()} as {accept}'\n", b"3 as text/csv"),
        ("def predict_fn(d, m, scale=3):\n    return d * scale\n", b"3,6\n"),
        (RESPONSE, b"told"),
    ],
)  # fmt: skip
def test_the_toolkits_functions_in_any_combination(tmp_path: Path, code: str, expected: bytes) -> None:
    assert answer(load_handler(script(tmp_path, PLAIN + code))) == expected


def test_the_context_has_the_package_and_the_loaded_model_sees_its_folder(tmp_path: Path) -> None:
    code = "def model_fn(model_dir, context):\n    return model_dir == context.model_dir\ndef predict_fn(d, m):\n    return m\n"

    assert answer(load_handler(script(tmp_path, code)), accept="application/json") == b"true"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module\n", "code/inference.py line 1: import no_such_module: ModuleNotFoundError"),
        ("def model_fn(:\n", "code/inference.py line 1: def model_fn(:: SyntaxError"),
        ("def model_fn(model_dir):\n    return 1 / 0\n", "line 2: return 1 / 0: ZeroDivisionError"),
        ("import sys\nsys.exit(1)\n", "line 2: sys.exit(1): SystemExit"),
        (PLAIN + "def transform_fn(a, b, c, d): ...\ndef predict_fn(a, b): ...\n", "takes the place of"),
        (PLAIN + "def predict_fn(a): ...\n", "predict_fn takes 1 parameters; it must take 2"),
        (PLAIN, "the model (float) has no predict, and is not a callable"),
        ("x = 1\n", "has no model_fn"),
    ],
)
def test_what_cannot_be_loaded_is_one_readable_cause(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_handler(script(tmp_path, code))

    assert said in str(caught.value)


def test_user_code_does_not_shadow_the_servers_modules(tmp_path: Path) -> None:
    for name in ("numpy", "orjson", "fogbank", "json"):
        script(tmp_path, "raise RuntimeError('shadowed')\n", f"{name}.py")
    script(tmp_path, "FACTOR = 3\n", "features_of_mine.py")
    code = (
        "import json, numpy, orjson\nfrom features_of_mine import FACTOR\n"
        + PLAIN
        + "def predict_fn(d, m): return d * FACTOR\n"
    )

    assert answer(load_handler(script(tmp_path, code))) == b"3,6\n"


def test_nothing_is_imported_before_every_digest_is_right(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    settings = signed(tmp_path, f"open({str(marker)!r}, 'w')\n" + PLAIN)
    with (tmp_path / "model" / "code" / "inference.py").open("a") as code:
        code.write("# changed\n")

    with pytest.raises(LoadError, match=r"code/inference.py is not the file that was packed"):
        load_handler(settings)
    assert not marker.exists()


def test_an_extra_file_and_another_manifest_are_refused(tmp_path: Path) -> None:
    settings = signed(tmp_path, PLAIN)
    with pytest.raises(LoadError, match=r"fogbank.json is not the file"):
        load_handler(replace(settings, package_sha256="0" * 64))
    (tmp_path / "model" / "extra.py").write_text("x = 1\n")
    with pytest.raises(LoadError, match=r"extra.py"):
        load_handler(settings)


def test_a_required_manifest_that_is_not_there(tmp_path: Path) -> None:
    script(tmp_path, PLAIN)
    with pytest.raises(LoadError, match="is missing, and its digest is required"):
        load_handler(settings_at(tmp_path, package_sha256="0" * 64))


@pytest.mark.parametrize(
    ("configured", "kind", "body", "accept", "answered"),
    [
        ("", "text/csv", b"1,2\n", "", "text/csv"),
        ("", "application/json", b"[[1, 2]]", "*/*", "application/json"),
        ("", "application/jsonlines", b"[1, 2]\n", "", "application/jsonlines"),
        ("", "application/json; charset=utf-8", b"[[1, 2]]", "", "application/json"),
        ("", "application/json", b"[[1, 2]]", "text/csv", "text/csv"),
        ("text/csv", "application/json", b"[[1, 2]]", "", "text/csv"),
        ("text/csv", "application/json", b"[[1, 2]]", "*/*", "text/csv"),
    ],
)
def test_without_a_wish_the_configured_type_wins_then_the_requests_own(
    tmp_path: Path, configured: str, kind: str, body: bytes, accept: str, answered: str
) -> None:
    settings = script(tmp_path, PLAIN + "def predict_fn(data, model):\n    return data * model\n")
    handler = load_handler(replace(settings, default_accept=configured))

    assert handler(Call(body, kind, accept)).content_type.partition(";")[0] == answered


def test_a_script_that_writes_its_own_is_asked_for_json(tmp_path: Path) -> None:
    code = PLAIN + "def predict_fn(d, m):\n    return d\ndef output_fn(p, accept):\n    return accept\n"

    assert answer(load_handler(script(tmp_path, code)), accept="") == b"application/json"
