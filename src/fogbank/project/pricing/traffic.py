"""What a stack is thought to carry: the numbers that a price depends on and no program says, each as a range. Pure.

In: `fogbank:traffic` of a stack's configuration; out: a frozen `Traffic`. A key that is not known is refused, with the ones that are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from fogbank.contracts.errors import ProjectError

KEY = "fogbank:traffic"


@dataclass(frozen=True)
class Span:
    """From `low` to `high`, both inclusive."""

    low: Decimal
    high: Decimal

    def __mul__(self, other: Span | Decimal | int) -> Span:
        """Both ends, multiplied."""
        if isinstance(other, Span):
            return Span(self.low * other.low, self.high * other.high)
        return Span(self.low * other, self.high * other)

    def __add__(self, other: Span) -> Span:
        """Both ends, added."""
        return Span(self.low + other.low, self.high + other.high)

    @classmethod
    def of(cls, value: Any) -> Span:
        """One number, or a list of two in order. Raises ValueError."""
        items = value if isinstance(value, list | tuple) else [value]
        if not 1 <= len(items) <= 2 or any(isinstance(item, bool) for item in items):
            raise ValueError("a number, or [low, high]")
        try:
            numbers = [Decimal(str(item)) for item in items]
        except InvalidOperation as error:
            raise ValueError("a number, or [low, high]") from error
        if not all(number.is_finite() and number >= 0 for number in numbers) or numbers != sorted(numbers):
            raise ValueError("numbers from 0 up, the lower one first")
        return cls(numbers[0], numbers[-1])


def span(low: str | int, high: str | int) -> Span:
    """A span of two numbers."""
    return Span(Decimal(low), Decimal(high))


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A month of a stack: `requests` to each endpoint, of `request_kb` and with answers of `response_kb`, which take `latency_ms` and write
    `log_kb` each; a job of a monitor's schedule takes `monitor_minutes`, one of a batch `batch_minutes`, with instances that bill while
    they start; for a batch by arrival `arrivals` objects come; drift calls for `drifts` retrainings, each of `training_minutes`; `model_gb`
    is the artifact, `image_gb` the image. The defaults are guesses: a small service, and a busy one.
    """

    requests: Span = span(10_000, 1_000_000)
    request_kb: Span = span(1, 4)
    response_kb: Span = span(1, 2)
    latency_ms: Span = span(20, 100)
    log_kb: Span = span("0.2", 1)
    monitor_minutes: Span = span(5, 10)
    batch_minutes: Span = span(10, 60)
    arrivals: Span = span(30, 300)
    drifts: Span = span(0, 1)
    training_minutes: Span = span(10, 60)
    model_gb: Span = span("0.01", 1)
    image_gb: Span = span("0.2", 2)

    @classmethod
    def of(cls, value: Any) -> Self:
        """By a stack's configuration: an object, or its JSON. Raises ProjectError (`traffic-invalid`) with every problem."""
        known, problems, given = [item.name for item in fields(cls)], [], {}
        for key, item in _object(value).items():
            if key not in known:
                problems.append(f"unknown key {key!r} (known: {', '.join(known)})")
                continue
            try:
                given[key] = Span.of(item)
            except ValueError as error:
                problems.append(f"{key} must be {error}, not {item!r}")
        if problems:
            raise _invalid(problems)
        return cls(**given)


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except ValueError:
            value = [value]
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise _invalid([f"it must be an object such as {{requests: [1000, 5000]}}, not {value!r}"])


def _invalid(problems: list[str]) -> ProjectError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return ProjectError("traffic-invalid", f"{KEY} has {len(problems)} problem(s):\n{lines}", "mend the stack's file")
