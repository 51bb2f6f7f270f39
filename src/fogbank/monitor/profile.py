"""A data set's statistics.json, in SageMaker's format.

Source: AWS Developer Guide, "Schema for statistics"; std_dev is the population's.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from fogbank.monitor.dataset import Dataset
from fogbank.monitor.sketch import SHRINK, SIZE, Floats, buckets, sketch

INTEGRAL = re.compile(r"[-+]?\d+", re.ASCII)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
MOST_DIGITS = 308
"""A longer whole number may be more than a double holds."""
LARGEST = sys.float_info.max
TOO_LARGE_TO_SQUARE, HUGE = 2.0**500, 2.0**1000
"""What is larger is divided by a power of two, which loses no bit, before it is summed: an infinity is no JSON."""
Document = dict[str, Any]


def statistics(data: Dataset) -> Document:
    """The statistics.json document of a data set."""
    return {
        "version": 0.0,
        "dataset": {"item_count": data.item_count},
        "features": [feature(name, values) for name, values in data.columns.items()],
    }


def feature(name: str, values: Sequence[str | None]) -> Document:
    """One feature's statistics."""
    present = [value for value in values if value is not None]
    common = {"num_present": len(present), "num_missing": len(values) - len(present)}
    kind = inferred_type(present)
    if kind in {"Integral", "Fractional"}:
        return {
            "name": name,
            "inferred_type": kind,
            "numerical_statistics": {"common": common, **_numerical(np.array(present, dtype=np.float64))},
        }
    if kind == "Unknown":
        return {"name": name, "inferred_type": kind, "string_statistics": {"common": common, "distinct_count": 0.0}}
    counted = Counter(present).most_common(100)
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": common,
            "distinct_count": float(len(set(present))),
            "distribution": {
                "categorical": {"buckets": [{"value": value, "count": count} for value, count in counted]}
            },
        },
    }


def inferred_type(present: Sequence[str]) -> str:
    """Integral, Fractional, String, or Unknown where nothing is present."""
    if not present:
        return "Unknown"
    if all(map(is_integral, present)):
        return "Integral"
    return "Fractional" if all(map(is_number, present)) else "String"


def is_integral(value: str) -> bool:
    """Whether a cell is a whole number that a double holds."""
    return len(value) <= MOST_DIGITS and INTEGRAL.fullmatch(value) is not None


def is_number(value: str) -> bool:
    """Whether a cell is a finite number, in digits that every CSV reader takes for one."""
    return NUMBER.fullmatch(value) is not None and math.isfinite(float(value))


def _numerical(values: Floats) -> Document:
    scale = HUGE if float(np.abs(values).max()) > TOO_LARGE_TO_SQUARE else 1.0
    unit = values / scale
    return {
        "mean": float(unit.mean()) * scale,
        "sum": min(max(float(unit.sum()) * scale, -LARGEST), LARGEST),
        "std_dev": float(unit.std()) * scale,
        "min": float(values.min()),
        "max": float(values.max()),
        "distribution": {
            "kll": {
                "buckets": buckets(values),
                "sketch": {"parameters": {"c": SHRINK, "k": float(SIZE)}, "data": sketch(values)},
            }
        },
    }
