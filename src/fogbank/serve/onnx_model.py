"""An ONNX file that somebody else made: a graph with one table as its input, behind `predict` and `predict_proba`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray


class OnnxModel:
    """`predict` is the graph's first output, of shape (rows,) or values; `predict_proba` is there where it has a second."""

    def __init__(self, session: Any) -> None:
        inputs = session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(f"the graph has {len(inputs)} inputs; a table is one")
        self._session, self._input = session, inputs[0].name
        self._dtype = np.dtype({"tensor(double)": np.float64, "tensor(float)": np.float32}[inputs[0].type])
        outputs = [output.name for output in session.get_outputs()]
        self.predict = partial(self._run, outputs[:1])
        if len(outputs) > 1:
            self.predict_proba = partial(self._scores, outputs[1:2])

    def _scores(self, output: list[str], rows: NDArray[Any]) -> NDArray[np.float64]:
        scores = self._run(output, rows)
        return scores if scores.dtype == np.float64 else scores.astype(np.float64)

    def _run(self, output: list[str], rows: NDArray[Any]) -> NDArray[Any]:
        if rows.dtype != self._dtype:
            rows = rows.astype(self._dtype)
        answer: Any = self._session.run(output, {self._input: rows})[0]
        if isinstance(answer, list):  # ZipMap: a dictionary of scores a row
            return np.array([list(scores.values()) for scores in answer])
        return np.asarray(answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer)
