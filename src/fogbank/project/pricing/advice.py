"""Which instances would carry a traffic, and at what price, by how long one request takes. Pure.

In: a request's own time, measured with nobody else there, and requests a second; out: choices, the cheapest first. The rule, which is one
of thumb: a request keeps one vCPU busy for its time, so a vCPU answers 1/time requests a second; instances are to be busy to 70 %, and
there are two of them at least, so that one may be lost. vCPUs are those of EC2's sizes. Types that burst are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fogbank.project.pricing.estimated import HOURS, cents
from fogbank.project.pricing.rates import Rates

BUSY = 0.7
LEAST = 2
MOST_CHOICES = 5
PREFIX = "instance."
VCPUS: Mapping[str, int] = {
    "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "9xlarge": 36, "12xlarge": 48, "18xlarge": 72, "24xlarge": 96
}  # fmt: skip
FAMILIES = frozenset({"m5", "c5", "r5", "m6i", "c6i"})
"""Families of x86 without accelerators: what an accelerator would do was not measured."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """So many instances of a type, which carry `carries` requests a second, for `usd` a month."""

    instance_type: str
    count: int
    carries: float
    usd: Decimal
    sourced: bool

    def document(self) -> dict[str, Any]:
        """As JSON has it; `usd_a_month` is a text that is exact."""
        return {
            "instance_type": self.instance_type,
            "count": self.count,
            "carries_per_second": round(self.carries, 1),
            "usd_a_month": str(self.usd),
            "sourced": self.sourced,
        }


def choices(request_s: float, per_second: float, rates: Rates) -> tuple[Choice, ...]:
    """What would carry so many requests a second, the cheapest first."""
    found = []
    for name, rate in rates.rates.items():
        kind = name.removeprefix(PREFIX)
        parts = kind.split(".")
        if not name.startswith(PREFIX) or parts[1] not in FAMILIES or parts[2] not in VCPUS:
            continue
        each = VCPUS[parts[2]] * BUSY / request_s
        count = max(LEAST, math.ceil(per_second / each))
        usd = cents(rate.usd * HOURS * count)
        found.append(Choice(instance_type=kind, count=count, carries=each * count, usd=usd, sourced=rate.sourced))
    found.sort(key=lambda choice: (choice.usd, not choice.sourced, choice.count, choice.instance_type))
    return tuple(found[:MOST_CHOICES])
