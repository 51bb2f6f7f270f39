"""Mean, deviation, sum and ends of numbers, by the chunk: what is larger than a double's root is counted in a larger unit.

Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from fogbank.monitor.sketch import Floats

LARGEST = sys.float_info.max
TOO_LARGE_TO_SQUARE, HUGE = 2.0**500, 2.0**1000
"""What is larger is divided by a power of two, which loses no bit, before it is summed: an infinity is no JSON."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Of `count` finite numbers; `mean` and `total` are in units of `unit`, `squares` (about the mean) in its square."""

    count: int
    unit: float
    mean: float
    squares: float
    total: float
    low: float
    high: float

    @classmethod
    def of(cls, ordered: Floats) -> Moments:
        """Of at least one number, in ascending order."""
        low, high = float(ordered[0]), float(ordered[-1])
        unit = HUGE if max(-low, high) > TOO_LARGE_TO_SQUARE else 1.0
        values = ordered / unit if unit != 1.0 else ordered
        mean = float(values.mean())
        return cls(
            count=len(values),
            unit=unit,
            mean=mean,
            squares=float(((values - mean) ** 2).sum()),
            total=float(values.sum()),
            low=low,
            high=high,
        )

    def merge(self, other: Moments) -> Moments:
        """Of both."""
        unit = max(self.unit, other.unit)
        one, two = self._in(unit), other._in(unit)
        count, step = one.count + two.count, two.mean - one.mean
        return Moments(
            count=count,
            unit=unit,
            mean=one.mean + step * two.count / count,
            squares=one.squares + two.squares + step * step * one.count * two.count / count,
            total=one.total + two.total,
            low=min(one.low, two.low),
            high=max(one.high, two.high),
        )

    def document(self) -> dict[str, float]:
        """As statistics.json has them; `std_dev` is the population's."""
        return {
            "mean": min(max(self.mean * self.unit, self.low), self.high),
            "sum": min(max(self.total * self.unit, -LARGEST), LARGEST),
            "std_dev": math.sqrt(self.squares / self.count) * self.unit,
            "min": self.low,
            "max": self.high,
        }

    def _in(self, unit: float) -> Moments:
        by = self.unit / unit
        return Moments(
            count=self.count,
            unit=unit,
            mean=self.mean * by,
            squares=self.squares * by * by,
            total=self.total * by,
            low=self.low,
            high=self.high,
        )
