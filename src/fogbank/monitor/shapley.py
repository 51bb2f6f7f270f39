"""Shapley values of any model, as Clarify's kernel method tells them: exact where all coalitions fit, else a weighted regression over some.

In: a function from rows to scores, rows to explain and background rows (a coalition's other cells come from there); out: one value for
each cell. Sources: Shapley (1953); Lundberg, Lee, "A Unified Approach to Interpreting Model Predictions" (2017), Theorem 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.sketch import Floats

Rows = NDArray[np.object_]
Score = Callable[[Rows], Floats]
MOST_EXACT = 2048
"""So many coalitions are all asked; of more features a sample is."""
AT_ONCE = 20_000


def shapley(
    score: Score, rows: Rows, background: Rows, *, samples: int | None = None, seed: int = 0
) -> tuple[Floats, float]:
    """Values of each cell of the rows, and what the model says of the background on average: both together are the score.

    Exact up to 11 features; of more, `samples` coalitions (2048 and twice the features where nothing is asked, as in shap) are drawn,
    each with its complement.
    """
    width = rows.shape[1]
    expected = float(score(background).mean())
    if width == 0:
        return np.zeros((len(rows), 0)), expected
    exact = 2**width <= MOST_EXACT
    coalitions = _all(width) if exact else _drawn(width, samples or MOST_EXACT + 2 * width, np.random.default_rng(seed))
    values = np.empty((len(rows), width))
    for number, row in enumerate(rows):
        told = _told(score, row, background, coalitions)
        values[number] = (
            _exact(told, width) if exact else _regressed(coalitions, told, expected, float(score(row[None, :])[0]))
        )
    return values, expected


def _told(score: Score, row: Rows, background: Rows, coalitions: NDArray[np.bool_]) -> Floats:
    """The mean score of each coalition: the row's cells in it, the background's elsewhere."""
    told = np.empty(len(coalitions))
    step = max(1, AT_ONCE // len(background))
    for start in range(0, len(coalitions), step):
        own = coalitions[start : start + step]
        mixed = np.where(own[:, None, :], row[None, None, :], background[None, :, :])
        told[start : start + step] = score(mixed.reshape(-1, len(row))).reshape(len(own), len(background)).mean(axis=1)
    return told


def _all(width: int) -> NDArray[np.bool_]:
    """Every coalition; the number of each is its cells as bits."""
    bits: NDArray[np.bool_] = (np.arange(2**width)[:, None] >> np.arange(width)) & 1 == 1
    return bits


def _exact(told: Floats, width: int) -> Floats:
    numbers = np.arange(2**width)
    sizes = _all(width).sum(axis=1)
    weights = np.array([1 / (width * math.comb(width - 1, size)) for size in range(width)])
    values = np.empty(width)
    for cell in range(width):
        without = numbers[(numbers >> cell) & 1 == 0]
        values[cell] = (weights[sizes[without]] * (told[without | (1 << cell)] - told[without])).sum()
    return values


def _drawn(width: int, samples: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Coalitions of one cell and of all but one, then others of sizes by the kernel's weight, each with its complement."""
    first = list(np.eye(width, dtype=bool))
    sizes = np.arange(2, width - 1)
    chances = (width - 1) / (sizes * (width - sizes))
    for size in random.choice(sizes, max(0, samples // 2 - len(first)), p=chances / chances.sum()):
        first.append(np.isin(np.arange(width), random.choice(width, size, replace=False)))
    half = np.array(first)
    return np.concatenate([half, ~half])


def _regressed(coalitions: NDArray[np.bool_], told: Floats, expected: float, score: float) -> Floats:
    """Least squares under the constraint that all values together are the score less what is expected."""
    width = coalitions.shape[1]
    sizes = coalitions.sum(axis=1)
    ends = (sizes == 1) | (sizes == width - 1)
    inner = sum((width - 1) / (size * (width - size)) for size in range(2, width - 1))
    weights = np.where(
        ends, 2 / ends.sum(), inner / max(1, (~ends).sum())
    )  # what was drawn stands for all of its sizes
    last = coalitions[:, -1].astype(float)
    design = coalitions[:, :-1] - last[:, None]
    target = told - expected - last * (score - expected)
    root = np.sqrt(weights)
    solved, *_ = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)
    return np.append(solved, score - expected - solved.sum())


def ndcg(baseline: Sequence[float], now: Sequence[float]) -> float:
    """How well an order of features by `now` keeps that by `baseline`: 1 is the same order. Of the values' sizes.

    Source: AWS Developer Guide, "Feature Attribution Drift Violations": the gain of a feature is its baseline value.
    """
    gains = np.abs(np.asarray(baseline, float))
    discounts = 1 / np.log2(np.arange(2, len(gains) + 2))
    best = float((np.sort(gains)[::-1] * discounts).sum())
    order = np.argsort(-np.abs(np.asarray(now, float)), kind="stable")
    return float((gains[order] * discounts).sum()) / best if best else 1.0
