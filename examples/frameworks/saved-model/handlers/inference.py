"""What loads the model and runs on a request: a SavedModel by its serving signature, on rows of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


class Served:
    """The signature that TensorFlow Serving would answer with; the model it belongs to lives as long as it does."""

    def __init__(self, folder: str) -> None:
        self._model = tf.saved_model.load(folder)
        self._answer = self._model.signatures["serving_default"]
        self._inputs = self._answer.structured_input_signature[1]

    def __call__(self, rows: Any) -> Any:
        """The signature's output; a dictionary of them by name where there are several."""
        if len(self._inputs) == 1:
            ((name, spec),) = self._inputs.items()
            given = {name: tf.convert_to_tensor(rows, dtype=spec.dtype)}
        else:  # a column each, in the order of their names
            columns = zip(sorted(self._inputs.items()), np.asarray(rows).T, strict=True)
            given = {
                name: tf.reshape(tf.convert_to_tensor(cells.tolist(), dtype=spec.dtype), (-1, *spec.shape[1:]))
                for (name, spec), cells in columns
            }
        answer = {name: output.numpy() for name, output in self._answer(**given).items()}
        return next(iter(answer.values())) if len(answer) == 1 else answer


def model_fn(model_dir: str) -> Served:
    """The model by its serving signature."""
    return Served(model_dir)


def predict_fn(data: Any, model: Served) -> Any:
    """The signature's own answer."""
    return model(data)
