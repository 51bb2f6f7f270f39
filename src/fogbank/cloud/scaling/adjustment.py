"""How many instances there are to be, pure: step adjustments, target tracking, cooldowns, limits.

In: a policy's configuration, a value of its metric, the capacity now; out: a capacity. Sources: Application Auto Scaling User Guide, "How
step scaling works", "How target tracking scaling works" and "Define cooldown periods".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

COOLDOWN_S = 300.0
"""SageMaker's default, out and in."""


@dataclass(frozen=True, kw_only=True)
class Last:
    """The last activity of a policy: from how many instances to how many, at a moment."""

    before: int
    after: int
    at: float


@dataclass(frozen=True, kw_only=True)
class Cooldowns:
    """Seconds after which the next activity may begin."""

    out: float = COOLDOWN_S
    into: float = COOLDOWN_S


def within(capacity: float, least: int, most: int) -> int:
    """A capacity within its limits."""
    return int(max(least, min(most, capacity)))


def tracked(capacity: int, value: float, target: float, *, scales_in: bool = True) -> int:
    """The capacity at which a metric that falls as instances come would be at its target."""
    if value < target and not scales_in:
        return capacity
    return math.ceil(round(capacity * value / target, 9))


def stepped(capacity: int, excess: float, policy: Mapping[str, Any]) -> int:
    """The capacity after the step in which a metric's distance from its alarm's threshold lies; the same where it lies in none."""
    step = step_of(excess, policy["StepAdjustments"])
    if step is None:
        return capacity
    adjustment = step["ScalingAdjustment"]
    kind = policy["AdjustmentType"]
    if kind == "ExactCapacity":
        return int(adjustment)
    if kind == "ChangeInCapacity":
        return capacity + int(adjustment)
    return capacity + _share(capacity, adjustment, policy.get("MinAdjustmentMagnitude", 0))


def step_of(excess: float, steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The step of a distance: above the threshold its lower bound belongs to it, below the threshold its upper bound does."""
    for step in steps:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        if (lower <= excess < upper) if excess >= 0 else (lower < excess <= upper):
            return step
    return None


def cooled(wanted: Mapping[int, int], capacity: int, last: Last | None, now: float, cooldowns: Cooldowns) -> int:
    """The capacity that a cooldown allows; `wanted` is what is wanted by the capacity that one goes from.

    After scaling out, more is taken from the capacity that was there before, so that what has not taken effect yet counts; after
    scaling in, only scaling out does not wait.
    """
    if last is None:
        return wanted[capacity]
    if last.after > last.before and now < last.at + cooldowns.out and wanted[capacity] > capacity:
        return max(capacity, wanted[last.before])
    if last.after < last.before and now < last.at + cooldowns.into and wanted[capacity] < capacity:
        return capacity
    return wanted[capacity]


def steps_problem(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """What is wrong with step adjustments: none, gaps or overlaps, bounds that are none; None where nothing is."""
    if not steps:
        return "At least one StepAdjustment is required."
    bounds = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf))
        for step in steps
    )
    if any(lower >= upper for lower, upper in bounds):
        return "The upper bound of a StepAdjustment must be greater than its lower bound."
    if any(one[1] != other[0] for one, other in pairwise(bounds)):
        return "StepAdjustments must not overlap and must not have gaps between them."
    return None


def _share(capacity: int, percent: float, least: int) -> int:
    """A percentage of a capacity: above 1 it is rounded down, between 0 and 1 it is 1; the same below 0."""
    change = capacity * percent / 100
    size = max(math.floor(abs(change)), 1, least) if change else 0
    return int(math.copysign(size, change)) if size else 0
