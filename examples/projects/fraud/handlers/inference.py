"""What loads the model and runs on a request: of the package, and of what a training job left.

In: payments; out: `fraud` (1 or 0) and its `probability`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def model_fn(model_dir: str) -> Any:
    """The graph."""
    return onnxruntime.InferenceSession(Path(model_dir) / "model.onnx", providers=["CPUExecutionProvider"])


def predict_fn(data: Any, model: Any) -> list[list[Any]]:
    """Label and probability of every row."""
    rows = np.asarray(data, dtype=np.float32)
    labels, shares = model.run(None, {model.get_inputs()[0].name: rows})
    return [[int(label), float(share[1])] for label, share in zip(labels, shares, strict=True)]
