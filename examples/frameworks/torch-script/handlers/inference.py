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
        return _answered(model(torch.as_tensor(np.asarray(data, dtype=np.float32))), len(data))


def _answered(answer: Any, rows: int) -> Any:
    """What the network says of each row; of several outputs one beside the other."""
    several = isinstance(answer, (list, tuple))
    parts = list(answer.values()) if isinstance(answer, dict) else answer if several else [answer]
    whole = parts[0] if len(parts) == 1 else torch.cat([part.reshape(rows, -1) for part in parts], 1)
    return whole.numpy()
