"""Quantile sketches as SageMaker's statistics.json has them: levels of values in which a value of level i weighs 2^i.

Source: Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (2016); Deequ's KLL defaults k=2048, c=0.64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE, SHRINK, BUCKETS = 2048, 0.64, 10
Levels = list[list[float]]
Floats = NDArray[np.float64]


def sketch(values: Floats) -> Levels:
    """Levels of at most 2048 values; exact up to 2048 values, and the same for the same values in any order."""
    levels: Levels = []
    current = np.sort(values)
    while True:
        if len(current) <= SIZE:
            levels.append(current.tolist())
            return levels
        odd = len(current) % 2  # what has no partner stays behind with its weight
        levels.append(current[len(current) - odd :].tolist())
        current = current[: len(current) - odd][len(levels) % 2 :: 2]


def weighted(levels: Sequence[Sequence[float]]) -> tuple[Floats, Floats]:
    """Sorted values and the share of the data that is at most each of them."""
    values = np.concatenate([np.asarray(level, dtype=np.float64) for level in levels]) if levels else np.empty(0)
    weights = np.concatenate([np.full(len(level), 2.0**i) for i, level in enumerate(levels)]) if levels else np.empty(0)
    order = np.argsort(values, kind="stable")
    total = weights.sum()
    return values[order], np.cumsum(weights[order]) / total if total else weights


def distance(base: Sequence[Sequence[float]], now: Sequence[Sequence[float]]) -> float:
    """max |CDF_base - CDF_now| over both sketches' values: the Kolmogorov-Smirnov statistic."""
    base_values, base_share = weighted(base)
    now_values, now_share = weighted(now)
    if not len(base_values) or not len(now_values):
        return 0.0
    points = np.union1d(base_values, now_values)
    return float(np.abs(_share(base_values, base_share, points) - _share(now_values, now_share, points)).max())


def _share(values: Floats, share: Floats, points: Floats) -> Floats:
    at = np.searchsorted(values, points, side="right")
    return np.concatenate([[0.0], share])[at]


def robust(plain: float, n: int, m: int) -> float:
    """SageMaker's `Robust` comparison: what exceeds the chance of two samples of n and m; 1.8 is c(0.003).

    >>> robust(0.5, 200, 200)
    0.32
    """
    return max(0.0, round(plain - 1.8 * float(np.sqrt((n + m) / (n * m))), 12)) if n and m else 0.0


def buckets(values: Floats) -> list[dict[str, Any]]:
    """Ten equal-width buckets from the smallest to the largest value; all but the last exclude their upper bound."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    unit = 1.0 if high - low < np.inf else 4.0
    edges = np.linspace(low / unit, high / unit, BUCKETS + 1) * unit
    below = np.searchsorted(np.sort(values), edges[1:-1], side="left")
    counts = np.diff([0, *below.tolist(), len(values)])
    return [
        {"lower_bound": float(edges[i]), "upper_bound": float(edges[i + 1]), "count": float(counts[i])}
        for i in range(BUCKETS)
    ]
