"""Whether two models say the same: labels and shapes identical, refusals the same rows, scores within the tolerance.

In: the model and the compiled one, and rows; out: the largest difference of a score, or the first thing that differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.scoring.refusal import accepted_rows

Rows = NDArray[np.float64]
SINGLES = 6
"""Rows of each kind that are asked by themselves, as most requests are."""


class DisagreementError(Exception):
    """The two models differ; the text says in what."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`difference` is the largest of a score, over the larger of one and the score; `exact` that no bit differs; `ties` rows
    whose two largest scores are equal."""

    difference: float
    exact: bool
    refused: int
    ties: int


def agree(model: Any, compiled: Any, tolerances: Mapping[str, float], kinds: Mapping[str, Rows]) -> Agreement:
    """Compare two models by each method, within its tolerance, on each kind of rows. Raises DisagreementError."""
    largest, exact, refused, ties = 0.0, True, 0, 0
    first = next(iter(tolerances))
    for kind, rows in kinds.items():
        accepted = _accepted(model, compiled, first, kind, rows)
        refused += len(rows) - len(accepted)
        for method, tolerance in tolerances.items() if len(accepted) else ():
            where = f"{method} on {kind}"
            labels = method == "predict" and hasattr(compiled, "classes_")
            answer = getattr(model, method)(accepted.copy())
            own = getattr(compiled, method)(accepted)
            singles = [(_one(model, method, row), _one(compiled, method, row)) for row in _few(accepted)]
            for theirs, ours in ((answer, own), *singles):
                difference = _difference(theirs, ours, where, labels=labels)
                if difference > tolerance:
                    raise DisagreementError(
                        f"{where}: a score differs by {difference:.2g}, the tolerance is {tolerance:.2g}"
                    )
                largest = max(largest, difference)
                exact = exact and np.array_equal(theirs, ours, equal_nan=theirs.dtype.kind == "f")
            if method in {"predict_proba", "decision_function"}:
                ties += _ties(answer)
    return Agreement(difference=largest, exact=exact, refused=refused, ties=ties)


def _few(rows: Rows) -> list[Rows]:
    return [rows[place : place + 1] for place in np.unique(np.linspace(0, len(rows) - 1, SINGLES).astype(int))]


def _one(model: Any, method: str, row: Rows) -> Any:
    return getattr(model, method)(row.copy())


def _accepted(model: Any, compiled: Any, method: str, kind: str, rows: Rows) -> Rows:
    """The rows that both accept. Raises DisagreementError where only one does."""
    own = accepted_rows(getattr(compiled, method), rows)
    order = np.argsort(~own, kind="stable")  # what is accepted comes first: then few calls find what is not
    theirs = accepted_rows(lambda part: getattr(model, method)(part.copy()), rows[order])
    wrong = np.flatnonzero(theirs != own[order])
    if len(wrong):
        who = (
            "the model refuses a row that ONNX answers"
            if own[order][wrong[0]]
            else "ONNX refuses a row that the model answers"
        )
        raise DisagreementError(f"{method} on {kind}: {who}")
    return rows[own]


def _difference(answer: Any, own: Any, where: str, *, labels: bool) -> float:
    """The largest difference of two answers' scores, over the larger of one and the score. Raises DisagreementError."""
    if not isinstance(answer, np.ndarray):
        raise DisagreementError(f"{where}: the model answers a {type(answer).__name__}")
    if (answer.dtype, answer.shape) != (own.dtype, own.shape):
        raise DisagreementError(
            f"{where}: {own.dtype} of shape {own.shape}, not {answer.dtype} of shape {answer.shape}"
        )
    if answer.dtype.kind != "f" or labels:
        if not np.array_equal(answer, own):
            raise DisagreementError(f"{where}: a label differs")
        return 0.0
    ends = ~np.isfinite(answer) | ~np.isfinite(own)
    if not np.array_equal(answer[ends], own[ends], equal_nan=True):
        raise DisagreementError(f"{where}: one of the two is no finite number")
    far = np.abs(answer[~ends] - own[~ends]) / np.maximum(1.0, np.abs(answer[~ends]))
    return float(far.max(initial=0.0))


def _ties(scores: NDArray[Any]) -> int:
    if scores.ndim != 2 or scores.shape[1] < 2:
        return int((scores == 0).sum())
    ordered = np.sort(scores, axis=1)
    return int((ordered[:, -1] == ordered[:, -2]).sum())
