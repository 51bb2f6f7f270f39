"""Texts as numbers, by the column: what is written as JSON writes numbers is read at once, all else one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import simdjson

from fogbank.monitor.sketch import Floats

INTEGRAL = re.compile(r"[-+]?\d+", re.ASCII)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
SIGNS = b"0123456789+-.eE"


class Plain(NamedTuple):
    """Numbers, so many of which are written as whole ones; `texts` gives them as they are written, if by JSON's grammar or not."""

    numbers: Floats
    integral: int
    texts: Callable[[], Sequence[str]]
    json: bool = True


def json_numbers(text: bytes, count: int) -> Floats | None:
    """So many numbers between commas; None where it is anything else. All are finite: JSON has no other."""
    if b"[" in text:
        return None
    try:
        array = simdjson.Parser().parse(b"[" + text + b"]")
        numbers = np.frombuffer(array.as_buffer(of_type="d"), np.float64)  # type: ignore[union-attr]  # it is an array
    except (ValueError, TypeError, RuntimeError, UnicodeDecodeError):
        return None
    return numbers if len(numbers) == count else None


def numbers_of(present: Sequence[str]) -> Plain | None:
    """The numbers of texts if all of them are finite ones: in these signs Python reads what `NUMBER` does."""
    text = ",".join(present).encode("utf-8", "surrogatepass")
    numbers = plain = json_numbers(text, len(present))
    if numbers is None:
        numbers = _one_by_one(present, text)
    if numbers is None:
        return None
    whole = len(present)
    if not text.isascii() or text.translate(None, b"0123456789+-,"):
        whole = sum(is_integral(present[at]) for at in np.flatnonzero(numbers == np.floor(numbers)).tolist())
    return Plain(numbers, whole, lambda: present, plain is not None)


def _one_by_one(present: Sequence[str], text: bytes) -> Floats | None:
    if text.translate(None, SIGNS + b","):
        return None
    try:
        numbers = np.fromiter(map(float, present), np.float64, len(present))
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def is_integral(value: str) -> bool:
    """Whether a cell is a whole number that a double holds."""
    return INTEGRAL.fullmatch(value) is not None and math.isfinite(float(value))


def is_number(value: str) -> bool:
    """Whether a cell is a finite number, in digits that every CSV reader takes for one."""
    return NUMBER.fullmatch(value) is not None and math.isfinite(float(value))
