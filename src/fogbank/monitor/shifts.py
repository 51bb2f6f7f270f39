"""Shifts beyond SageMaker's checks: tests with their chances, held together over all features, and sizes that mean the same for each.

In: two statistics.json documents; out: the document shifts.json. Tests: Kolmogorov-Smirnov for numbers, chi-square of homogeneity for
texts; what a sketch may err by is taken off a distance before its chance is told. Sizes: PSI and Jensen-Shannon distance over the
reference's deciles or values, Wasserstein distance in the reference's standard deviations.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from fogbank.monitor.drift import counts_of, has_sketch
from fogbank.monitor.profile import Document
from fogbank.monitor.significance import (
    benjamini_hochberg,
    chi_square_p,
    chi_square_quantile,
    holm,
    kolmogorov_p,
    kolmogorov_quantile,
)
from fogbank.monitor.sketch import SIZE, Floats, between, farthest, share_at, weighted

LEVEL = 0.05
BINS = 10
LEAST_SHARE = 1e-4
"""PSI of a bin without values would be infinite: it is counted as this share."""
FEWEST = 5
"""Expected counts below this are put together before a chi-square test."""
CONTROLS = {"Benjamini-Hochberg": benjamini_hochberg, "Holm": holm}
ASSUMES = {
    "Kolmogorov-Smirnov": "rows are independent draws; chances are those of large samples, cautious where values are tied or sketched",
    "chi-square": "rows are independent draws; values of fewer than 5 expected rows are one",
}


def shifts(
    base: Document,
    now: Document,
    *,
    outputs: Collection[str] = (),
    level: float = LEVEL,
    control: str = "Benjamini-Hochberg",
) -> Document:
    """The shift of every feature that both have as numbers or as texts; `outputs` are predictions, told apart.

    A feature is shifted where its adjusted chance is at most `level`: with Benjamini-Hochberg at most that share of the alarms is false,
    and of windows without any shift at most that share has an alarm; with Holm the latter holds whatever depends on what.
    """
    current = {item["name"]: item for item in now["features"]}
    pairs = [(item, current[item["name"]]) for item in base["features"] if item["name"] in current]
    found = [shift for one, two in pairs if (shift := _shift(one, two)) is not None]
    for shift, adjusted in zip(found, CONTROLS[control]([shift["p_value"] for shift in found]), strict=True):
        shift["adjusted_p_value"] = adjusted
        shift["shifted"] = adjusted <= level
        shift["role"] = "prediction" if shift["name"] in outputs else "feature"
        shift["smallest_detectable"] = _detectable(shift, level / len(found))
    return {
        "version": 1.0,
        "reference": {"what": "baseline statistics", "item_count": base["dataset"]["item_count"]},
        "current": {"item_count": now["dataset"]["item_count"]},
        "level": level,
        "control": control,
        "assumptions": {test: text for test, text in ASSUMES.items() if any(shift["test"] == test for shift in found)},
        "shifted": [shift["name"] for shift in found if shift["shifted"]],
        "features": found,
    }


def _shift(base: Document, now: Document) -> Document | None:
    if "numerical_statistics" in base and "numerical_statistics" in now and has_sketch(base["numerical_statistics"]):
        return {"name": base["name"], **numeric_shift(base["numerical_statistics"], now["numerical_statistics"])}
    if base["inferred_type"] == now["inferred_type"] == "String":
        return {
            "name": base["name"],
            **text_shift(counts_of(base["string_statistics"]), counts_of(now["string_statistics"])),
        }
    return None


def numeric_shift(base: Document, now: Document) -> Document:
    """The shift of numbers: `statistic` is max |CDF - CDF|."""
    n, m = int(base["common"]["num_present"]), int(now["common"]["num_present"])
    error = error_bound(_levels(base)) + error_bound(_levels(now))
    old, new = weighted(_levels(base)), weighted(_levels(now))
    points, differences = between(old, new)
    apart = farthest(old, new, differences)
    return {
        "test": "Kolmogorov-Smirnov",
        "statistic": apart,
        "sketch_error": error,
        "p_value": kolmogorov_p(apart - error, n, m),
        "rows": [n, m],
        **_sizes(*_binned(old, new)),
        "wasserstein": wasserstein(points, differences) / base["std_dev"] if base["std_dev"] else None,
    }


def text_shift(base: Mapping[str, float], now: Mapping[str, float]) -> Document:
    """The shift of texts: `statistic` is Pearson's of the table of both counts."""
    values = sorted({*base, *now})
    table = np.array([[counts.get(value, 0.0) for value in values] for counts in (base, now)])
    n, m = table.sum(axis=1)
    statistic, freedom = homogeneity(table)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    return {
        "test": "chi-square",
        "statistic": statistic,
        "degrees_of_freedom": freedom,
        "p_value": chi_square_p(statistic, freedom),
        "rows": [int(n), int(m)],
        **_sizes(shares[0], shares[1]),
    }


