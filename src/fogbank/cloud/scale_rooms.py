"""Application Auto Scaling, put together: its calls, and the scaler that alarms and schedules move.

In: what every room stands on, clients of the cloud itself; out: a door, a source of what scheduled actions make due, and what others
ask of targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fogbank.cloud.alarms.changes import Changes
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.scaling.book import Book
from fogbank.cloud.scaling.calls import ScalingCalls
from fogbank.cloud.scaling.dependents import Dependents
from fogbank.cloud.scaling.scaler import Scaler


class ScaleRooms:
    """The rooms of Application Auto Scaling; policies are actions of alarms."""

    def __init__(self, ground: Ground, changes: Changes, clients: Callable[[str, str], Any]) -> None:
        self._book = book = Book(ground.store, ground.clock)
        self.scaler = Scaler(book, clients)
        self.door = ScalingCalls(book, self.scaler, clients)
        self.dependents = Dependents(book, self.door.end)
        changes.scale = self.scaler.act

    def tagged(self, region: str) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
        """The scalable targets of a region with their tags: type, ARN, tags."""
        for _, target in self._book.targets(region):
            tags = [{"Key": key, "Value": value} for key, value in target["_tags"].items()]
            yield "application-autoscaling:scalable-target", target["ScalableTargetARN"], tags
