"""The values of one metric over some time: CloudWatch's statistic set, and a histogram of them for percentiles.

In: values, how often each came, or a statistic set that somebody else made; out: every statistic that CloudWatch has of them but WM and
PR. The histogram's borders are 2 % apart, so that a percentile is at most 1 % from a value that was there; what it takes does not grow
with the number of values. Source: CloudWatch User Guide, "CloudWatch statistics definitions" and "Percentiles".
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

GROWTH = 1.02
"""From one border of the histogram to the next: no value is further than half of it from its bucket's middle."""
SCALE = 1 / math.log(GROWTH)
ZERO = -(1 << 15)
"""The bucket of zero; the smallest double is in bucket -37,600, which is taken for zero too."""
LEAST = GROWTH ** (ZERO + 1)
TINY = 1e-12
MANY = 16
"""So many histograms are worth numpy."""
SHORT, DOUBLE = array("h").itemsize, array("d").itemsize
PERCENT = r"\d{1,2}(?:\.\d{1,10})?|100"
EXTENDED = re.compile(
    rf"(?P<kind>p|tm|tc|ts)(?P<high>{PERCENT})|IQM|(?P<range>TM|TC|TS)\((?:(?P<low>{PERCENT})%)?:(?:(?P<to>{PERCENT})%)?\)"
)

Buckets = Mapping[int, float]


@dataclass(slots=True)
class Summary:
    """`buckets` says how many values each bucket has; None where that is not known: of a statistic set, or with values below 0, of which
    CloudWatch has no percentiles either."""

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    buckets: dict[int, float] | None = field(default_factory=dict)

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of values that each came once; one at least."""
        least = min(values)
        buckets = (
            None if least < 0 else {bucket: float(count) for bucket, count in Counter(map(_bucket, values)).items()}
        )
        return cls(len(values), math.fsum(values), least, max(values), buckets)

    @classmethod
    def of_counts(cls, counts: Mapping[float, float]) -> Self:
        """Of values and how often each came; one at least."""
        total = math.fsum(value * count for value, count in counts.items())
        buckets: dict[int, float] | None = {}
        for value, count in counts.items():
            if value < 0 or buckets is None:
                buckets = None
            else:
                buckets[_bucket(value)] = buckets.get(_bucket(value), 0.0) + count
        return cls(sum(counts.values()), total, min(counts), max(counts), buckets)

    @classmethod
    def of_set(cls, count: float, total: float, least: float, most: float) -> Self:
        """Of a statistic set, whose values are known only where all are the same."""
        known = least == most and least >= 0
        return cls(count, total, least, most, {_bucket(least): count} if known else None)

    def add(self, other: Summary) -> None:
        """Take in what another one sums up."""
        self.count += other.count
        self.total += other.total
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        if self.buckets is not None and other.buckets is not None:
            for bucket, count in other.buckets.items():
                self.buckets[bucket] = self.buckets.get(bucket, 0.0) + count
        else:
            self.buckets = None

    def statistic(self, name: str) -> float | None:
        """A statistic by CloudWatch's name of it; None where these values have none. Raises KeyError for a name that is not known."""
        if name in PLAIN:
            return PLAIN[name](self)
        match = EXTENDED.fullmatch(name)
        if match is None:
            raise KeyError(name)
        if self.buckets is None or not self.count:
            return None
        if match["kind"] == "p":
            return self._percentile(float(match["high"]))
        kind, low, high = _part(match)
        return self._within(kind, low / 100, high / 100)

    def _percentile(self, percent: float) -> float:
        rank, seen = (percent / 100 - TINY) * self.count, 0.0
        buckets = self.buckets or {}
        for bucket in sorted(buckets):
            seen += buckets[bucket]
            if seen >= rank:
                return self._middle(bucket)
        return self.most

    def _within(self, kind: str, low: float, high: float) -> float:
        """Mean, number or sum of the values between two percentiles."""
        first, last, seen, number, total = low * self.count, high * self.count, 0.0, 0.0, 0.0
        for value, count in self._values():
            taken = max(0.0, min(seen + count, last) - max(seen, first))
            seen += count
            number += taken
            total += taken * value
        return {"TC": number, "TS": total}.get(kind, total / number if number else 0.0)

    def _values(self) -> Iterator[tuple[float, float]]:
        """Each bucket's middle and number, the least first."""
        for bucket, count in sorted((self.buckets or {}).items()):
            yield self._middle(bucket), count

    def _middle(self, bucket: int) -> float:
        """A bucket's middle, which does not lie outside of the values."""
        middle = 0.0 if bucket == ZERO else 2 * GROWTH**bucket / (GROWTH + 1)
        return min(max(middle, self.least), self.most)


PLAIN: Mapping[str, Callable[[Summary], float | None]] = {
    "SampleCount": lambda summary: summary.count,
    "Sum": lambda summary: summary.total,
    "Average": lambda summary: summary.total / summary.count if summary.count else None,
    "Minimum": lambda summary: summary.least,
    "Maximum": lambda summary: summary.most,
}
"""Statistics that need no histogram."""


def is_statistic(name: str) -> bool:
    """Whether a statistic of that name is known."""
    return name in PLAIN or EXTENDED.fullmatch(name) is not None


def pack(buckets: Buckets | None) -> bytes | None:
    """A histogram as bytes: the numbers of the buckets, then their counts, of the machine's own order."""
    return None if buckets is None else array("h", buckets).tobytes() + array("d", buckets.values()).tobytes()


def unpack(packed: bytes | None) -> dict[int, float] | None:
    """The histogram again."""
    if packed is None:
        return None
    numbers, counts = array("h"), array("d")
    size = len(packed) // (numbers.itemsize + counts.itemsize)
    numbers.frombytes(packed[: size * numbers.itemsize])
    counts.frombytes(packed[size * numbers.itemsize :])
    return dict(zip(numbers, counts, strict=True))


def merged(packed: Sequence[bytes | None]) -> dict[int, float] | None:
    """Several histograms as one; None where one of them is not known."""
    known = [each for each in packed if each is not None]
    if len(known) < len(packed):
        return None
    if len(known) == 1:
        return unpack(known[0])
    if len(known) >= MANY:
        return _merged_at_once(known)
    buckets: dict[int, float] = {}
    for each in known:
        for bucket, count in (unpack(each) or {}).items():
            buckets[bucket] = buckets.get(bucket, 0.0) + count
    return buckets


def _merged_at_once(packed: Sequence[bytes]) -> dict[int, float]:
    import numpy as np  # a tenth of a second, for those who read days of minutes

    sizes = [len(each) // (SHORT + DOUBLE) * SHORT for each in packed]
    numbers = np.frombuffer(b"".join([each[:size] for each, size in zip(packed, sizes, strict=True)]), np.int16)
    counts = np.frombuffer(b"".join([each[size:] for each, size in zip(packed, sizes, strict=True)]), np.float64)
    if not numbers.size:
        return {}
    least = int(numbers.min())
    sums = np.bincount(numbers.astype(np.int64) - least, counts)
    filled = np.flatnonzero(sums)
    return dict(zip((filled + least).tolist(), sums[filled].tolist(), strict=True))


def _bucket(value: float) -> int:
    return math.ceil(math.log(value) * SCALE) if value > LEAST else ZERO


def _part(match: re.Match[str]) -> tuple[str, float, float]:
    """Kind, and the percents between which values count."""
    if match["kind"]:
        return match["kind"].upper(), 0.0, float(match["high"])
    if match["range"]:
        return match["range"], float(match["low"] or 0), float(match["to"] or 100)
    return "TM", 25.0, 75.0
