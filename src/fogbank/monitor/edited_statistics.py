"""statistics.json as a baseline has it, whoever wrote or edited it: what is wrong with it, each with its place.

What an analysis reads must be there and of its kind; a sketch may be lacking, as other tools write none. Source: AWS Developer Guide,
"Schema for statistics".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

MOST = 2**53
"""No larger count is exact."""
KINDS = ("Integral", "Fractional", "String", "Unknown")


def statistics_problems(document: Any) -> Iterator[str]:
    """What is wrong, each as `place: what it must be`."""
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        yield "features: must be a list of features"
        return
    yield from _counts(document.get("dataset"), "dataset", "item_count")
    seen: set[str] = set()
    for number, item in enumerate(features):
        place = f"features[{number}]"
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            yield f"{place}: must be an object with a name"
            continue
        place += f" ({item['name']})"
        if item["name"] in seen:
            yield f"{place}: is there twice"
        seen.add(item["name"])
        if item.get("inferred_type") not in KINDS:
            yield f"{place}.inferred_type: must be one of {', '.join(KINDS)}, not {item.get('inferred_type')!r:.60}"
        yield from _feature(item, place)


def _feature(item: dict[str, Any], place: str) -> Iterator[str]:
    if "numerical_statistics" in item:
        own, at = item["numerical_statistics"], f"{place}.numerical_statistics"
        if isinstance(own, dict):
            if not is_finite(own.get("std_dev")) or own["std_dev"] < 0:
                yield f"{at}.std_dev: must be a number of at least 0, not {own.get('std_dev')!r:.60}"
            yield from _sketch(own, at)
    elif "string_statistics" in item:
        own, at = item["string_statistics"], f"{place}.string_statistics"
        if isinstance(own, dict):
            yield from _texts(own, at)
    else:
        yield f"{place}: must have numerical_statistics or string_statistics"
        return
    if not isinstance(own, dict):
        yield f"{at}: must be an object, not {own!r:.60}"
        return
    yield from _counts(own.get("common"), f"{at}.common", "num_present", "num_missing")


def _counts(value: Any, place: str, *names: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: must be an object with {' and '.join(names)}"
        return
    for name in names:
        if not _is_count(value.get(name)):
            yield f"{place}.{name}: must be a number of at least 0, not {value.get(name)!r:.60}"


def _sketch(own: dict[str, Any], place: str) -> Iterator[str]:
    found: Any = own
    for name in ("distribution", "kll", "sketch", "data"):
        if name not in found:
            return
        found, place = found[name], f"{place}.{name}"
        if name != "data" and not isinstance(found, dict):
            yield f"{place}: must be an object, not {found!r:.60}"
            return
    levels = found if isinstance(found, list) else [found]
    if not all(isinstance(level, list) and all(map(is_finite, level)) for level in levels):
        yield f"{place}: must be lists of numbers"
    elif levels and not any(levels):
        yield f"{place}: has no numbers in it"


def _texts(own: dict[str, Any], place: str) -> Iterator[str]:
    distribution = own.get("distribution", {})
    categorical = distribution.get("categorical", {}) if isinstance(distribution, dict) else None
    buckets = categorical.get("buckets", []) if isinstance(categorical, dict) else None
    at = f"{place}.distribution.categorical.buckets"
    if not isinstance(buckets, list):
        yield f"{at}: must be a list of values and counts"
        return
    seen: set[str] = set()
    for number, bucket in enumerate(buckets):
        value = bucket.get("value") if isinstance(bucket, dict) else None
        if not isinstance(value, str) or not _is_count(bucket.get("count")):
            yield f"{at}[{number}]: must be a value, a text, and its count, not {bucket!r:.60}"
        elif value in seen:
            yield f"{at}[{number}]: the value {value!r:.60} is there twice"
        else:
            seen.add(value)


def _is_count(value: Any) -> bool:
    return is_finite(value) and 0 <= value <= MOST


def is_finite(value: Any) -> bool:
    """Whether it is a number that a float can be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
