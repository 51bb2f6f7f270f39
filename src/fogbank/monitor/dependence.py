"""Partial dependence: what a model answers on average when a feature has one value in every row.

In: a table of features, and what scores rows; out: the `pdp` of analysis.json. Sources: AWS Developer Guide, "Partial Dependence Plots:
Analysis Configuration and Output" (the schema, and that numbers are asked at the middles of `grid_resolution` buckets, categories at each
of their values); scikit-learn's `partial_dependence` by its method `brute`, whose averages these are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fogbank.contracts.clarify import PdpConfig
from fogbank.monitor.facets import Table, is_continuous
from fogbank.monitor.numbers import is_number
from fogbank.monitor.shapley import Rows, Score

MOST_ROWS = 5000
"""So many rows are asked for each value, evenly out of all."""
MOST_VALUES = 100
"""A column of more different words is free text."""
UNSUPPORTED = (
    "Detected data type is not supported for PDP. PDP can only be computed for numerical or categorical columns"
)
"""Clarify's own words."""


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """The values at which a feature is asked, as analysis.json has them and as they are sent, and the share of the rows that each stands for."""

    kind: str
    shown: Sequence[float | str]
    sent: Sequence[str]
    shares: Sequence[float]


def partial_dependence(
    table: Table, config: PdpConfig, score: Score, values: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """The dependence on each feature that is asked for; where none is named, on those whose `values` (SHAP's) are the largest.

    Raises DatasetError for a column that is not there, and what `score` raises.
    """
    names = list(dict.fromkeys(map(table.name, config.features)))
    if not names:
        ordered = sorted((values or {}).items(), key=lambda item: -abs(item[1]))
        names = [name for name, _ in ordered[: config.top]]
    everything: Rows = np.array([list(column) for column in table.columns.values()], dtype=object).T
    chosen = np.unique(np.linspace(0, len(everything) - 1, min(MOST_ROWS, len(everything))).astype(int))
    columns = list(table.columns)
    return [
        _of_feature(name, columns.index(name), table.columns[name], everything[chosen], config, score) for name in names
    ]


def _of_feature(
    name: str, column: int, cells: Sequence[str], rows: Rows, config: PdpConfig, score: Score
) -> dict[str, Any]:
    grid = _grid([cell for cell in cells if cell], config.grid)
    if grid.kind == "free_text":
        return {"feature_name": name, "data_type": grid.kind, "error": UNSUPPORTED}
    return {
        "feature_name": name,
        "data_type": grid.kind,
        "feature_values": list(grid.shown),
        "model_predictions": [list(_averages(rows, column, grid.sent, score))],
        "data_distribution": list(grid.shares),
    }


def _averages(rows: Rows, column: int, sent: Sequence[str], score: Score) -> Iterator[float]:
    for value in sent:
        asked = rows.copy()
        asked[:, column] = value
        yield float(score(asked).mean())


def _grid(present: Sequence[str], buckets: int) -> _Grid:
    """Of the values that are there; a column without any has no grid, and one value that is not finite makes no buckets of a column."""
    counts: dict[str, int] = {}
    for value in present:
        counts[value] = counts.get(value, 0) + 1
    numeric = all(map(is_number, counts))
    if numeric and (is_continuous(present) or len(counts) > MOST_VALUES):
        return _buckets(np.array(present, dtype=float), buckets)
    if len(counts) > MOST_VALUES or not counts:
        return _Grid(kind="free_text", shown=(), sent=(), shares=())
    sent = sorted(counts, key=lambda value: (float(value) if numeric else 0.0, value))
    shown = [float(value) for value in sent] if numeric else sent
    return _Grid(kind="categorical", shown=shown, sent=sent, shares=[counts[value] / len(present) for value in sent])


def _buckets(numbers: Any, count: int) -> _Grid:
    edges = np.linspace(numbers.min(), numbers.max(), count + 1)
    middles = [float(value) for value in edges[:-1] + np.diff(edges) / 2]
    held, _ = np.histogram(numbers, edges)
    shares = [float(share) for share in held / len(numbers)]
    return _Grid(kind="numerical", shown=middles, sent=[repr(value) for value in middles], shares=shares)
