"""Who gets a request, pure: a fleet by its share of the traffic, a variant by its weight, an instance by the routing strategy.

In: lanes with weights, or how many requests each instance has; out: a choice. A router never changes: to shift traffic is to
put another one in its place.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Draw = Callable[[], float]
Choose = Callable[[Sequence[int], Draw], int]
"""Of the numbers of requests that each instance has now, and a draw of [0, 1): the index of the instance that gets the next."""


def anyone(outstanding: Sequence[int], draw: Draw) -> int:
    """RANDOM: each instance as likely as the other."""
    return int(draw() * len(outstanding))


def least_busy(outstanding: Sequence[int], draw: Draw) -> int:
    """LEAST_OUTSTANDING_REQUESTS: one of those that have least to do."""
    least = min(outstanding)
    idle = [index for index, count in enumerate(outstanding) if count == least]
    return idle[int(draw() * len(idle))]


STRATEGIES: Mapping[str, Choose] = {"RANDOM": anyone, "LEAST_OUTSTANDING_REQUESTS": least_busy}
"""RoutingStrategy to how it chooses; the strategies that the local cloud has."""
DEFAULT_STRATEGY = "RANDOM"

T = TypeVar("T")


class NoTrafficError(Exception):
    """Every variant has weight 0."""


@dataclass(frozen=True, kw_only=True)
class Lane(Generic[T]):
    """One variant of one fleet. `share` is the part of all traffic that its fleet has, `weight` its own in the fleet."""

    name: str
    share: float
    weight: float
    goal: T


class Router(Generic[T]):
    """Picks a lane for each request."""

    def __init__(self, lanes: Sequence[Lane[T]], draw: Draw = random.random) -> None:
        self._draw = draw
        self._all = _Wheel([lane.goal for lane in lanes], [lane.share * lane.weight for lane in lanes])
        by_name: dict[str, list[Lane[T]]] = {}
        for lane in lanes:
            by_name.setdefault(lane.name, []).append(lane)
        self._by_name = {
            name: _Wheel([lane.goal for lane in those], [lane.share for lane in those])
            for name, those in by_name.items()
        }

    def pick(self, target: str | None = None) -> T:
        """A lane by share and weight, or the target variant's. Raises KeyError for an unknown target, NoTrafficError."""
        wheel = self._by_name[target] if target else self._all
        return wheel.turn(self._draw)


class _Wheel(Generic[T]):
    """A choice by weight."""

    def __init__(self, goals: Sequence[T], weights: Sequence[float]) -> None:
        self._goals, self._ends = goals, list(itertools.accumulate(weights)) or [0.0]
        self._last = bisect.bisect_left(self._ends, self._ends[-1])

    def turn(self, draw: Draw) -> T:
        total = self._ends[-1]
        if total <= 0:
            raise NoTrafficError
        return self._goals[bisect.bisect_right(self._ends, draw() * total, hi=self._last)]
