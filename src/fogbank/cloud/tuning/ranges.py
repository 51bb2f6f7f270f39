"""Ranges of hyperparameters, pure: values at a place between 0 and 1, and back.

In: ParameterRanges; out: ranges, or what is wrong with them. Source: the SageMaker API reference, "ParameterRanges" and "Hyperparameter Scaling".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINEAR, LOGARITHMIC, REVERSE = "Linear", "Logarithmic", "ReverseLogarithmic"
GIVEN = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


class RangeError(ValueError):
    """Ranges that are none."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Numbers from `low` to `high`, both included; `whole` ones are integers. Auto scaling is linear here."""

    name: str
    low: float
    high: float
    whole: bool = False
    scaling: str = LINEAR

    def at(self, place: float) -> str:
        """The value at a place between 0 and 1.

        >>> Numbers(name="rate", low=0.01, high=1, scaling="Logarithmic").at(0.5)
        '0.1'
        """
        if self.whole and self.scaling == LINEAR:
            return str(min(int(self.high), int(self.low + place * (self.high - self.low + 1))))
        start, end = self._scaled(self.low), self._scaled(self.high)
        value = min(self.high, max(self.low, self._unscaled(start + place * (end - start))))
        return str(round(value)) if self.whole else repr(float(f"{value:.12g}"))

    def place(self, value: str) -> float:
        """Where a value is, between 0 and 1."""
        start, end = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(float(value)) - start) / (end - start) if end > start or end < start else 0.5

    def _scaled(self, value: float) -> float:
        if self.scaling == LINEAR:
            return value
        return math.log(value if self.scaling == LOGARITHMIC else 1 - value)

    def _unscaled(self, value: float) -> float:
        if self.scaling == LINEAR:
            return value
        return math.exp(value) if self.scaling == LOGARITHMIC else 1 - math.exp(value)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One of some values."""

    name: str
    values: tuple[str, ...]

    def at(self, place: float) -> str:
        """The value at a place between 0 and 1."""
        return self.values[min(len(self.values) - 1, int(place * len(self.values)))]

    def place(self, value: str) -> float:
        """Where a value is: the middle of its part of 0 to 1."""
        return (self.values.index(value) + 0.5) / len(self.values)


Range = Numbers | Choices


def read(ranges: Mapping[str, Any]) -> tuple[Range, ...]:
    """The ranges of a request. Raises RangeError with everything that is wrong."""
    found = tuple(_read(ranges))
    problems = [problem for each in found if isinstance(each, Numbers) for problem in _problems(each)]
    names = [each.name for each in found]
    problems += [f"{name} has two ranges" for name in sorted({n for n in names if names.count(n) > 1})]
    if not found:
        problems.append("ParameterRanges has no range")
    if problems:
        raise RangeError("; ".join(problems))
    return found


def _read(ranges: Mapping[str, Any]) -> Iterator[Range]:
    for member in GIVEN[:2]:
        for each in ranges.get(member, []):
            try:
                low, high = float(each["MinValue"]), float(each["MaxValue"])
            except ValueError as error:
                raise RangeError(f"{each['Name']}: MinValue or MaxValue is no number") from error
            scaling = each.get("ScalingType", "Auto")
            whole = member == GIVEN[0]
            yield Numbers(
                name=each["Name"], low=low, high=high, whole=whole, scaling=LINEAR if scaling == "Auto" else scaling
            )
    for each in ranges.get(GIVEN[2], []):
        yield Choices(name=each["Name"], values=tuple(each["Values"]))


def _problems(numbers: Numbers) -> Iterator[str]:
    if not (math.isfinite(numbers.low) and math.isfinite(numbers.high) and numbers.low <= numbers.high):
        yield f"{numbers.name}: MinValue must be a number that is not above MaxValue"
    elif numbers.whole and not (numbers.low.is_integer() and numbers.high.is_integer()):
        yield f"{numbers.name}: MinValue and MaxValue of an integer range must be integers"
    elif numbers.scaling == LOGARITHMIC and numbers.low <= 0:
        yield f"{numbers.name}: Logarithmic scaling needs a MinValue above 0"
    elif numbers.scaling == REVERSE and not (numbers.low >= 0 and numbers.high < 1 and not numbers.whole):
        yield f"{numbers.name}: ReverseLogarithmic scaling is of continuous ranges from 0 to below 1"


def combinations(ranges: Sequence[Range]) -> int:
    """How many there are of choices alone."""
    return math.prod(len(each.values) for each in ranges if isinstance(each, Choices))
