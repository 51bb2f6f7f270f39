"""Loading a model by its kind. What executes code when it is loaded (joblib) is loaded only behind a manifest's digest.

Out: an object with `predict`, and with `predict_proba` where the model has probabilities; or any callable.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.manifest import PackageManifest


class OnnxModel:
    """An ONNX graph with one table as its input, behind scikit-learn's `predict` and `predict_proba`.

    One thread a worker: workers are what uses more cores. `precision` is the input's, `double` or `float`.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(f"the graph has {len(inputs)} inputs; a table is one")
        self._session, self._input = session, inputs[0].name
        self._dtype = np.dtype({"tensor(double)": np.float64, "tensor(float)": np.float32}[inputs[0].type])
        outputs = [output.name for output in session.get_outputs()]
        self._predict, self._scores = outputs[:1], outputs[1:2]

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The graph's first output: labels of shape (rows,), or values."""
        return self._run(self._predict, rows)

    def predict_proba(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """The graph's second output, shape (rows, classes). Raises AttributeError where it has none."""
        if not self._scores:
            raise AttributeError("this ONNX model has no probabilities")
        scores = self._run(self._scores, rows)
        return scores if scores.dtype == np.float64 else scores.astype(np.float64)

    def _run(self, output: list[str], rows: NDArray[Any]) -> NDArray[Any]:
        if rows.dtype != self._dtype:
            rows = rows.astype(self._dtype)
        found: Any = self._session.run(output, {self._input: rows})[0]
        if isinstance(found, list):  # ZipMap: a dictionary of scores a row
            return np.array([list(scores.values()) for scores in found])
        return np.asarray(found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found)


class BoosterModel:
    """A native XGBoost or LightGBM model behind `predict`."""

    def __init__(self, predict: Callable[[NDArray[Any]], Any]) -> None:
        self._predict = predict

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        """What the booster's objective says: probabilities, values, or a column for each class."""
        return np.asarray(self._predict(rows), dtype=np.float64)


def load_model(package: PackageManifest, folder: Path) -> Any:
    """The package's model. Raises whatever its library raises."""
    return LOADERS[package.kind](folder / package.model_file, package)


def predictor(model: Any, method: str) -> Callable[[Any], Any]:
    """What answers where the handler has no predict_fn: the model's method, or the model where it is a callable."""
    found = getattr(model, method, None)
    if found is None and method == "predict" and callable(model):
        found = model
    if not callable(found):
        raise TypeError(f"the model ({type(model).__name__}) has no {method}, and is not a callable")
    return found  # type: ignore[no-any-return]  # callable, as was just seen


def _joblib(path: Path, package: PackageManifest) -> Any:
    del package
    import joblib

    return joblib.load(path)


def _skops(path: Path, package: PackageManifest) -> Any:
    from skops.io import load

    return load(path, trusted=list(package.trusted_types))


def _onnx(path: Path, package: PackageManifest) -> Any:
    del package
    return OnnxModel(path)


def _xgboost(path: Path, package: PackageManifest) -> Any:
    del package
    import xgboost

    return BoosterModel(xgboost.Booster(model_file=str(path)).inplace_predict)


def _lightgbm(path: Path, package: PackageManifest) -> Any:
    del package
    import lightgbm

    return BoosterModel(lightgbm.Booster(model_file=str(path)).predict)


LOADERS: dict[str, Callable[[Path, PackageManifest], Any]] = {
    "joblib": _joblib,
    "skops": _skops,
    "onnx": _onnx,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}
