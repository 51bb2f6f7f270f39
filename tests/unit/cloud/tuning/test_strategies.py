"""Ranges and strategies: values lie where they may, the same come for the same, and what is known is used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.tuning.ranges import Choices, Numbers, RangeError, combinations, read
from fogbank.cloud.tuning.strategies import chosen

RATE = Numbers(name="rate", low=0.001, high=1, scaling="Logarithmic")
NEAR_ONE = Numbers(name="near", low=0.5, high=0.999, scaling="ReverseLogarithmic")
DEPTH = Numbers(name="depth", low=1, high=4, whole=True)
WIDTH = Numbers(name="width", low=1, high=1024, whole=True, scaling="Logarithmic")
KIND = Choices(name="kind", values=("a", "b", "c"))
SIZE = Choices(name="size", values=("s", "l"))


@given(st.floats(min_value=0, max_value=1, exclude_max=True))
def test_values_lie_in_their_ranges_and_their_places_lead_back(place: float) -> None:
    for each in (RATE, NEAR_ONE, DEPTH, WIDTH):
        value = float(each.at(place))
        assert each.low <= value <= each.high
        assert not each.whole or value.is_integer()
        assert -1e-9 <= each.place(each.at(place)) <= 1 + 1e-9
    assert KIND.at(KIND.place(KIND.at(place))) == KIND.at(place)
    assert abs(RATE.place(RATE.at(place)) - place) < 1e-6


def test_scaling_is_where_the_middle_lies() -> None:
    assert (RATE.at(0.5), WIDTH.at(0.5)) == ("0.0316227766017", "32")
    assert 0.97 < float(NEAR_ONE.at(0.5)) < 0.98
    assert [DEPTH.at(place) for place in (0, 0.25, 0.5, 0.999)] == ["1", "2", "3", "4"]
    assert Numbers(name="one", low=3, high=3).place("3") == 0.5


def test_a_grid_has_each_combination_once() -> None:
    values = [chosen("Grid", (KIND, SIZE), number, 1, ()) for number in range(combinations((KIND, SIZE)))]

    assert len({tuple(each.values()) for each in values}) == 6


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_the_same_come_for_the_same(strategy: str) -> None:
    ranges = (RATE, DEPTH, KIND)
    scored = [({"rate": RATE.at(place), "depth": "2", "kind": "a"}, place) for place in (0.1, 0.3, 0.5, 0.7, 0.9)]
    first = [chosen(strategy, ranges, number, 7, scored) for number in range(5)]

    assert first == [chosen(strategy, ranges, number, 7, scored) for number in range(5)]
    assert first != [chosen(strategy, ranges, number, 8, scored) for number in range(5)]


def test_bayesian_comes_nearer_than_chance() -> None:
    def loss(values: dict[str, str]) -> float:
        return abs(RATE.place(values["rate"]) - 0.8) + (values["kind"] != "b")

    def best(strategy: str, seed: int) -> float:
        scored: list[tuple[dict[str, str], float]] = []
        for number in range(30):
            values = chosen(strategy, (RATE, KIND), number, seed, scored)
            scored.append((values, loss(values)))
        return min(value for _, value in scored)

    model, chance = (sum(best(strategy, seed) for seed in range(20)) for strategy in ("Bayesian", "Random"))
    assert model < 0.75 * chance


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        ({}, "has no range"),
        ({"IntegerParameterRanges": [{"Name": "x", "MinValue": "1.5", "MaxValue": "2"}]}, "must be integers"),
        ({"IntegerParameterRanges": [{"Name": "x", "MinValue": "a", "MaxValue": "2"}]}, "is no number"),
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "2", "MaxValue": "1"}]}, "not above MaxValue"),
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "nan", "MaxValue": "1"}]}, "must be a number"),
        ({"CategoricalParameterRanges": [{"Name": "x", "Values": ["a"]}] * 2}, "x has two ranges"),
        (
            {"IntegerParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "2", "ScalingType": "ReverseLogarithmic"}]},
            "of continuous ranges",
        ),
    ],
)  # fmt: skip
def test_ranges_that_are_none_are_refused(ranges: dict[str, Any], words: str) -> None:
    with pytest.raises(RangeError, match=words):
        read(ranges)
