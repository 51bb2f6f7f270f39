"""Counts as the Application Auto Scaling User Guide's pages on step scaling, target tracking and cooldowns have them."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.scaling.adjustment import Cooldowns, Last, cooled, step_of, stepped, steps_problem, tracked, within


def step(adjustment: int, lower: float | None = None, upper: float | None = None) -> dict[str, Any]:
    bounds = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
    return {"ScalingAdjustment": adjustment, **{key: value for key, value in bounds.items() if value is not None}}


OUT = [step(0, 0, 10), step(10, 10, 20), step(30, 20)]
IN = [step(0, -10, 0), step(-10, -20, -10), step(-30, None, -20)]


@pytest.mark.parametrize(("excess", "adjustment"), [(0, 0), (9.9, 0), (10, 10), (19, 10), (20, 30), (99, 30)])
def test_steps_above_a_threshold_hold_their_lower_bound(excess: float, adjustment: int) -> None:
    found = step_of(excess, OUT)
    assert found is not None
    assert found["ScalingAdjustment"] == adjustment


@pytest.mark.parametrize(("excess", "adjustment"), [(-1, 0), (-10, -10), (-19, -10), (-20, -30), (-99, -30)])
def test_steps_below_a_threshold_hold_their_upper_bound(excess: float, adjustment: int) -> None:
    found = step_of(excess, IN)
    assert found is not None
    assert found["ScalingAdjustment"] == adjustment


@pytest.mark.parametrize(
    ("kind", "capacity", "adjustment", "least", "wanted"),
    [
        ("ChangeInCapacity", 3, 5, 0, 8),
        ("ChangeInCapacity", 3, -1, 0, 2),
        ("ExactCapacity", 3, 5, 0, 5),
        ("PercentChangeInCapacity", 10, 10, 0, 11),
        ("PercentChangeInCapacity", 10, 30, 0, 13),
        ("PercentChangeInCapacity", 4, 25, 2, 6),
        ("PercentChangeInCapacity", 10, 127, 0, 22),
        ("PercentChangeInCapacity", 3, 20, 0, 4),
        ("PercentChangeInCapacity", 3, -20, 0, 2),
        ("PercentChangeInCapacity", 6, -25, 0, 5),
    ],
)
def test_adjustments(kind: str, capacity: int, adjustment: int, least: int, wanted: int) -> None:
    policy = {"AdjustmentType": kind, "StepAdjustments": [step(adjustment, 0)], "MinAdjustmentMagnitude": least}
    assert stepped(capacity, 1, policy) == wanted


def test_no_step_no_change() -> None:
    assert stepped(3, -1, {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [step(1, 0)]}) == 3


@pytest.mark.parametrize(
    ("capacity", "value", "wanted"), [(1, 250, 3), (2, 100, 2), (2, 101, 3), (4, 40, 2), (3, 0, 0), (10, 89.9, 9)]
)
def test_target_tracking_is_in_proportion(capacity: int, value: float, wanted: int) -> None:
    assert tracked(capacity, value, 100) == wanted
    assert tracked(capacity, value, 100, scales_in=False) == max(capacity, wanted)


def test_limits() -> None:
    assert [within(count, 1, 4) for count in (0, 2, 9)] == [1, 2, 4]


def test_cooldowns() -> None:
    times = Cooldowns(out=300, into=300)
    went_out, came_in = Last(before=2, after=4, at=0), Last(before=4, after=2, at=0)
    # what was added counts: two more than 2 are the 4 that there are; three more are one more
    assert cooled({4: 6, 2: 4}, 4, went_out, 100, times) == 4
    assert cooled({4: 7, 2: 5}, 4, went_out, 100, times) == 5
    assert cooled({4: 6, 2: 4}, 4, went_out, 300, times) == 6
    assert cooled({2: 1, 4: 3}, 2, came_in, 100, times) == 2
    assert cooled({2: 3, 4: 5}, 2, came_in, 100, times) == 3
    assert cooled({2: 1, 4: 3}, 2, came_in, 300, times) == 1
    assert cooled({2: 5}, 2, None, 0, times) == 5


def test_steps_that_are_none() -> None:
    assert steps_problem(OUT) is None
    assert steps_problem(IN) is None
    assert steps_problem([]) is not None
    assert "gaps" in str(steps_problem([step(1, 0, 10), step(2, 11)]))
    assert "gaps" in str(steps_problem([step(1, 0, 10), step(2, 9)]))
    assert "upper bound" in str(steps_problem([step(1, 10, 0)]))
