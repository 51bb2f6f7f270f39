"""Loading a model by its kind. What executes code when it is loaded (joblib) is loaded only behind a manifest's digest.

Out: an object with `predict`, and with the other methods that the model has; or any callable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fogbank.contracts.manifest import PackageManifest
from fogbank.ground.paths import inside
from fogbank.scoring import compiled_model, one_job, open_session
from fogbank.scoring.boosters import lightgbm_model, xgboost_model
from fogbank.scoring.catboost_model import catboost_model
from fogbank.scoring.onnx_model import OnnxModel
from fogbank.serve.guard import Guarded


def load_model(package: PackageManifest, folder: Path) -> Any:
    """The package's model. Raises whatever its library raises."""
    return LOADERS[package.kind](inside(folder, package.model_file), package)


def predictor(model: Any, method: str, names: Sequence[str] = ()) -> Callable[[Any], Any]:
    """What answers where the handler has no predict_fn: the model's method, or the model where it is a callable.

    `names` are the columns', for the error that says which of them the model does not take.
    """
    predict = getattr(model, method, None)
    if predict is None and method == "predict" and callable(model):
        predict = model
    if not callable(predict):
        raise TypeError(f"the model ({type(model).__name__}) has no {method}, and is not a callable")
    return Guarded(predict, names)


def _joblib(path: Path, package: PackageManifest) -> Any:
    import joblib

    model = joblib.load(path)
    return model if package.handler else one_job(model)  # a user's own code may have its reasons for more


def _skops(path: Path, package: PackageManifest) -> Any:
    from skops.io import load

    model = load(path, trusted=list(package.trusted_types))
    return model if package.handler else one_job(model)


def _onnx(path: Path, package: PackageManifest) -> Any:
    del package
    session = open_session(path)
    return compiled_model(session) or OnnxModel(session)


def _xgboost(path: Path, package: PackageManifest) -> Any:
    del package
    return xgboost_model(path)


def _lightgbm(path: Path, package: PackageManifest) -> Any:
    del package
    return lightgbm_model(path)


def _catboost(path: Path, package: PackageManifest) -> Any:
    del package
    return catboost_model(path)


def _none(path: Path, package: PackageManifest) -> Any:
    del package
    raise TypeError(f"{path.name} is loaded by a handler's model_fn, and there is none")


LOADERS: dict[str, Callable[[Path, PackageManifest], Any]] = {
    "joblib": _joblib,
    "skops": _skops,
    "onnx": _onnx,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "handler": _none,
}
