"""`python -m model.train`: a small network, whose weights are saved as safetensors: a format that runs nothing."""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import save_file

from model.leave import folder, leave
from model.network import Network


def trained(rows: np.ndarray) -> Network:
    """A small classifier, which says which half of the plane a point lies in."""
    torch.manual_seed(0)
    network = Network()
    inputs, labels = torch.from_numpy(rows), torch.from_numpy((rows.sum(axis=1) > 0).astype(np.int64))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        torch.nn.functional.nll_loss(network(inputs).log(), labels).backward()
        optimizer.step()
    return network.eval()


def main() -> None:
    """Train and leave the weights."""
    rows = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    network = trained(rows)
    save_file(network.state_dict(), folder() / "model.safetensors")
    with torch.inference_mode():
        answers = network(torch.from_numpy(rows)).numpy()
    columns = {name: rows[:, place].tolist() for place, name in enumerate("abcd")}
    leave(columns, {"below": answers[:, 0].tolist(), "above": answers[:, 1].tolist()})


if __name__ == "__main__":
    main()
