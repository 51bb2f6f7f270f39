"""What a model raises about its caller's rows, as a RefusedError that names the row; the server answers it with 400.

In: a model's method, or a user's function that calls it; out: the same, with that difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fogbank.scoring.refusal import FAULTS, RefusedError, refusal

Predict = Callable[[Any], Any]


class Guarded:
    """A model's method behind `__call__`; `names` are the columns' names."""

    def __init__(self, method: Predict, names: Sequence[str]) -> None:
        self._method, self._names = method, names

    def __call__(self, rows: Any) -> Any:
        """The answer. Raises RefusedError, and what the model raises where no row is at fault."""
        try:
            return self._method(rows)
        except FAULTS as error:
            if (
                isinstance(rows, np.ndarray) and not rows.flags.writeable
            ):  # a library that works in place gets its own copy
                return self(rows.copy())
            refused = _refusal(self._method, rows, self._names, error)
            if refused is None:
                raise
            raise refused from error


def blamed(ask: Predict, data: Any, model: Any, names: Sequence[str], error: Exception) -> Exception:
    """What a user's function raised, as a RefusedError where it was the model that raised it about `data`; else as it is.

    `ask` is the function again, for parts of the rows.
    """
    if not isinstance(error, RefusedError) and not _raised_by(model, error):
        return error
    return _refusal(ask, data, names, error) or error


def _refusal(ask: Predict, rows: Any, names: Sequence[str], error: Exception) -> RefusedError | None:
    if len(getattr(rows, "shape", ())) != 2:
        return error if isinstance(error, RefusedError) else None
    return refusal(ask, rows, names, error)


def _raised_by(model: Any, error: Exception) -> bool:
    """Whether an error came out of one of the model's own methods."""
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_locals.get("self") is model:
            return True
        step = step.tb_next
    return False
