"""What loads the model and runs on a request: a Keras model, on rows of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np


def model_fn(model_dir: str) -> Any:
    """The model; code that may lie in the file is not run."""
    return keras.saving.load_model(Path(model_dir) / "model.keras", compile=False, safe_mode=True)


def predict_fn(data: Any, model: Any) -> Any:
    """The network's output for rows of numbers."""
    return keras.ops.convert_to_numpy(model(np.asarray(data, dtype=np.float32), training=False))
