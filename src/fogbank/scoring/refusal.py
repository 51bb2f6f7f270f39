"""Which row a model refuses, where it only says that something is wrong: found by halves, then column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Predict = Callable[[Any], Any]
FAULTS = (ValueError, TypeError, OverflowError, KeyError, IndexError, ZeroDivisionError)
"""What libraries raise for a value that they do not take; anything else is a fault of the model or the machine."""
LARGEST_SINGLE = float(np.finfo(np.float32).max)
COLUMNS_TRIED = 64
NAMED = 3
LENGTH = 300


class RefusedError(ValueError):
    """The model does not take a row, numbered from 0; `columns` are those at fault where they are known, numbered too."""

    def __init__(self, row: int, columns: Sequence[int], names: Sequence[str], cause: str) -> None:
        super().__init__(f"{_where(row, columns, names)}: the model does not take it: {cause}")
        self.row, self.columns, self.cause = row, tuple(columns), cause

    def named(self, names: Sequence[str]) -> RefusedError:
        """The same with the columns' names."""
        return RefusedError(self.row, self.columns, names, self.cause)


def refusal(predict: Predict, rows: Any, names: Sequence[str], error: Exception) -> RefusedError | None:
    """What to tell the caller whose rows made a model raise `error`; None where no row alone is at fault.

    `rows` is an array of two dimensions, or a DataFrame.
    """
    if isinstance(error, RefusedError) and error.columns:
        return error.named(names)
    row = error.row if isinstance(error, RefusedError) else first_refused(predict, rows)
    if row is None:
        return None
    cause = error.cause if isinstance(error, RefusedError) else _first_line(error)
    return RefusedError(row, _columns(predict, rows, row), names, cause)


def first_refused(predict: Predict, rows: Any) -> int | None:
    """The first row that the model refuses by itself, by halves; None where each half is taken alone."""
    start, end = 0, len(rows)
    while end - start > 1:
        middle = (start + end) // 2
        if _refused(predict, rows[start:middle]):
            end = middle
        elif _refused(predict, rows[middle:end]):
            start = middle
        else:
            return None
    return start if _refused(predict, rows[start:end]) else None


def accepted_rows(predict: Predict, rows: Any) -> NDArray[np.bool_]:
    """For each row whether the model takes it, by halves: few calls where few are refused."""
    accepted = np.zeros(len(rows), dtype=bool)
    pending = [(0, len(rows))] if len(rows) else []
    while pending:
        start, end = pending.pop()
        if not _refused(predict, rows[start:end]):
            accepted[start:end] = True
        elif end - start > 1:
            middle = (start + end) // 2
            pending += [(start, middle), (middle, end)]
    return accepted


def suspects(cells: Sequence[Any]) -> list[int]:
    """The columns of a row that hold what no model need take: nothing, no number, or one beyond single precision."""
    return [place for place, cell in enumerate(cells) if _strange(cell)]


def _strange(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and not abs(cell) <= LARGEST_SINGLE)  # NaN too


def _columns(predict: Predict, rows: Any, row: int) -> list[int]:
    """The columns at fault: those that are strange, else the one whose cell, taken from a row that is accepted, mends it."""
    strange = suspects(np.asarray(rows[row : row + 1], dtype=object)[0].tolist())
    if strange or not isinstance(rows, np.ndarray):
        return strange
    others = [other for other in (0, len(rows) - 1) if other != row and not _refused(predict, rows[other : other + 1])]
    spare = rows[others[0]] if others else np.zeros(rows.shape[1])
    for place in range(min(rows.shape[1], COLUMNS_TRIED) if others or rows.dtype != object else 0):
        mended = rows[row : row + 1].copy()
        mended[0, place] = spare[place]
        if not _refused(predict, mended):
            return [place]
    return []


def _refused(predict: Predict, rows: Any) -> bool:
    try:
        predict(rows)
    except FAULTS:
        return True
    return False


def _where(row: int, columns: Sequence[int], names: Sequence[str]) -> str:
    if not columns:
        return f"row {row + 1}"
    shown = [repr(names[place]) if place < len(names) else str(place + 1) for place in columns[:NAMED]]
    return f"row {row + 1}, column{'s' if len(columns) > 1 else ''} {', '.join(shown)}{' ...' if len(columns) > NAMED else ''}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
    return lines[0][:LENGTH]
