"""Who gets a request: shares, weights, targets and strategies as tables; the draw is the test's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from fogbank.cloud.hosting.router import STRATEGIES, Lane, NoTrafficError, Router, anyone, least_busy


def even(count: int) -> Callable[[], float]:
    """Draws that are spread evenly, so that a share is exact."""
    draws = iter([(index + 0.5) / count for index in range(count)])
    return lambda: next(draws)


def lane(goal: str, share: float, weight: float) -> Lane[str]:
    return Lane(name=goal[0], share=share, weight=weight, goal=goal)


@pytest.mark.parametrize(
    ("lanes", "expected"),
    [
        ([("a1", 1, 1)], {"a1": 100}),
        ([("a1", 1, 3), ("b1", 1, 1)], {"a1": 75, "b1": 25}),
        ([("a1", 1, 1), ("b1", 1, 0)], {"a1": 100}),
        ([("a1", 1, 0), ("b1", 1, 2), ("c1", 1, 0)], {"b1": 100}),
        ([("a1", 0.9, 1), ("a2", 0.1, 1)], {"a1": 90, "a2": 10}),
        ([("a1", 0.5, 0.8), ("b1", 0.5, 0.2), ("a2", 0.5, 0.5), ("b2", 0.5, 0.5)], {"a1": 40, "b1": 10, "a2": 25, "b2": 25}),
    ],
)  # fmt: skip
def test_traffic_goes_by_share_and_weight(lanes: list[tuple[str, float, float]], expected: dict[str, int]) -> None:
    router = Router([lane(*each) for each in lanes], even(100))

    assert Counter(router.pick() for _ in range(100)) == expected


def test_a_target_is_taken_whatever_its_weight_and_from_both_fleets_by_share() -> None:
    lanes = [lane("a1", 0.7, 1), lane("b1", 0.7, 0), lane("a2", 0.3, 1), lane("b2", 0.3, 0)]
    router = Router(lanes, even(10))

    assert Counter(router.pick("b") for _ in range(10)) == {"b1": 7, "b2": 3}
    with pytest.raises(KeyError):
        router.pick("none")


def test_without_weight_there_is_no_traffic_but_by_target() -> None:
    router = Router([lane("a1", 1, 0), lane("b1", 1, 0)], lambda: 0.5)

    with pytest.raises(NoTrafficError):
        router.pick()
    assert router.pick("b") == "b1"


@pytest.mark.parametrize("draw", [0.0, 0.999999999999999999, 1 - 2**-53])
def test_no_draw_falls_off_the_end(draw: float) -> None:
    router = Router([lane("a1", 0.1, 1), lane("b1", 0.1, 1), lane("c1", 0.1, 0)], lambda: draw)

    assert router.pick() in {"a1", "b1"}


@pytest.mark.parametrize(
    ("outstanding", "draw", "chosen"),
    [([3, 0, 2], 0.9, 1), ([1, 1], 0.0, 0), ([1, 1], 0.5, 1), ([0], 0.7, 0), ([2, 1, 1], 0.9, 2)],
)
def test_least_outstanding_requests(outstanding: Sequence[int], draw: float, chosen: int) -> None:
    assert least_busy(outstanding, lambda: draw) == chosen


def test_random_looks_at_nothing() -> None:
    draw = even(30)

    assert Counter(anyone([9, 0, 0], draw) for _ in range(30)) == {0: 10, 1: 10, 2: 10}
    assert set(STRATEGIES) == {"RANDOM", "LEAST_OUTSTANDING_REQUESTS"}
