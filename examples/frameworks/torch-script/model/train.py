"""`python -m model.train`: a small network, saved as TorchScript: its code and its weights in one file."""

from __future__ import annotations

import numpy as np
import torch

from model.leave import folder, leave


def trained(rows: np.ndarray) -> torch.nn.Module:
    """A small classifier, which says which half of the plane a point lies in."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2), torch.nn.Softmax(dim=1)
    )
    inputs, labels = torch.from_numpy(rows), torch.from_numpy((rows.sum(axis=1) > 0).astype(np.int64))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        torch.nn.functional.nll_loss(network(inputs).log(), labels).backward()
        optimizer.step()
    return network.eval()


def main() -> None:
    """Train and leave the program."""
    rows = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    network = trained(rows)
    torch.jit.script(network).save(folder() / "model.pt")
    with torch.inference_mode():
        answers = network(torch.from_numpy(rows)).numpy()
    columns = {name: rows[:, place].tolist() for place, name in enumerate("abcd")}
    leave(columns, {"below": answers[:, 0].tolist(), "above": answers[:, 1].tolist()})


if __name__ == "__main__":
    main()
