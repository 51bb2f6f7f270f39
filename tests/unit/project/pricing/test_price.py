"""The price of a stack, told and held to a budget."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from fogbank.contracts.errors import BudgetError
from fogbank.project.pricing.estimated import Estimate, Line
from fogbank.project.pricing.price import Price, hold
from fogbank.project.pricing.rates import rates
from fogbank.project.pricing.traffic import span

CHEAP = Line(resource="a", what="alarm", usd=span("0.10", "0.10"), how="1 x 0.10")
DEAR = Line(resource="live", what="variant | A", usd=span("83.95", "335.8"), how="1 to 4", sourced=False)
DARK = Line(resource="n", what="aws:x/y:Y", usd=None, how="no price is known for this type")
PRICE = Price(stack="aws", region="eu-west-1", estimate=Estimate(lines=(CHEAP, DEAR)), rates=rates())


def test_it_is_a_table_with_dear_things_first_and_as_markdown() -> None:
    price = replace(PRICE, estimate=Estimate(lines=(DARK, CHEAP, DEAR)))

    assert [row[2] for row in price.rows()] == ["83.95 to 335.80 ?", "0.10", "?"]
    text = price.markdown()
    assert text.startswith("### Price of the stack `aws`: 84.05 to 335.90 USD a month")
    assert "| live | variant \\| A | 83.95 to 335.80 ? | 1 to 4 |" in text
    assert "- without 1 line(s) that have no rate" in text


def test_as_json_amounts_are_exact_texts() -> None:
    document = json.loads(json.dumps(PRICE.document()))

    assert document["total"] == {"low": "84.05", "high": "335.90"}
    assert document["lines"][1]["usd"] == {"low": "83.95", "high": "335.80"}
    assert document["budget"] is None
    assert document["rates"]["status"] == "public price list, not fetched"


def test_a_month_that_may_cost_more_than_the_budget_is_refused() -> None:
    hold(PRICE)
    hold(replace(PRICE, budget=Decimal("335.90")))
    with pytest.raises(BudgetError, match=r"may cost 84.05 to 335.90 USD, and its fogbank:budget is 335.89") as caught:
        hold(replace(PRICE, budget=Decimal("335.89")))
    assert (caught.value.code, caught.value.exit_code) == ("budget-exceeded", 10)


def test_what_has_no_price_cannot_be_held_to_a_budget() -> None:
    dark = replace(PRICE, estimate=Estimate(lines=(CHEAP, DARK)))
    hold(dark)
    with pytest.raises(BudgetError, match="no price is known of n") as caught:
        hold(replace(dark, budget=Decimal(1000)))
    assert caught.value.code == "price-unknown"
