"""A compiled model: an ONNX graph that ends in raw scores, or in the leaf that each tree comes to, and NumPy for the rest.

It has the methods of the model that it was made from and no others. One thread a worker: workers are what uses more cores.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.scoring.finish import DOUBLE, Step, finisher
from fogbank.scoring.plan import INPUT, METADATA, REFUSED, UNSEEN, Leaves, Plan, decode_plan
from fogbank.scoring.refusal import RefusedError, suspects

CELLS = 1 << 19
"""How many values of leaves are added up at a time: what fits into a cache."""
NOT_TAKEN = "a value that is missing, infinite, too large or unknown"


def open_session(source: Path | bytes) -> Any:
    """ONNX Runtime on one thread, for a file or its bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    content = source if isinstance(source, bytes) else str(source)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def compiled_model(session: Any) -> CompiledModel | None:
    """The compiled model of a session; None for an ONNX file that fogbank did not make, or an older one."""
    text = session.get_modelmeta().custom_metadata_map.get(METADATA)
    return CompiledModel(session, decode_plan(text)) if text else None


def load_compiled(onnx: bytes) -> Any:
    """The compiled model of a file's bytes. Raises ValueError where fogbank did not make it."""
    model = compiled_model(open_session(onnx))
    if model is None:
        raise ValueError("the file has no plan of fogbank's")
    return model


class CompiledModel:
    """The methods that the plan names, as attributes; `classes_`, `n_features_in_` and `feature_names_in_` as scikit-learn has them."""

    def __init__(self, session: Any, plan: Plan) -> None:
        self._session, self._leaves = session, plan.leaves
        self._checks = [output.name for output in session.get_outputs() if output.name == REFUSED]
        self.n_features_in_ = plan.features
        self._codes = {
            place: {word: float(code) for code, word in enumerate(words)} for place, words in plan.words.items()
        }
        if plan.names:
            self.feature_names_in_ = np.array(plan.names, dtype=object)
        if plan.classes is not None:
            self.classes_ = plan.classes
        for name, method in plan.methods.items():
            steps = tuple(finisher(step, plan.classes) for step in method.finish)
            setattr(self, name, partial(self._answer, method.output, [method.output, *self._checks], steps))

    def _answer(self, output: str, outputs: list[str], steps: tuple[Step, ...], rows: Any) -> NDArray[Any]:
        if type(rows) is not np.ndarray or rows.dtype != DOUBLE or rows.ndim != 2:
            rows = self._table(rows)
        if rows.shape[1] != self.n_features_in_ or not len(rows):
            raise ValueError(f"the rows have shape {rows.shape}; the model takes {self.n_features_in_} columns")
        raw, *refused = self._session.run(outputs, {INPUT: rows})
        if refused and (refused[0].item() if len(rows) == 1 else np.count_nonzero(refused[0])):  # cheaper than any()
            row = int(np.flatnonzero(refused[0])[0])
            raise RefusedError(row, suspects(rows[row].tolist()), getattr(self, "feature_names_in_", ()), NOT_TAKEN)
        if output in self._leaves:
            raw = total(self._leaves[output], raw)
        for step in steps:
            raw = step(raw)
        return raw  # type: ignore[no-any-return]  # an array

    def _table(self, rows: Any) -> NDArray[np.float64]:
        """What scikit-learn would make of rows that are no array of doubles. Raises ValueError, TypeError."""
        names = getattr(rows, "columns", None)
        expected = getattr(self, "feature_names_in_", None)
        if names is not None and expected is not None and list(names) != expected.tolist():
            raise ValueError(f"the columns must be {', '.join(map(str, expected[:5]))} ..., in this order")
        table = self._coded(rows) if self._codes else np.asarray(rows, dtype=np.float64)
        if table.ndim != 2:
            raise ValueError(f"the rows must be a table, not an array of {table.ndim} dimensions")
        return table

    def _coded(self, rows: Any) -> NDArray[np.float64]:
        """Words as their codes, and what is missing as nothing, unless that has a code too."""
        cells = np.array(rows, dtype=object)
        if cells.ndim == 2 and cells.shape[1] == self.n_features_in_:
            for place, codes in self._codes.items():
                nothing = codes.get(None, np.nan)
                cells[:, place] = [
                    codes.get(cell, UNSEEN) if isinstance(cell, str) else nothing for cell in cells[:, place]
                ]
        return cells.astype(np.float64)


def total(leaves: Leaves, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of the leaves' values, tree after tree in the ensemble's order, shape (rows, groups x width)."""
    rows, trees = places.shape
    width = leaves.values.shape[1] * leaves.groups
    most = max(1, CELLS // (trees * leaves.values.shape[1]))
    if rows <= most:
        return _total(leaves, places, width)
    return np.concatenate([_total(leaves, places[start : start + most], width) for start in range(0, rows, most)])


def _total(leaves: Leaves, places: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    values = leaves.values.take(places.astype(np.intp), axis=0).reshape(len(places), -1, width)
    # accumulate adds one after the other, as a library's loop does; sum() would add in pairs
    return np.add.accumulate(values, axis=1, out=values)[:, -1]
