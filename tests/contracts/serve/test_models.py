"""Models that the server loads itself, of each kind, written by the libraries that trained them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from skops.io import dumps

from fogbank.serve.handler import Call, Handler, load_handler
from fogbank.serve.problems import LoadError
from tests.packages import signed

X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 2.0]])
Y = np.array([0, 0, 1, 1])


def answer(handler: Handler, body: bytes) -> Any:
    return handler(Call(body, "text/csv", "text/csv")).body


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


def test_a_skops_model_with_a_type_that_was_not_listed_is_refused(tmp_path: Path) -> None:
    data = dumps(FunctionTransformer(np.sum))
    with pytest.raises(LoadError, match="UntrustedTypesFoundException"):
        load_handler(signed(tmp_path, model=("model.skops", data), kind="skops"))
