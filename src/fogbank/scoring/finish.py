"""The last steps of a method, from the raw sums of trees or of a linear model to what the library answers, in NumPy.

Each step is a factory: it takes the plan's labels and the step's arguments and returns a function of an array of shape
(rows, columns). What a tie or a zero becomes is what scikit-learn makes of it, and is proven on ties by pack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Step = Callable[[Array], Array]
DOUBLE = np.dtype(np.float64)
OVERFLOWS = -709.0
"""The exponential of the opposite of a score above this is a number."""


def _constant(operation: Callable[[Array, Any], Array]) -> Callable[..., Step]:
    def factory(classes: Array | None, constant: float) -> Step:
        del classes
        return lambda raw: operation(raw, constant)

    return factory


def _plain(function: Step) -> Callable[..., Step]:
    def factory(classes: Array | None) -> Step:
        del classes
        return function

    return factory


def _labels(index: Callable[[Array], Array]) -> Callable[..., Step]:
    def factory(classes: Array | None) -> Step:
        if classes is None:
            raise ValueError("the plan has no labels")
        return lambda raw: classes.take(index(raw), axis=0)

    return factory


def _lookup(classes: Array | None, *codes: Any) -> Step:
    """The label whose code the graph says; codes are in the labels' order, which is ascending."""
    if classes is None:
        raise ValueError("the plan has no labels")
    ordered = np.array(codes, dtype=object if isinstance(codes[0], str) else None)
    return lambda raw: classes.take(np.searchsorted(ordered, raw.ravel()), axis=0)


def logistic(raw: Array) -> Array:
    """Two columns: the probability of the first class and of the second, from the one score, which is the second's.

    NumPy's exponential is the same bits for a number alone and in company, which ONNX Runtime's is not. One row is most requests: all but
    that is done without NumPy then, which says the same and costs a third.
    """
    if raw.size == 1 and raw.dtype == DOUBLE and (score := raw.item()) > OVERFLOWS:
        positive = 1.0 / (1.0 + float(np.exp(-score)))
        return np.array(((1.0 - positive, positive),))
    return _logistic(raw)


@np.errstate(over="ignore")
def _logistic(raw: Array) -> Array:
    positive = 1.0 / (1.0 + np.exp(-raw))
    return np.concatenate((1.0 - positive, positive), axis=1)


def softmax(raw: Array) -> Array:
    """Probabilities of several classes, as scikit-learn computes them: less the largest score of the row."""
    exponents: Array = np.exp(raw - raw.max(axis=1).reshape(-1, 1))
    shares: Array = exponents / exponents.sum(axis=1).reshape(-1, 1)
    return shares


def one_against_rest(raw: Array) -> Array:
    """Probabilities of several classes, each by itself against the rest, then made to sum to one."""
    with np.errstate(over="ignore"):
        each = 1.0 / (1.0 + np.exp(-raw))
    total = each.sum(axis=1)
    none = total == 0
    each[none], total[none] = 1, each.shape[1]
    shares: Array = each / total.reshape(-1, 1)
    return shares


def _exponential(raw: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.exp(raw)


STEPS: dict[str, Callable[..., Step]] = {
    "add": _constant(np.add),
    "as": _constant(lambda raw, dtype: raw.astype(dtype)),
    "column": _constant(lambda raw, place: raw[:, place]),
    "divide": _constant(np.divide),
    "exp": _plain(_exponential),
    "flat": _plain(np.ravel),
    "largest": _labels(lambda raw: raw.argmax(axis=1)),
    "logistic": _plain(logistic),
    "lookup": _lookup,
    "multiply": _constant(np.multiply),
    "nonnegative": _labels(lambda raw: (raw[:, 0] >= 0).astype(np.intp)),
    "one_against_rest": _plain(one_against_rest),
    "opposite": _plain(lambda raw: np.stack([-raw[:, 0], raw[:, 0]], axis=1)),
    "outlier": _plain(lambda score: np.where(score < 0, -1, 1)),
    "positive": _labels(lambda raw: (raw[:, 0] > 0).astype(np.intp)),
    "power": _plain(lambda depths: -(2 ** (-depths))),
    "second_less_first": _plain(lambda raw: (raw[:, 1] - raw[:, 0]).reshape(-1, 1)),
    "smallest": _plain(lambda raw: raw.argmin(axis=1)),
    "softmax": _plain(softmax),
    "subtract": _constant(np.subtract),
}


def finisher(step: tuple[Any, ...], classes: Array | None) -> Step:
    """One step of a plan as a function. Raises KeyError for a step that this fogbank does not know."""
    name, *arguments = step
    return STEPS[name](classes, *arguments)
