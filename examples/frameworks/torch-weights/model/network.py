"""The network: training and the handler both make it, and its weights are what travels as the model."""

from __future__ import annotations

import torch


class Network(torch.nn.Module):
    """Shares of two classes for rows of four numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(4, 8)
        self.last = torch.nn.Linear(8, 2)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Shape (rows, 4) to (rows, 2)."""
        return torch.softmax(self.last(torch.relu(self.hidden(rows))), dim=1)
