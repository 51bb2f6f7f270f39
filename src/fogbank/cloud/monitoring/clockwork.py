"""Monitoring schedules as a source of the clockwork: their executions become due, and one can be had now.

In: the schedules and the clock; out: what is due, each with its window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document
from fogbank.cloud.monitoring.captures import Window
from fogbank.cloud.monitoring.schedules import MonitoringSchedules, Schedule, config_of
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import due
from fogbank.cloud.time.timeline import Due


class MonitoringClockwork:
    """What the monitoring schedules make due."""

    def __init__(self, schedules: MonitoringSchedules, clock: Clock) -> None:
        self._schedules = schedules
        self._clock = clock

    def due(self, since: datetime, until: datetime) -> Iterator[Due]:
        """Executions of the schedules that are Scheduled."""
        for schedule in self._schedules.scheduled():
            expression = config_of(schedule).expression
            name = f"monitoring schedule {schedule.name}"
            anchor = datetime.fromtimestamp(schedule.public["CreationTime"], UTC)
            try:
                for moment in due(expression, max(since, anchor), until, anchor):
                    usual = Window(start=previous(expression, moment, anchor), end=moment)
                    window = config_of(schedule).window(moment, usual)
                    fire = self._firing(schedule, window, moment)
                    yield Due(moment, name, fire, f"{schedule.region}/{name}", settle=_nothing)
            except ScheduleExpressionError as error:
                yield Due(until, name, lambda _, reason=str(error): f"never runs: {reason}")  # type: ignore[misc]  # bound early

    def run_now(self, region: str, name: str, turn: Callable[[], AbstractContextManager[None]]) -> Document:
        """An execution now, over what no execution has looked at since the last one. Raises ApiError.

        The clock moves to the next whole second, because records have whole seconds; nothing else fires in this `turn`.
        """
        with turn():
            schedule = self._schedules.get(region, name)
            end = self._clock.now().replace(microsecond=0) + timedelta(seconds=1)
            self._clock.move_to(end)
            return self._schedules.run(schedule, self._schedules.unseen(schedule, end)).public

    def _firing(self, schedule: Schedule, window: Window, moment: datetime) -> Callable[[bool], str]:
        def fire(wait: bool) -> str:
            del wait  # an execution is waited for always: the next one looks at what this one has not
            run = self._schedules.run(schedule, window, moment).public
            reason = f" ({run['FailureReason']})" if run.get("FailureReason") else ""
            return f"{run['MonitoringExecutionStatus']}{reason}"

        return fire


def _nothing() -> None:
    """An execution that was begun ends by itself."""


def previous(expression: str, moment: datetime, anchor: datetime) -> datetime:
    """The slot before `moment`: where the window of an execution at `moment` begins. Without one in 31 days, an hour before."""
    earlier = list(
        due(expression, moment - timedelta(days=31), moment - timedelta(seconds=1), anchor - timedelta(days=62))
    )
    return earlier[-1] if earlier else moment - timedelta(hours=1)
