"""Quantile sketches as SageMaker's statistics.json has them: levels of values in which a value of level i weighs 2^i.

Source: Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (2016); Deequ's KLL defaults k=2048, c=0.64. Which half of
a full level goes up is not drawn but taken in turn, so that the same data gives the same bytes, and the error has a bound, not a chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE, SHRINK, BUCKETS = 2048, 0.64, 10
Levels = list[list[float]]
Floats = NDArray[np.float64]


class Quantiles:
    """A sketch that takes values by the chunk, and other sketches. A level is runs of ascending values, which a stable sort only merges.

    Exact up to 2048 values. `rank_error` is how many values' ranks may be off at most: each halving of a level i adds 2^i at most. For
    ten million values it is below 1 % of them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rank_error = 0
        self._levels: list[Floats] = []
        self._turns: list[int] = []

    def add(self, ordered: Floats) -> None:
        """Take values in ascending order."""
        self.count += len(ordered)
        level = 0
        while len(ordered) > SIZE:
            kept, ordered = self._halved(level, ordered)
            self._into(level, kept)
            level += 1
        self._into(level, ordered)
        self._settle()

    def merge(self, other: Quantiles) -> None:
        """Take what another sketch has seen."""
        self.count += other.count
        self.rank_error += other.rank_error
        for level, values in enumerate(other._levels):
            self._into(level, values)
        self._settle()

    @property
    def error(self) -> float:
        """The largest error of a share that the sketch tells, of 1."""
        return self.rank_error / self.count if self.count else 0.0

    def levels(self) -> Levels:
        """As statistics.json has it."""
        return [np.sort(values, kind="stable").tolist() for values in self._levels] or [[]]

    def _into(self, level: int, values: Floats) -> None:
        while len(self._levels) <= level:
            self._levels.append(np.empty(0))
            self._turns.append(0)
        if len(values):
            own = self._levels[level]
            self._levels[level] = np.concatenate([own, values]) if len(own) else values

    def _settle(self) -> None:
        level = 0
        while level < len(self._levels):
            if len(self._levels[level]) > SIZE:
                kept, up = self._halved(level, np.sort(self._levels[level], kind="stable"))
                self._levels[level] = kept
                self._into(level + 1, up)
            level += 1

    def _halved(self, level: int, ordered: Floats) -> tuple[Floats, Floats]:
        """What has no partner stays behind with its weight; every second one of the others goes up, with twice as much."""
        self._into(level, np.empty(0))
        even = len(ordered) - len(ordered) % 2
        turn = self._turns[level]
        self._turns[level] = 1 - turn
        self.rank_error += 1 << level
        return ordered[even:], ordered[:even][turn::2]


def sketch(values: Floats) -> Levels:
    """The levels of values: the same for the same values in any order."""
    quantiles = Quantiles()
    quantiles.add(np.sort(values))
    return quantiles.levels()


def weighted(levels: Sequence[Sequence[float]]) -> tuple[Floats, Floats]:
    """Sorted values and the share of the data that is at most each of them."""
    values = np.concatenate([np.asarray(level, dtype=np.float64) for level in levels]) if levels else np.empty(0)
    weights = np.concatenate([np.full(len(level), 2.0**i) for i, level in enumerate(levels)]) if levels else np.empty(0)
    order = np.argsort(values, kind="stable")
    total = weights.sum()
    return values[order], np.cumsum(weights[order]) / total if total else weights


def distance(base: Sequence[Sequence[float]], now: Sequence[Sequence[float]]) -> float:
    """max |CDF_base - CDF_now| over both sketches' values: the Kolmogorov-Smirnov statistic."""
    one, two = weighted(base), weighted(now)
    return farthest(one, two, between(one, two)[1])


def farthest(one: tuple[Floats, Floats], two: tuple[Floats, Floats], differences: Floats) -> float:
    """The largest of their differences; 0 where one of them is empty."""
    return float(differences.max()) if len(one[0]) and len(two[0]) else 0.0


def between(one: tuple[Floats, Floats], two: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """All values of two weighted samples in ascending order, and |CDF - CDF| at each of them."""
    points = np.sort(np.concatenate([one[0], two[0]]), kind="stable")
    return points, np.abs(share_at(*one, points) - share_at(*two, points))


def share_at(values: Floats, share: Floats, points: Floats, side: Any = "right") -> Floats:
    """The share of the data that is at most each point; with `left`, below it."""
    return np.concatenate([[0.0], share])[np.searchsorted(values, points, side=side)]


def robust(plain: float, n: int, m: int) -> float:
    """SageMaker's `Robust` comparison: what exceeds the chance of two samples of n and m; 1.8 is c(0.003).

    >>> robust(0.5, 200, 200)
    0.32
    """
    return max(0.0, round(plain - 1.8 * float(np.sqrt((n + m) / (n * m))), 12)) if n and m else 0.0


def buckets(levels: Sequence[Sequence[float]], low: float, high: float, count: int) -> list[dict[str, Any]]:
    """Ten equal-width buckets from the smallest to the largest of `count` values; all but the last exclude their upper bound."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    unit = 1.0 if high - low < np.inf else 4.0
    edges = np.linspace(low / unit, high / unit, BUCKETS + 1) * unit
    below = np.rint(share_at(*weighted(levels), edges[1:-1], side="left") * count)
    counts = np.diff([0, *below.tolist(), count])
    return [
        {"lower_bound": float(edges[i]), "upper_bound": float(edges[i + 1]), "count": float(counts[i])}
        for i in range(BUCKETS)
    ]
