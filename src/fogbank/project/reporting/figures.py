"""The figures of a report, pure: what kind of model it is, and each column as it was and as it is, from SageMaker's statistics.

In: a package's manifest, `statistics.json` of the baseline and of a monitor's run; out: plain values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from fogbank.contracts.manifest import PackageManifest
from fogbank.monitor import drift_distances

Kind = Literal["classification", "multiclass", "regression", "anomaly", "clusters", "text"]
BINS, MOST_VALUES = 12, 8
CLUSTERS = 50
"""More whole numbers than that are a number, not the clusters' own."""
ANOMALY = frozenset({"decision_function", "score_samples"})
TOLERANCE = 1e-6
Document = dict[str, Any]


def kind_of(package: PackageManifest, predictions: Collection[str]) -> Kind:
    """What the model does, as far as its package and what it said of the baseline tell."""
    values = set(predictions)
    if package.input.rows == "texts" or (
        len(package.input.columns) == 1 and package.input.columns[0].dtype == "string"
    ):
        return "text"
    if package.method in ANOMALY or (values and values <= {"1", "-1"} and "-1" in values):
        return "anomaly"
    classes = len(package.output.classes) or (len(values) if values and not all(map(_is_number, values)) else 0)
    if classes:
        return "classification" if classes <= 2 else "multiclass"
    if values and all(map(_is_whole, values)) and len(values) <= CLUSTERS:
        return "classification" if values <= {"0", "1"} else "clusters"
    return "regression"


def columns_of(baseline: Document, now: Document, flagged: Collection[str]) -> list[Document]:
    """Each column: how much of it is missing, what it is like, its distribution in the baseline and now, and how far it drifted."""
    current = {item["name"]: item for item in now.get("features", [])}
    distances = drift_distances(baseline, now) if current else {}
    return [
        {
            "name": item["name"],
            "type": item["inferred_type"],
            "missing": _missing(item),
            "missing_now": _missing(current[item["name"]]) if item["name"] in current else None,
            "like": _like(item),
            "bars": bars_of(item, current.get(item["name"])),
            "drift": distances.get(item["name"]),
            "change": _change(item, current.get(item["name"])),
            "flagged": item["name"] in flagged,
        }
        for item in baseline["features"]
    ]


def bars_of(base: Document, now: Document | None) -> list[Document]:
    """The shares of a column's values, by bins of numbers or by value, in the baseline and now (None where there is no now)."""
    parts = [item for item in (base, now) if item]
    if any("numerical_statistics" not in item for item in parts):
        return _categories(base, now)
    buckets = [item["numerical_statistics"]["distribution"]["kll"]["buckets"] for item in parts]
    ends = [bucket[side] for part in buckets for bucket in part for side in ("lower_bound", "upper_bound")]
    if not ends:
        return []
    low, high = min(ends), max(ends)
    width = (high - low) / BINS or 1.0
    bins = [(low + place * width, low + (place + 1) * width) for place in range(BINS)]
    shares = [[_share(part, *each) for each in bins] for part in buckets]
    return [
        {
            "label": f"{left:.3g} to {right:.3g}",
            "low": left,
            "high": right,
            "base": shares[0][place],
            "now": shares[1][place] if now else None,
        }
        for place, (left, right) in enumerate(bins)
    ]


def same_answers(answers: Sequence[Sequence[str]], expected: Sequence[Sequence[str]]) -> int:
    """How many rows say the same: labels by their letters, numbers to a millionth of their size.

    >>> same_answers([["spam", "0.5"], ["ham", "0.1"]], [["spam", "0.50000001"], ["spam", "0.1"]])
    1
    """
    return sum(
        len(ours) == len(theirs) and all(map(_same, ours, theirs))
        for ours, theirs in zip(answers, expected, strict=False)
    )


def _same(ours: str, theirs: str) -> bool:
    if ours == theirs or not (_is_number(ours) and _is_number(theirs)):
        return ours == theirs
    return abs(float(ours) - float(theirs)) <= TOLERANCE * max(1.0, abs(float(theirs)))


def _share(buckets: Sequence[Mapping[str, float]], low: float, high: float) -> float:
    """The share of the values between two numbers; within a bucket they are taken to lie evenly."""
    total = sum(bucket["count"] for bucket in buckets) or 1.0
    mass = 0.0
    for bucket in buckets:
        start, end = bucket["lower_bound"], bucket["upper_bound"]
        if end <= start:
            mass += bucket["count"] if low <= start < high or start == high else 0.0
            continue
        mass += bucket["count"] * max(0.0, min(end, high) - max(start, low)) / (end - start)
    return mass / total


def _categories(base: Document, now: Document | None) -> list[Document]:
    shares = [_shares(item) for item in (base, now) if item]
    names = sorted({*shares[0], *(shares[1] if now else ())}, key=lambda name: -shares[0].get(name, 0.0))
    return [
        {"label": name, "base": shares[0].get(name, 0.0), "now": shares[1].get(name, 0.0) if now else None}
        for name in names[:MOST_VALUES]
    ]


def _shares(item: Document) -> dict[str, float]:
    said = item.get("string_statistics") or {}
    buckets = said.get("distribution", {}).get("categorical", {}).get("buckets", [])
    total = (said.get("common") or {}).get("num_present") or sum(bucket["count"] for bucket in buckets) or 1.0
    return {str(bucket["value"]): bucket["count"] / total for bucket in buckets}


def _common(item: Document) -> Document:
    said = item.get("numerical_statistics") or item.get("string_statistics") or {}
    return dict(said.get("common") or {})


def _missing(item: Document) -> float:
    common = _common(item)
    absent = float(common.get("num_missing", 0))
    return absent / (absent + float(common.get("num_present", 0)) or 1.0)


def _like(item: Document) -> str:
    """What the column's values are like, in a few words."""
    said = item.get("numerical_statistics")
    if said and "mean" in said:
        return f"{said['min']:.4g} to {said['max']:.4g}, mean {said['mean']:.4g}"
    distinct = int((item.get("string_statistics") or {}).get("distinct_count", 0))
    return f"{distinct} different value{'' if distinct == 1 else 's'}"


def _change(base: Document, now: Document | None) -> str:
    """How a column changed, in a few words: its mean, or the value whose share changed most."""
    if now is None:
        return ""
    old, new = (item.get("numerical_statistics") or {} for item in (base, now))
    if "mean" in old and "mean" in new:
        return f"mean {old['mean']:.4g} → {new['mean']:.4g}"
    if base["inferred_type"] != now["inferred_type"]:
        return f"{base['inferred_type']} → {now['inferred_type']}"
    before, after = _shares(base), _shares(now)
    most = max(sorted({*before, *after}), key=lambda each: abs(before.get(each, 0) - after.get(each, 0)), default=None)
    return "" if most is None else f"{most}: {100 * before.get(most, 0):.1f} % → {100 * after.get(most, 0):.1f} %"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    return _is_number(text) and float(text).is_integer()
