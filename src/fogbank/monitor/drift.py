"""SageMaker's distances between a feature's baseline and what it is now.

Source: Deequ, `analyzers/Distance.scala`, and the defaults of the Model Monitor analyzer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fogbank.monitor import sketch
from fogbank.monitor.profile import Document
from fogbank.monitor.significance import chi_square_p

FEW, FEW_OF_TWO, MANY_FEW = 5, 10, 0.2
"""Cells below these are merged where more than a fifth of all are: the rule for chi-square tests that Deequ follows."""


def drift(base: Document, now: Document, limits: Mapping[str, Any]) -> float | None:
    """The distance between two features' distributions by `comparison_method` and, of texts, `categorical_drift_method`: `LInfinity`, or
    for `ChiSquared` its statistic (`Simple`) or p-value (`Robust`). None where they are not of one kind, or empty.
    """
    is_robust = limits["comparison_method"] == "Robust"
    if "numerical_statistics" in base and "numerical_statistics" in now:
        old, new = base["numerical_statistics"], now["numerical_statistics"]
        if not has_sketch(old):
            return None
        plain = sketch.distance(_sketch(old), _sketch(new))
    elif base["inferred_type"] == now["inferred_type"] == "String":
        old, new = base["string_statistics"], now["string_statistics"]
        if limits.get("categorical_drift_method", "LInfinity") == "ChiSquared":
            statistic, freedom = chi_squared(counts_of(old), counts_of(new))
            return chi_square_p(statistic, freedom) if is_robust else statistic
        plain = largest_share_difference(old, new)
    else:
        return None
    n, m = old["common"]["num_present"], new["common"]["num_present"]
    return sketch.robust(plain, int(n), int(m)) if is_robust else plain


def is_p_value(base: Document, limits: Mapping[str, Any]) -> bool:
    """Whether `drift` gives a p-value, of which the small ones tell a drift."""
    chi = limits.get("categorical_drift_method", "LInfinity") == "ChiSquared"
    return "numerical_statistics" not in base and chi and limits["comparison_method"] == "Robust"


def has_sketch(numbers: Document) -> bool:
    """Whether statistics of numbers have a sketch: those that another tool wrote may not."""
    return bool(numbers.get("distribution", {}).get("kll", {}).get("sketch", {}).get("data"))


def counts_of(texts: Document) -> dict[str, float]:
    """The counts of a text's values; those that its statistics do not show are one more, under no name."""
    counts = {bucket["value"]: float(bucket["count"]) for bucket in _buckets(texts)}
    rest = texts["common"]["num_present"] - sum(counts.values())
    return {**counts, "": counts.get("", 0.0) + rest} if rest > 0 else counts


def largest_share_difference(old: Document, new: Document) -> float:
    """max |share - share| over the values that either statistics show."""
    n, m = old["common"]["num_present"] or 1, new["common"]["num_present"] or 1
    base = {bucket["value"]: bucket["count"] / n for bucket in _buckets(old)}
    now = {bucket["value"]: bucket["count"] / m for bucket in _buckets(new)}
    return max((abs(base.get(value, 0.0) - now.get(value, 0.0)) for value in {*base, *now}), default=0.0)


def chi_squared(base: Mapping[str, float], now: Mapping[str, float]) -> tuple[float, int]:
    """Pearson's statistic of the sample against the baseline scaled to its size, and its degrees of freedom; small cells are merged.

    >>> chi_squared({"a": 50, "b": 50}, {"a": 60, "b": 40})
    (4.0, 1)
    """
    total, sample = sum(base.values()), sum(now.values())
    if not total or not sample:
        return 0.0, 0
    expected = {value: base.get(value, 0.0) * sample / total for value in {*base, *now}}
    few = FEW_OF_TWO if len(expected) == 2 else FEW
    small = [value for value, count in expected.items() if count < few]
    cells = [(expected[value], now.get(value, 0.0)) for value in sorted(expected.keys() - set(small))]
    merged = (sum(expected[value] for value in small), sum(now.get(value, 0.0) for value in small))
    if len(small) <= MANY_FEW * len(expected):
        cells += [(expected[value], now.get(value, 0.0)) for value in sorted(small) if expected[value]]
        unknown = sum(now.get(value, 0.0) for value in small if not expected[value])
        merged = (0.0, unknown)
    if merged[0] or merged[1]:
        cells.append(merged)
    statistic = sum((seen - hoped) ** 2 / (hoped or 0.5) for hoped, seen in cells)
    return statistic, max(0, len(cells) - 1)


def _sketch(numbers: Document) -> Sequence[Sequence[float]]:
    data: Sequence[Sequence[float]] = numbers["distribution"]["kll"]["sketch"]["data"]
    return data


def _buckets(texts: Document) -> Sequence[Document]:
    buckets: Sequence[Document] = texts.get("distribution", {}).get("categorical", {}).get("buckets", [])
    return buckets
