"""What loads the model and runs on a request: a TorchScript program, on rows of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch


def model_fn(model_dir: str) -> Any:
    """The program, on this machine's processor."""
    return torch.jit.load(Path(model_dir) / "model.pt", map_location="cpu").eval()


def predict_fn(data: Any, model: Any) -> Any:
    """The network's output for rows of numbers."""
    with torch.inference_mode():
        return model(torch.as_tensor(np.asarray(data, dtype=np.float32))).numpy()
