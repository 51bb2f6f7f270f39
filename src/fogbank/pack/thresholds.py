"""Rows that stand on the thresholds of a tree ensemble: each leads to one split, and is there just at it, or just over it.

The steps before the trees are undone by bisection over doubles, so that the rows are the neighbours that matter in the
model's own columns, whatever is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.pack.ensembles import LEAF, Ensemble, Tree

Rows = NDArray[np.float64]
FAR = 1e100
"""Where thresholds are looked for on both sides of zero."""
STEPS = 66
"""Halvings until two doubles between the two ends are neighbours."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """The trees of a model: the steps before them, and which column of the model each of theirs comes from.

    `names` are the columns' where the first step takes them from a DataFrame.
    """

    ensemble: Ensemble
    before: Sequence[Any]
    sources: Sequence[int]
    names: Sequence[str] = ()


def threshold_rows(place: Place, rows: Rows, most: int, generator: np.random.Generator) -> tuple[Rows, int]:
    """Three rows for each of at most `most` splits, drawn where there are more; and how many splits these are."""
    paths = _paths(place.ensemble, most, generator)
    bounds = sorted({(feature, limit) for path in paths for feature, limit, _ in path})
    if not bounds:
        return rows[:0], 0
    below, above = _crossings(place, bounds, rows[0])
    where = {bound: number for number, bound in enumerate(bounds)}
    made = np.repeat(rows[generator.integers(0, len(rows), len(paths))], 3, axis=0)
    for number, path in enumerate(paths):
        for feature, limit, left in path[:-1]:
            bound, column = where[feature, limit], place.sources[feature]
            cells = made[3 * number : 3 * number + 3, column]
            cells[:] = np.fmin(cells, below[bound]) if left else np.fmax(cells, above[bound])
        feature, limit, _ = path[-1]
        bound, column = where[feature, limit], place.sources[feature]
        if np.isnan(below[bound]):
            continue
        between = limit if not place.before and np.isfinite(limit) else below[bound]
        made[3 * number : 3 * number + 3, column] = below[bound], above[bound], between
    return made, len(paths)


Path = list[tuple[int, float, bool]]
"""The splits from a root to a node, the node last: column, threshold, and whether the way goes left there."""


def _paths(ensemble: Ensemble, most: int, generator: np.random.Generator) -> list[Path]:
    """The ways to splits of all trees, at most so many of them."""
    counts = np.array([int((tree.left != LEAF).sum()) for tree in ensemble.trees])
    total = int(counts.sum())
    chosen = np.arange(total) if total <= most else np.sort(generator.choice(total, most, replace=False))
    paths: list[Path] = []
    for number, (tree, end) in enumerate(zip(ensemble.trees, np.cumsum(counts), strict=True)):
        places = chosen[(chosen >= end - counts[number]) & (chosen < end)] - (end - counts[number])
        if len(places):
            nodes, parents = np.flatnonzero(tree.left != LEAF)[places], _parents(tree)
            paths += [_path(tree, parents, int(node)) for node in nodes]
    return paths


def _path(tree: Tree, parents: NDArray[np.int64], node: int) -> Path:
    steps = [(int(tree.feature[node]), float(tree.threshold[node]), True)]
    while (parent := int(parents[node])) >= 0:
        steps.append((int(tree.feature[parent]), float(tree.threshold[parent]), bool(tree.left[parent] == node)))
        node = parent
    return steps[::-1]


def _parents(tree: Tree) -> NDArray[np.int64]:
    parents = np.full(len(tree.left), -1)
    inner = np.flatnonzero(tree.left != LEAF)
    parents[tree.left[inner]] = inner
    parents[tree.right[inner]] = inner
    return parents


def _crossings(place: Place, bounds: Sequence[tuple[int, float]], row: Rows) -> tuple[Rows, Rows]:
    """For each column and threshold the largest double that stays at most at it in the trees' eyes, and the next one.

    NaN for a column that may not have any value: one of categories, say, among which there is no next.
    """
    features = np.array([feature for feature, _ in bounds])
    limits = np.array([limit for _, limit in bounds])
    free = {feature: _free(place, feature, row) for feature in set(features.tolist())}
    bound = np.array([free[feature] for feature in features.tolist()])
    below, above = np.full(len(bounds), np.nan), np.full(len(bounds), np.nan)
    if bound.any():
        below[bound], above[bound] = _halved(_eyes(place, features[bound], row), limits[bound])
    return below, above


def _free(place: Place, feature: int, row: Rows) -> bool:
    try:
        _eyes(place, np.full(3, feature), row)(np.array([-FAR, 0.123, FAR]))
    except ValueError:
        return False
    return True


def _halved(seen: Callable[[Rows], Rows], limits: Rows) -> tuple[Rows, Rows]:
    low, high = _order(np.full(len(limits), -FAR)), _order(np.full(len(limits), FAR))
    for _ in range(STEPS):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        under = seen(_double(middle)) <= limits
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return _double(low), _double(high)


def _eyes(place: Place, features: NDArray[np.int64], row: Rows) -> Callable[[Rows], Rows]:
    """What the trees compare, of a cell in each column: behind the steps, and rounded where they round."""
    columns = np.array(place.sources)[features]
    base = np.repeat(np.nan_to_num(row).reshape(1, -1), len(features), axis=0)
    every = np.arange(len(features))

    def seen(cells: Rows) -> Rows:
        table: Any = base.copy()
        table[every, columns] = cells
        if place.names:
            table = frame(table, place.names)
        for step in place.before:
            if step is not None and not isinstance(step, str):
                made = step.transform(table)
                table = made.toarray() if hasattr(made, "toarray") else np.asarray(made, dtype=np.float64)
        found = table[every, features] if place.before else cells
        return found.astype(np.float32).astype(np.float64) if place.ensemble.single else found

    return seen


def frame(rows: Rows, names: Sequence[str]) -> Any:
    """Rows as the DataFrame that a model was trained on."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(names))


def _order(doubles: Rows) -> NDArray[np.int64]:
    """Whole numbers in the order of the doubles, neighbours for neighbours."""
    bits = doubles.view(np.int64)
    return np.where(bits < 0, -(bits & np.int64(np.iinfo(np.int64).max)), bits)


def _double(order: NDArray[np.int64]) -> Rows:
    bits = np.where(order < 0, -order | np.iinfo(np.int64).min, order)
    return np.ascontiguousarray(bits).view(np.float64)
