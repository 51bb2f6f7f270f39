"""What an estimate is made of: lines, each a range in USD with how it comes about, and the program that they are of. Pure.

A month has 730 hours (AWS Pricing Calculator) and 30 days; a GB is 10^6 KB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fogbank.project.declared.declaration import Declared
from fogbank.project.pricing.rates import Rate, Rates
from fogbank.project.pricing.traffic import Span, Traffic

HOURS, DAYS = Decimal(730), Decimal(30)
KB_IN_GB, MINUTES, MILLION = Decimal(1_000_000), Decimal(60), Decimal(1_000_000)
CENT = Decimal("0.01")
NOTHING = Span(Decimal(0), Decimal(0))


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one thing costs in a month. `usd` is None where no rate is known; `how` says the sum; `sourced` that each rate has a page."""

    resource: str
    what: str
    usd: Span | None
    how: str
    sourced: bool = True


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """All lines, in the order of the program."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> Span:
        """To the cent; without the lines that have no rate."""
        spans = [line.usd for line in self.lines if line.usd is not None]
        whole = sum(spans, start=Span(Decimal(0), Decimal(0)))
        return Span(cents(whole.low), cents(whole.high))

    @property
    def unknown(self) -> tuple[Line, ...]:
        """Lines without a rate."""
        return tuple(line for line in self.lines if line.usd is None)


def cents(usd: Decimal) -> Decimal:
    """To the cent, a half up."""
    return usd.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A program, what it is thought to carry, and the rates."""

    resources: Sequence[Declared]
    traffic: Traffic
    rates: Rates

    def line(self, resource: Declared, what: str, factors: Span, rate: str, how: str) -> Line:
        """A number of units at one rate."""
        price = self.rates[rate]
        return Line(
            resource=resource.name,
            what=what,
            usd=factors * price.usd,
            how=f"{how} x {price.usd}",
            sourced=price.sourced,
        )

    def hours(self, resource: Declared, what: str, kind: str, hours: Span, how: str) -> Line:
        """Hours of instances of a type."""
        price: Rate | None = self.rates.instance(kind)
        if price is None:
            return Line(resource=resource.name, what=what, usd=None, how=f"no rate is known for {kind}", sourced=False)
        return Line(
            resource=resource.name, what=what, usd=hours * price.usd, how=f"{how} x {price.usd}", sourced=price.sourced
        )

    def named(self, kind: str, name: Any) -> Declared | None:
        """A resource of a type by its name on AWS."""
        return next((item for item in self.resources if item.type == kind and item.inputs.get("name") == name), None)


def words(value: Span) -> str:
    """A range as people write it.

    >>> from fogbank.project.pricing.traffic import span
    >>> words(span(1, 4)), words(span("2.50", "2.50"))
    ('1 to 4', '2.5')
    """
    low, high = (format(number.normalize(), "f") for number in (value.low, value.high))
    return low if low == high else f"{low} to {high}"


def document(text: Any) -> Mapping[str, Any]:
    """A request that a resource holds, as JSON; empty where there is none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


Priced = Callable[[Whole, Declared], Iterator[Line]]
"""The lines of a type."""


def fixed(what: str, rate: str, units: int = 1) -> Priced:
    """So many units of a rate, whatever is done with it."""

    def priced(whole: Whole, resource: Declared) -> Iterator[Line]:
        number = Decimal(units)
        yield whole.line(resource, what, Span(number, number), rate, str(units))

    return priced


def by_use(what: str, rate: str, unit: str) -> Priced:
    """What bills by a use that nothing says: a line of nothing, which says its rate."""

    def priced(whole: Whole, resource: Declared) -> Iterator[Line]:
        price = whole.rates[rate]
        how = f"{price.usd} {unit}; how many there are is not known"
        yield Line(resource=resource.name, what=what, usd=NOTHING, how=how, sourced=price.sourced)

    return priced
