"""From labelled rows to a model as an ONNX graph, which no version of a library takes away: the same here and in a training job."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier


def fitted(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> bytes:
    """A graph with one input of rows, whose outputs are labels and, for each class, a probability."""
    table = rows.astype(np.float32)
    forest = RandomForestClassifier(n_estimators=40, max_depth=6, random_state=0).fit(table, labels)
    graph: bytes = to_onnx(forest, table[:1], options={"zipmap": False}).SerializeToString()
    return graph
