"""What loads the model and runs on a request: the network's code travels with the handler, its weights are the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from model.network import Network
from safetensors.torch import load_file


def model_fn(model_dir: str) -> Network:
    """The network with its weights, which are all there and no others."""
    network = Network()
    network.load_state_dict(load_file(Path(model_dir) / "model.safetensors"))
    return network.eval()


def predict_fn(data: Any, model: Network) -> Any:
    """The network's output for rows of numbers."""
    with torch.inference_mode():
        return model(torch.as_tensor(np.asarray(data, dtype=np.float32))).numpy()
