"""Budgets: amounts as AWS Budgets takes them, by botocore's own pattern, and what it would refuse."""

from __future__ import annotations

import re

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.components.budget import Budget, amount

PATTERN = (
    ServiceModel(Loader().load_service_model("budgets", "service-2")).shape_for("NumericValue").metadata["pattern"]
)


@pytest.mark.parametrize("usd", [0.01, 0.5, 3, 20.25, 150_000.5, 1_000_000, 2.5e9])
def test_an_amount_is_digits_and_nothing_is_rounded_away(usd: float) -> None:
    said = amount(usd)

    assert re.fullmatch(PATTERN, said)
    assert float(said) == usd


@pytest.mark.parametrize("usd", [0, 0.001, -5, float("inf"), float("nan")])
def test_no_amount_is_refused(usd: float) -> None:
    with pytest.raises(ValueError, match="usd must be a cent or more"):
        Budget("b", usd=usd, emails=["ops@example.com"])
