"""Which instances would carry a traffic, worked by hand from the rule and the rates."""

from __future__ import annotations

from fogbank.project.pricing.advice import choices
from fogbank.project.pricing.rates import rates


def test_the_cheapest_that_carries_it_comes_first() -> None:
    """10 ms are 100 a second and vCPU; busy to 70 % a large, of 2, carries 140, an xlarge 280, a 2xlarge 560. For 1000 a second that is 8, 4 or
    2 of them, each way 595.68: 8 x 0.102 x 730. Fewer come first."""
    found = choices(0.010, 1000, rates())

    first = found[0]
    assert [(each.instance_type, each.count) for each in found[:2]] == [("ml.c5.2xlarge", 2), ("ml.c5.xlarge", 4)]
    assert str(first.usd) == "595.68"
    assert first.carries >= 1000
    assert [choice.usd for choice in found] == sorted(choice.usd for choice in found)


def test_there_are_two_at_least_whatever_the_traffic() -> None:
    """2 x 0.102 x 730."""
    first = choices(0.010, 1, rates())[0]

    assert (first.instance_type, first.count, str(first.usd)) == ("ml.c5.large", 2, "148.92")
    assert first.document()["usd_a_month"] == "148.92"


def test_what_bursts_or_has_an_accelerator_is_not_advised() -> None:
    kinds = {choice.instance_type for choice in choices(0.5, 50, rates())}

    assert not any(kind.startswith(("ml.t2", "ml.t3", "ml.g", "ml.p", "ml.inf")) for kind in kinds)
