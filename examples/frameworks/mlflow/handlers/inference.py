"""What loads the model and runs on a request: an MLflow folder by its pyfunc flavor, on a DataFrame."""

from __future__ import annotations

from typing import Any

import mlflow.pyfunc
import pandas as pd


def model_fn(model_dir: str) -> Any:
    """The model, whichever library made it."""
    return mlflow.pyfunc.load_model(model_dir)


def predict_fn(data: Any, model: Any) -> Any:
    """The model's own answer."""
    return model.predict(_narrowed(data, model))


def _narrowed(rows: pd.DataFrame, model: Any) -> Any:
    """Rows in the types of the model's signature, which takes no doubles where it says `float`, and no 64 bits where it says `integer`.

    A column of integers with gaps stays as it is: MLflow says what is wrong with it.
    """
    signature = model.metadata.get_input_schema()
    if signature is None:
        return rows
    if signature.is_tensor_spec():
        specs = list(signature)
        return rows.to_numpy(dtype=specs[0].type) if len(specs) == 1 and not specs[0].name else rows
    types = {spec.name: spec.type.to_pandas() for spec in signature if _narrow(spec.type) and spec.name in rows}
    whole = {name for name in types if not rows[name].isna().any()}
    return rows.astype({name: dtype for name, dtype in types.items() if name in whole or dtype.kind == "f"})


def _narrow(kind: Any) -> bool:
    """Whether a column's type is narrower than a request's; one of lists or objects has no name."""
    return getattr(kind, "name", "") in {"float", "integer"}
