"""A shift of the joint distribution: can a classifier tell the reference's rows from the current ones, where each column alone cannot?

In: two tables of numbers; out: the AUC of a linear discriminant over ranks, squares and products, on rows that it was not fitted to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fogbank.monitor.sketch import Floats

WIDEST = 30
"""Products are taken of so many columns at most."""
RIDGE = 1e-2


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well the rows can be told apart: `auc` 0.5 is not at all. `p_value` is the chance of that AUC or more without any shift;
    `smallest_detectable` the AUC that has a chance of 0.05. It assumes independent rows.
    """

    auc: float
    p_value: float
    smallest_detectable: float
    rows: tuple[int, int]


def domain_classifier(reference: Floats, current: Floats, *, seed: int = 0) -> Separation:
    """Fitted on one half of the rows, judged on the other. Raises ValueError for tables of other columns or fewer than 4 rows.

    >>> same = np.random.default_rng(0).normal(size=(400, 3))
    >>> domain_classifier(same[:200], same[200:]).p_value > 0.05
    True
    """
    if reference.ndim != 2 or current.ndim != 2 or reference.shape[1] != current.shape[1]:
        raise ValueError(f"the tables have other columns: {reference.shape} and {current.shape}")
    if min(len(reference), len(current)) < 4:
        raise ValueError(f"a domain classifier needs 4 rows of each: there are {len(reference)} and {len(current)}")
    random = np.random.default_rng(seed)
    parts = [table[random.permutation(len(table))] for table in (reference, current)]
    fit, judge = ([part[half::2] for part in parts] for half in (0, 1))
    know = _Features(np.concatenate(fit))
    weights = _discriminant(*(know(part) for part in fit))
    old, new = (know(part) @ weights for part in judge)
    return _separation(old, new)


class _Features:
    """Ranks among the rows that it knows, from -1 to 1 (what is missing is in the middle), their squares and products."""

    def __init__(self, rows: Floats) -> None:
        self._columns = [np.sort(column[~np.isnan(column)]) for column in rows.T]

    def __call__(self, rows: Floats) -> Floats:
        ranks = np.column_stack([self._rank(known, rows[:, i]) for i, known in enumerate(self._columns)])
        pairs = np.triu_indices(min(ranks.shape[1], WIDEST))
        missing = np.isnan(rows).astype(np.float64)
        return np.column_stack([ranks, missing, ranks[:, pairs[0]] * ranks[:, pairs[1]]])

    @staticmethod
    def _rank(known: Floats, values: Floats) -> Floats:
        if not len(known):
            return np.zeros(len(values))
        at = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / len(known) - 1
        return np.where(np.isnan(values), 0.0, at)


def _discriminant(old: Floats, new: Floats) -> Floats:
    """Fisher's, with a ridge."""
    spread = np.atleast_2d(np.cov(np.concatenate([old - old.mean(axis=0), new - new.mean(axis=0)]).T))
    weights: Floats = np.linalg.solve(spread + RIDGE * np.eye(len(spread)), new.mean(axis=0) - old.mean(axis=0))
    return weights


def _separation(old: Floats, new: Floats) -> Separation:
    """Mann and Whitney's test: the AUC is exact, its chance that of a normal with the variance of ranks without ties, which is cautious."""
    ordered = np.sort(old)
    wins = (np.searchsorted(ordered, new, "left") + np.searchsorted(ordered, new, "right")) / 2
    auc = float(wins.mean()) / len(old)
    deviation = math.sqrt((len(old) + len(new) + 1) / (12 * len(old) * len(new)))
    return Separation(
        auc=auc,
        p_value=math.erfc((auc - 0.5) / deviation / math.sqrt(2)) / 2,
        smallest_detectable=min(1.0, 0.5 + 1.6449 * deviation),
        rows=(len(old), len(new)),
    )
