"""An ONNX file that somebody else made, behind `predict` and `predict_proba`: its input is a table, or it has one for each column.

The latter is what skl2onnx makes of a pipeline on a DataFrame: each input of shape (rows, 1), or (rows, width) for columns side by side.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES: dict[str, Any] = {
    "tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_, "tensor(string)": np.object_,
}  # fmt: skip


class OnnxModel:
    """`predict` is the graph's first output, of shape (rows,) or values; `predict_proba` is there where it has a second."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inputs = [(item.name, DTYPES[item.type]) for item in session.get_inputs()]
        self._widths = [_width(item) for item in session.get_inputs()] if len(self._inputs) > 1 else []
        outputs = [output.name for output in session.get_outputs()]
        self.predict = partial(self._run, outputs[:1])
        if len(outputs) > 1:
            self.predict_proba = partial(self._scores, outputs[1:2])

    def _scores(self, output: list[str], rows: NDArray[Any]) -> NDArray[np.float64]:
        scores = self._run(output, rows)
        return scores if scores.dtype == np.float64 else scores.astype(np.float64)

    def _run(self, output: list[str], rows: NDArray[Any]) -> NDArray[Any]:
        answer: Any = self._session.run(output, self._fed(rows))[0]
        if isinstance(answer, list):  # ZipMap: a dictionary of scores a row
            return np.array([list(scores.values()) for scores in answer])
        return np.asarray(answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer)

    def _fed(self, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The rows as the graph's inputs. Raises ValueError for another number of columns than it takes."""
        if not self._widths:
            name, dtype = self._inputs[0]
            return {name: rows if rows.dtype == dtype else rows.astype(dtype)}
        if rows.shape[1] != sum(self._widths):
            raise ValueError(f"the rows have {rows.shape[1]} columns; the graph's inputs take {sum(self._widths)}")
        parts = np.split(rows, np.cumsum(self._widths)[:-1], axis=1)
        return {name: part.astype(dtype) for (name, dtype), part in zip(self._inputs, parts, strict=True)}


def _width(item: Any) -> int:
    """How many columns an input takes. Raises ValueError where that is not said."""
    if len(item.shape) != 2 or not isinstance(item.shape[1], int):
        raise ValueError(
            f"the graph has several inputs, and {item.name} of shape {item.shape} is not so many columns of a table"
        )
    return item.shape[1]
