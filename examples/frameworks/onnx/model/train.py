"""`python -m model.train`: a model as an ONNX file, as any tool may have written it; ONNX Runtime serves it, without a handler."""

from __future__ import annotations

import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

from model.leave import folder, leave


def main() -> None:
    """Train and leave the graph."""
    rows = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    model = LinearRegression().fit(rows, rows @ np.array([1.0, -2.0, 0.5], dtype=np.float32))
    graph = to_onnx(model, rows[:1]).SerializeToString()
    (folder() / "model.onnx").write_bytes(graph)
    columns = {name: rows[:, place].tolist() for place, name in enumerate("abc")}
    leave(columns, {"value": model.predict(rows).ravel().tolist()})


if __name__ == "__main__":
    main()
