"""The price table of the package: rates with their date, region and source. Pure, but for the one file that is read.

In: rates.toml; out: `Rates`, in exact decimals of USD. A rate that no page says is marked, and so is every estimate that uses it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("rates.toml")
UNSOURCED = "? a rate that no source says"
"""What the mark behind an amount means."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """USD for one unit. `sourced` says that AWS's public price list has it, which was not fetched."""

    name: str
    usd: Decimal
    source: str
    sourced: bool


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The rates of a region, as they were on a day."""

    date: str
    region: str
    status: str
    rates: Mapping[str, Rate]

    def __getitem__(self, name: str) -> Rate:
        """A rate such as `s3.gb_month`. Raises KeyError."""
        return self.rates[name]

    def instance(self, kind: str) -> Rate | None:
        """An hour of an instance; None for a type that the table lacks."""
        return self.rates.get(f"instance.{kind}")

    def said(self, region: str) -> str:
        """Where the rates are from, for those who read an estimate of a stack in `region`."""
        elsewhere = "" if region in {"", self.region} else f"; the stack is in {region}, whose rates differ"
        return f"rates of {self.region}, {self.date}: {self.status}{elsewhere}"


@lru_cache(maxsize=1)
def rates() -> Rates:
    """The package's own table."""
    return rates_of(tomllib.loads(FILE.read_text(), parse_float=Decimal))


def rates_of(document: Mapping[str, Any]) -> Rates:
    """A table by its document; every section names its source."""
    found: dict[str, Rate] = {}
    for section, values in document.items():
        if not isinstance(values, Mapping):
            continue
        for key, value in values.items():
            if key not in {"source", "unsourced"}:
                name = f"{section}.{key}"
                sourced = key not in values.get("unsourced", [])
                found[name] = Rate(name=name, usd=Decimal(value), source=values["source"], sourced=sourced)
    return Rates(date=document["date"], region=document["region"], status=document["status"], rates=found)
