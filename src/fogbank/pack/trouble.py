"""Rows that look for trouble: where a compiled model would differ from the model that it stands for, if it did.

In: rows of the baseline, what is nullable, and the thresholds of the model's trees; out: rows by the kind of trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fogbank.pack.thresholds import Place, threshold_rows

Rows = NDArray[np.float64]
SEED = 20261125
EXTREMES = (
    3.4028234663852886e38, 3.4028235677973366e38, 1e39, 1e100, 1.7976931348623157e308,
    5e-324, 1e-310, 1.1754942e-38, 1e-45, 16777217.0, 9007199254740993.0, 1e15 + 0.3, 0.1, 1 / 3, 4294967296.5,
)  # fmt: skip
"""The largest single and the first that is infinite as one, the largest double, the smallest, and what singles cannot hold."""
TOGETHER = 1e300
"""Beyond this it depends on the order of a sum whether it is infinite, and the library's own order on the number of rows."""
COLUMNS = 48
"""The most columns that each kind of trouble is tried in alone, drawn where there are more."""
MIXED, MASKS = 1000, 60
FEW_VALUES = 50
TREE_ROWS, LEAST_SPLITS, MOST_SPLITS = 3_000_000, 100, 4000
"""The work of a proof on thresholds, in rows times trees; and the splits that it is on."""


def troubles(rows: Rows, nullable: Sequence[bool], place: Place | None) -> dict[str, Rows]:
    """Rows by kind of trouble; the baseline's own are the first. A kind that does not apply is left out."""
    generator = np.random.default_rng(SEED)
    whole = rows[~np.isnan(rows).any(axis=1)]
    base = whole if len(whole) else np.nan_to_num(rows)
    places = _places(rows.shape[1], generator)
    found = {
        "baseline": rows,
        "mixed": _mixed(rows, generator),
        "zeros": np.concatenate(
            [np.zeros((1, rows.shape[1])), *(_alone(base, place, [0.0, -0.0], generator) for place in places)]
        ),
        "extremes": _extremes(base, places, generator),
        "infinities": _infinities(base, places, generator),
        "rounding": _rounding(base, generator),
        "unseen": _stacked([_alone(base, place, _unseen(base[:, place]), generator) for place in places], rows),
        "missing": _missing(base, [place for place in range(rows.shape[1]) if nullable[place]], generator),
        "missing anywhere": _missing(base, places, generator),
    }
    if place is not None:
        trees = max(1, len(place.ensemble.trees))
        most = min(MOST_SPLITS, max(LEAST_SPLITS, TREE_ROWS // (3 * trees)))
        found["thresholds"], _ = threshold_rows(place, base, most, generator)
    return {kind: made for kind, made in found.items() if len(made)}


def _places(width: int, generator: np.random.Generator) -> list[int]:
    return sorted(generator.permutation(width)[:COLUMNS].tolist())


def _stacked(parts: Sequence[Rows], rows: Rows) -> Rows:
    return np.concatenate(parts) if parts else rows[:0]


def _alone(base: Rows, place: int, values: Sequence[float], generator: np.random.Generator) -> Rows:
    """A row of the baseline for each value, with it in one column."""
    made = base[generator.integers(0, len(base), len(values))].copy()
    made[:, place] = values
    return made


def _mixed(rows: Rows, generator: np.random.Generator) -> Rows:
    """Every cell from another row: what is usual alone in company that is not."""
    picked = generator.integers(0, len(rows), (MIXED, rows.shape[1]))
    return np.take_along_axis(rows, picked, axis=0)


def _both(values: Sequence[float]) -> list[float]:
    return [sign * value for value in values for sign in (1.0, -1.0)]


def _extremes(base: Rows, places: Sequence[int], generator: np.random.Generator) -> Rows:
    values = _both(EXTREMES)
    parts = [_alone(base, place, values, generator) for place in places]
    together = [value for value in values if abs(value) <= TOGETHER]
    parts.append(np.repeat(np.array(together).reshape(-1, 1), base.shape[1], axis=1))
    parts.append(generator.choice(together, (MASKS, base.shape[1])))
    return np.concatenate(parts)


def _infinities(base: Rows, places: Sequence[int], generator: np.random.Generator) -> Rows:
    parts = [_alone(base, place, [np.inf, -np.inf], generator) for place in places]
    parts += [np.full((1, base.shape[1]), np.inf), np.full((1, base.shape[1]), -np.inf)]
    return np.concatenate(parts)


def _rounding(base: Rows, generator: np.random.Generator) -> Rows:
    """The baseline's numbers with more digits than they had, and shifted to where singles have none left."""
    made = base[generator.integers(0, len(base), 4 * MASKS)]
    quarters = np.array_split(made, 4)
    return np.concatenate(
        [quarters[0] * (1 + 1e-9), quarters[1] * (1 - 3e-16), quarters[2] + 1e9, quarters[3] * np.pi * 1e6]
    )


def _unseen(column: Rows) -> list[float]:
    """Values that a column of a few whole numbers, as codes of categories are, has never had."""
    values = np.unique(column)
    if len(values) > FEW_VALUES or (values % 1).any():
        return []
    nearest = np.arange(
        values[0], min(values[-1], values[0] + len(values) + 2)
    )  # two at least are none of them; codes may be far apart
    inside = [value for value in nearest if value not in values][:2]
    return [float(values[-1] + 1), float(values[0] - 1), float(values[0]) + 0.5, -1.0, 300.0, *map(float, inside)]


def _missing(base: Rows, places: Sequence[int], generator: np.random.Generator) -> Rows:
    """NaN in each of these columns alone, in all of them, and here and there, always somewhere."""
    if not places:
        return base[:0]
    parts = [_alone(base, place, [np.nan, np.nan], generator) for place in places]
    for mask in filter(np.any, _masks(len(places), generator)):
        row = base[generator.integers(0, len(base), 1)].copy()
        row[0, np.array(places)[mask]] = np.nan
        parts.append(row)
    return np.concatenate(parts)


def _masks(width: int, generator: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    yield np.ones(width, dtype=bool)
    for share in np.linspace(0.05, 0.9, MASKS):
        yield generator.random(width) < share
