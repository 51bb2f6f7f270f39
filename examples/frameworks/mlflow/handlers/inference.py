"""What loads the model and runs on a request: an MLflow folder by its pyfunc flavor, on a DataFrame."""

from __future__ import annotations

from typing import Any

import mlflow.pyfunc


def model_fn(model_dir: str) -> Any:
    """The model, whichever library made it."""
    return mlflow.pyfunc.load_model(model_dir)


def predict_fn(data: Any, model: Any) -> Any:
    """The model's own answer."""
    return model.predict(data)
