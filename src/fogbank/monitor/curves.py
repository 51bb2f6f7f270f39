"""A binary model's curves with their intervals: ROC, precision-recall and calibration.

In: what was true and the scores; out: plain values. Bands are pointwise percentiles of bootstrap samples (Efron, 1979), the intervals of
calibration Wilson's (1927).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.sketch import Floats

POINTS, BINS = 51, 10
RESAMPLES, WORK = 200, 20_000_000
"""So many bootstrap samples, or fewer, but 40 at least, so that not more than so many rows are drawn."""
LEVEL, NORMAL = 0.95, 1.959964
Document = dict[str, Any]


def scored(labels: Sequence[str], scores: Sequence[float], positive: str, *, seed: int = 0) -> Document:
    """Both curves on a grid of 51 points with their bands of 95 %, and the calibration; the curves are empty where one class is missing."""
    actual, values = np.array(labels) == positive, np.array(scores, float)
    rows = len(actual)
    document: Document = {"version": 1.0, "rows": rows, "level": LEVEL, "positives": int(actual.sum())}
    if not 0 < actual.sum() < rows:
        return {**document, "roc": {}, "precision_recall": {}, "calibration": calibration(actual, values)}
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    random = np.random.default_rng(seed)
    samples = max(40, min(RESAMPLES, WORK // rows))
    drawn = [_both(actual[order], ends, _drawn(random, rows)[order]) for _ in range(samples)]
    own = _both(actual[order], ends, np.ones(rows)) or (np.zeros(POINTS), np.zeros(POINTS))
    grid = np.linspace(0, 1, POINTS).tolist()
    curves: Document = {
        name: {"x": grid, **_banded(own[place], [each[place] for each in drawn if each is not None])}
        for place, name in enumerate(("roc", "precision_recall"))
    }
    curves["roc"]["area"] = _areas(own, drawn)
    return {**document, **curves, "calibration": calibration(actual, values)}


def calibration(actual: NDArray[np.bool_], scores: Floats) -> list[Document]:
    """By tenths of the score: how many rows, their mean score, and the share that is positive with its interval. None where scores are no chances."""
    if not len(scores) or scores.min() < 0 or scores.max() > 1:
        return []
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    found = []
    for place in np.unique(places):
        mine = places == place
        low, high = wilson(int(actual[mine].sum()), int(mine.sum()))
        found.append({
            "rows": int(mine.sum()), "score": float(scores[mine].mean()), "share": float(actual[mine].mean()), "low": low, "high": high,
        })  # fmt: skip
    return found


def wilson(positive: int, rows: int) -> tuple[float, float]:
    """Wilson's interval of 95 % of a share.

    >>> low, high = wilson(5, 10)
    >>> round(low, 3), round(high, 3)
    (0.237, 0.763)
    """
    share, z = positive / rows, NORMAL
    middle, below = share + z * z / (2 * rows), 1 + z * z / rows
    spread = z * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return max(0.0, (middle - spread) / below), min(1.0, (middle + spread) / below)


def _drawn(random: np.random.Generator, rows: int) -> Floats:
    """How often each row is in a bootstrap sample."""
    return np.bincount(random.integers(0, rows, rows), minlength=rows).astype(float)


def _both(actual: NDArray[np.bool_], ends: NDArray[np.int64], weights: Floats) -> tuple[Floats, Floats] | None:
    """The true positive rate by the false positive rate, and the precision by the recall; None where one class was not drawn."""
    hits, alarms = np.cumsum(weights * actual)[ends], np.cumsum(weights * ~actual)[ends]
    if not hits[-1] or not alarms[-1]:
        return None
    grid = np.linspace(0, 1, POINTS)
    recall, false = hits / hits[-1], alarms / alarms[-1]
    roc = np.interp(grid, np.concatenate([[0.0], false]), np.concatenate([[0.0], recall]))
    precision = hits / np.maximum(hits + alarms, 1e-300)
    at = np.searchsorted(recall, np.maximum(grid, 1e-12), side="left").clip(max=len(recall) - 1)
    return roc, precision[at]


def _areas(own: tuple[Floats, Floats], drawn: Sequence[tuple[Floats, Floats] | None]) -> Document:
    """The area below the ROC curve on the grid, with its interval."""
    tail = 50 * (1 - LEVEL)
    areas = [float(np.trapezoid(each[0], dx=1 / (POINTS - 1))) for each in drawn if each is not None]
    low, high = np.percentile(areas, [tail, 100 - tail])
    return {"value": float(np.trapezoid(own[0], dx=1 / (POINTS - 1))), "low": float(low), "high": float(high)}


def _banded(own: Floats, drawn: Sequence[Floats]) -> Document:
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(np.array(drawn), [tail, 100 - tail], axis=0)
    return {"y": own.round(6).tolist(), "low": low.round(6).tolist(), "high": high.round(6).tolist()}
