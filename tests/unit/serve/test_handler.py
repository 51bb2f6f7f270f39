from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from skops.io import dumps

from fogbank.serve.handler import Call, Handler, load_handler
from fogbank.serve.problems import LoadError
from tests.packages import script, settings_at, signed

PLAIN = "def model_fn(model_dir):\n    return 2.0\n"
X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 2.0]])
Y = np.array([0, 0, 1, 1])


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


def onnx_bytes() -> bytes:
    model = LogisticRegression().fit(X, Y)
    return bytes(to_onnx(model, X[:1], options={"zipmap": False}).SerializeToString())


def joblib_bytes(model: Any) -> bytes:
    out = io.BytesIO()
    joblib.dump(model, out)
    return out.getvalue()


def xgboost_bytes() -> bytes:
    return bytes(xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, Y), 2).save_raw("ubj"))


def lightgbm_bytes() -> bytes:
    data = lightgbm.Dataset(X, Y, params={"min_data_in_leaf": 1, "min_data_in_bin": 1, "verbose": -1})
    return str(lightgbm.train({"objective": "binary", "verbose": -1}, data, 2).model_to_string()).encode()


@pytest.mark.parametrize(
    ("kind", "file", "make"),
    [
        ("joblib", "model.joblib", lambda: joblib_bytes(LogisticRegression().fit(X, Y))),
        ("skops", "model.skops", lambda: dumps(LogisticRegression().fit(X, Y))),
        ("onnx", "model.onnx", onnx_bytes),
        ("xgboost", "model.ubj", xgboost_bytes),
        ("lightgbm", "model.txt", lightgbm_bytes),
        ("joblib", "callable.joblib", lambda: joblib_bytes(np.sum)),
    ],
)
def test_a_model_of_a_known_kind_needs_no_handler(tmp_path: Path, kind: str, file: str, make: Any) -> None:
    handler = load_handler(signed(tmp_path, model=(file, make()), kind=kind))

    assert float(answer(handler, b"3,2\n").split()[0]) > 0
    assert handler.own_code is (file == "callable.joblib")


@pytest.mark.parametrize(("kind", "file"), [("joblib", "model.joblib"), ("onnx", "model.onnx")])
def test_the_method_of_the_manifest_answers(tmp_path: Path, kind: str, file: str) -> None:
    model = LogisticRegression().fit(X, Y)
    data = joblib_bytes(model) if kind == "joblib" else onnx_bytes()
    handler = load_handler(signed(tmp_path, model=(file, data), kind=kind, method="predict_proba"))

    found = [float(cell) for cell in answer(handler, b"3,2\n").split(b",")]
    assert found == pytest.approx(model.predict_proba([[3, 2]])[0].tolist(), abs=1e-6)


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


def test_a_skops_model_with_a_type_that_was_not_listed_is_refused(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    data = dumps(FunctionTransformer(np.sum))
    with pytest.raises(LoadError, match="UntrustedTypesFoundException"):
        load_handler(signed(tmp_path, model=("model.skops", data), kind="skops"))
