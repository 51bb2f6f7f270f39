"""The price of a stack before it is there: what its program declares, by the package's rates and the stack's traffic; and its budget. Pure.

In: declared resources and a stack's configuration; out: a `Price`, or a BudgetError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from fogbank.contracts.errors import BudgetError, ProjectError
from fogbank.project.declared.declaration import Declared
from fogbank.project.pricing.estimate import estimate
from fogbank.project.pricing.estimated import Estimate, Line, cents
from fogbank.project.pricing.rates import UNSOURCED, Rates, rates
from fogbank.project.pricing.traffic import KEY, Span, Traffic
from fogbank.project.workplace.config import BUDGET


@dataclass(frozen=True, kw_only=True)
class Price:
    """A month of a stack. `budget` is None where its configuration sets none."""

    stack: str
    region: str
    estimate: Estimate
    rates: Rates
    budget: Decimal | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Where the rates are from, and what is not in the total."""
        notes = [self.rates.said(self.region)]
        if self.estimate.unknown:
            notes.append(f"without {len(self.estimate.unknown)} line(s) that have no rate")
        if any(not line.sourced and line.usd is not None for line in self.estimate.lines):
            notes.append(UNSOURCED)
        return tuple(notes)

    @property
    def words(self) -> str:
        """The total in a few words."""
        return f"{money(self.estimate.total)} USD a month"

    def document(self) -> dict[str, Any]:
        """As `--json` prints it; amounts in USD a month, as texts that are exact."""
        total = self.estimate.total
        return {
            "stack": self.stack,
            "region": self.region,
            "currency": "USD",
            "total": {"low": str(total.low), "high": str(total.high)},
            "budget": None if self.budget is None else str(self.budget),
            "rates": {"date": self.rates.date, "region": self.rates.region, "status": self.rates.status},
            "lines": [_document(line) for line in self.estimate.lines],
            "notes": list(self.notes),
        }

    def rows(self) -> list[tuple[str, str, str, str]]:
        """A table: resource, what, USD a month, how it comes about; dear things first, and what has no rate last."""
        ordered = sorted(self.estimate.lines, key=lambda line: (line.usd is None, -(line.usd.high if line.usd else 0)))
        return [(line.resource, line.what, _amount(line), line.how) for line in ordered]

    def markdown(self) -> str:
        """For a comment on a pull request."""
        lines = [
            f"### Price of the stack `{self.stack}`: {self.words}",
            "",
            "| resource | what | USD a month | how |",
            "|---|---|--:|---|",
        ]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows()]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)])


def priced(stack: str, region: str, values: Mapping[str, Any], resources: Sequence[Declared]) -> Price:
    """The price of what a stack's program declares, by its configuration. Raises ProjectError (`traffic-invalid`, `budget-invalid`)."""
    budget, traffic = _budget(values.get(BUDGET)), Traffic.of(values.get(KEY))
    return Price(
        stack=stack, region=region, estimate=estimate(resources, traffic, rates()), rates=rates(), budget=budget
    )


def hold(found: Price) -> None:
    """Raises BudgetError: where a month may cost more than the budget, and where nobody knows (`price-unknown`)."""
    if found.budget is None:
        return
    if found.estimate.total.high > found.budget:
        raise BudgetError(
            "budget-exceeded",
            f"a month of the stack {found.stack} may cost {money(found.estimate.total)} USD, and its {BUDGET} is {found.budget}",
            f"see `fogbank price -s {found.stack}`; declare less, narrow {KEY}, or raise the budget; nothing was made or changed",
        )
    if found.estimate.unknown:
        names = ", ".join(f"{line.resource} ({line.how})" for line in found.estimate.unknown)
        raise BudgetError(
            "price-unknown",
            f"the stack {found.stack} has a budget, and no price is known of {names}",
            f"take the budget away (`pulumi config rm -s {found.stack} {BUDGET}`), or what has no price; nothing was made or changed",
        )


def money(usd: Span) -> str:
    """A range, to the cent.

    >>> from fogbank.project.pricing.traffic import span
    >>> money(span("1.005", "2")), money(span(3, 3))
    ('1.01 to 2.00', '3.00')
    """
    low, high = cents(usd.low), cents(usd.high)
    return str(low) if low == high else f"{low} to {high}"


def _amount(line: Line) -> str:
    if line.usd is None:
        return "?"
    return money(line.usd) + ("" if line.sourced else " ?")


def _document(line: Line) -> dict[str, Any]:
    usd = None if line.usd is None else {"low": str(cents(line.usd.low)), "high": str(cents(line.usd.high))}
    return {"resource": line.resource, "what": line.what, "usd": usd, "how": line.how, "sourced": line.sourced}


def _budget(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        budget = Decimal(str(value))
        if not isinstance(value, bool) and budget.is_finite() and budget >= 0:
            return budget
    except InvalidOperation:
        pass
    raise ProjectError(
        "budget-invalid", f"{BUDGET} must be USD a month from 0 up, not {value!r}", "mend the stack's file"
    )
