"""CloudWatch, put together: the points of metrics, the counting of invocations, alarms, logs, and the doors of their calls.

In: what every room stands on, moto, clients of the cloud itself; out: rooms that are ready, and a watch on the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from fogbank.cloud.alarms.book import Book
from fogbank.cloud.alarms.calls import AlarmCalls
from fogbank.cloud.alarms.changes import Changes
from fogbank.cloud.alarms.watch import Watch
from fogbank.cloud.api.bus import Bus
from fogbank.cloud.api.resource import Ground, Resource
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.logs.calls import LogCalls
from fogbank.cloud.logs.marks import Marks
from fogbank.cloud.logs.streams import PROCESSING, TRANSFORMS, Streams
from fogbank.cloud.moto.internals import account_of
from fogbank.cloud.moto.kept_alarms import kept_alarms
from fogbank.cloud.observe.cloudwatch import CloudWatch, Memory
from fogbank.cloud.observe.door import CloudWatchDoor
from fogbank.cloud.observe.metrics import Metrics
from fogbank.cloud.observe.points import Points
from fogbank.ground.aws import LOCAL_ACCOUNT


class WatchRooms:
    """The rooms of CloudWatch. `memory` is what moto's services keep of metrics."""

    def __init__(
        self,
        folder: Path,
        ground: Ground,
        moto: Callable[[Request], Answer],
        clients: Callable[[str, str], Any],
        bus: Bus,
        memory: Memory,
    ) -> None:
        self.points = Points(folder / "metrics.db")
        self.metrics = Metrics(folder / "metrics", ground.clock, self.points)
        self.alarms = Book(ground.store, ground.clock)
        self.changes = Changes(self.alarms, clients, bus.put)
        self._cloudwatch = CloudWatch(self.points, ground.clock.epoch, memory, self.metrics.flush)
        self._calls = AlarmCalls(self.alarms, self.changes, moto)
        self.door = CloudWatchDoor(account_of, self._cloudwatch.operations(), self._calls.operations())

    def adopt(self) -> None:
        """Take over the alarms that an earlier version left in moto."""
        self._calls.adopt(list(kept_alarms()))

    def state(self, region: str, name: str) -> str | None:
        """The state of an alarm of the cloud's own account; None where there is no such alarm."""
        alarm = self.alarms.find(LOCAL_ACCOUNT, region, name)
        return alarm.state if alarm else None

    def watch(self, before: Callable[[datetime], None]) -> Watch:
        """A watch over the alarms; `before` carries out what else goes by the clock."""
        return Watch(self.alarms, self.changes, self._cloudwatch.periods, before)


class LogRooms:
    """The rooms of CloudWatch Logs: `folder` has the logs, `transforms` and `processing` the jobs of a region."""

    def __init__(
        self,
        folder: Path,
        ground: Ground,
        moto: Callable[[Request], Answer],
        transforms: Resource[Any],
        processing: Resource[Any],
    ) -> None:
        self.marks = Marks(folder, ground.clock.epoch)
        jobs = {TRANSFORMS: partial(_jobs, transforms), PROCESSING: partial(_jobs, processing)}
        self.door = LogCalls(Streams(folder, self.marks, jobs), self.marks, moto, ground.clock.epoch)


def _jobs(kind: Resource[Any], region: str) -> list[tuple[str, float]]:
    return [(job.name, job.public["CreationTime"]) for job in kind.all(region)]