def homogeneity(table: Floats) -> tuple[float, int]:
    """Pearson's statistic of a table of two rows and its degrees of freedom; columns of few expected rows are put together first."""
    rows, total = table.sum(axis=1), table.sum()
    if not rows.all():
        return 0.0, 0
    few = table.sum(axis=0) * rows.min() / total < FEWEST
    if few.sum() > 1:
        table = np.column_stack([table[:, ~few], table[:, few].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(rows, table.sum(axis=0)) / total
    return float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1


def psi(base: Floats, now: Floats) -> float:
    """The population stability index of two lists of shares: below 0.1 is small, above 0.25 large."""
    one, two = np.maximum(base, LEAST_SHARE), np.maximum(now, LEAST_SHARE)
    return float(((two - one) * np.log(two / one)).sum())


def jensen_shannon(base: Floats, now: Floats) -> float:
    """The Jensen-Shannon distance of two lists of shares, from 0 to 1: the root of the divergence in bits."""
    middle = (base + now) / 2

    def bits(shares: Floats) -> float:
        there = shares > 0
        return float((shares[there] * np.log2(shares[there] / middle[there])).sum())

    return math.sqrt(max(0.0, (bits(base) + bits(now)) / 2))


def wasserstein(points: Floats, differences: Floats) -> float:
    """How far values must be moved on average to make the one distribution the other, in the values' own unit; `between` gives both."""
    return float((differences[:-1] * np.diff(points)).sum())


def error_bound(levels: Sequence[Sequence[float]]) -> float:
    """What a sketch's shares may err by at most, told from its levels: what is above a level was halved once for each 1024 values."""
    weights = [len(level) * 2**i for i, level in enumerate(levels)]
    above = [sum(weights[i + 1 :]) for i in range(len(weights))]
    return sum(above) / SIZE / sum(weights) if any(weights) else 0.0


def _binned(base: tuple[Floats, Floats], now: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The shares of both in the reference's deciles; where many values are equal, the bins are fewer."""
    values, shares = base
    cuts = np.unique(values[np.searchsorted(shares, np.arange(1, BINS) / BINS, side="left").clip(max=len(values) - 1)])
    below = [share_at(*side, cuts) for side in (base, now)]
    one, two = (np.diff(np.concatenate([[0.0], share, [1.0]])) for share in below)
    return one, two


def _sizes(base: Floats, now: Floats) -> dict[str, float]:
    return {"psi": psi(base, now), "jensen_shannon": jensen_shannon(base, now)}


def _detectable(shift: Document, level: float) -> dict[str, Any]:
    """The smallest shift that the test tells with these rows, if it were the only one among its features."""
    n, m = shift["rows"]
    if not n or not m:
        return {"measure": "none", "value": None}
    scale = (n + m) / (n * m)
    if shift["test"] == "chi-square":
        freedom = max(1, shift["degrees_of_freedom"])
        return {"measure": "Cohen's w", "value": math.sqrt(chi_square_quantile(level, freedom) * scale)}
    return {
        "measure": "max |CDF - CDF|",
        "value": min(1.0, kolmogorov_quantile(level) * math.sqrt(scale) + shift["sketch_error"]),
    }


def _levels(numbers: Document) -> Sequence[Sequence[float]]:
    levels: Sequence[Sequence[float]] = numbers["distribution"]["kll"]["sketch"]["data"]
    return levels
