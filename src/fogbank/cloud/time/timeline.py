"""What is due, and doing it in order: EventBridge schedules and monitoring schedules on the cloud's one clock.

`advance` moves the clock from one due moment to the next and runs each to its end, so the same schedules over the same time
do the same things in the same order.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fogbank.cloud.api.control import ControlPlane, Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document
from fogbank.cloud.jobs.transforms import TransformJobs
from fogbank.cloud.monitoring.captures import Window
from fogbank.cloud.monitoring.schedules import MonitoringSchedules, Schedule, config_of
from fogbank.cloud.time.cron import ScheduleExpressionError, due
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB_TARGET, EXECUTION_ID, SCHEDULED_TIME
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")


@dataclass(frozen=True, order=True)
class Due:
    """One thing to do at `moment`. `fire` returns what came of it, in a sentence."""

    moment: datetime
    name: str
    fire: Callable[[], str] = field(compare=False)


class Timeline:
    """Fires what is due. `scheduler` makes a client of a region's EventBridge Scheduler; `catch_up` carries out what else goes by
    the clock up to a moment."""

    def __init__(
        self,
        clock: Clock,
        schedules: MonitoringSchedules,
        jobs: TransformJobs,
        control: ControlPlane,
        scheduler: Callable[[str], Any],
        flush: Callable[[], object],
        catch_up: Callable[[datetime], None],
    ) -> None:
        self._clock, self._schedules, self._jobs, self._control = clock, schedules, jobs, control
        self._scheduler, self._flush = scheduler, flush
        self._catch_up = catch_up
        self._lock = threading.RLock()
        self._checked = clock.now()
        self._stop = threading.Event()

    def advance(self, delta: timedelta) -> list[dict[str, str]]:
        """Move the clock by `delta`, firing everything on the way; returns what was fired, in order."""
        with self._lock:
            return self._run_until(self._clock.now() + delta, wait=True)

    def run_monitor(self, region: str, name: str) -> Document:
        """An execution of a monitoring schedule now, over what no execution has looked at since the last one.

        The clock moves to the next whole second, because records have whole seconds. Raises ApiError.
        """
        with self._lock:
            schedule = self._schedules.get(region, name)
            end = self._clock.now().replace(microsecond=0) + timedelta(seconds=1)
            self._clock.move_to(end)
            return self._schedules.run(schedule, self._schedules.unseen(schedule, end)).public

    def start(self, period_s: float = 5.0) -> None:
        """Fire what becomes due as time passes. What became due while the cloud was not running is not made up for."""
        self._checked = self._clock.now()
        threading.Thread(target=self._follow, args=(period_s,), name="timeline", daemon=True).start()

    def stop(self) -> None:
        """Fire nothing more."""
        self._stop.set()

    def _follow(self, period_s: float) -> None:
        while not self._stop.wait(period_s):
            try:
                with self._lock:
                    self._run_until(self._clock.now(), wait=False)
            except Exception:  # the clockwork must not stop because one tick failed
                log.exception("timeline")

    def _run_until(self, until: datetime, *, wait: bool) -> list[dict[str, str]]:
        fired = []
        if wait:
            self._flush()
        for item in sorted([*self._monitors(until), *self._events(until, wait=wait)]):
            if wait:
                self._catch_up(item.moment)
            self._clock.move_to(item.moment)
            log.info("due at %s: %s", item.moment.isoformat(), item.name)
            fired.append({"at": item.moment.isoformat(), "name": item.name, "result": item.fire()})
        if wait:
            self._catch_up(until)
        self._clock.move_to(until)
        self._checked = until
        return fired

    def _monitors(self, until: datetime) -> list[Due]:
        found = []
        for schedule in self._schedules.scheduled():
            expression = config_of(schedule).expression
            anchor = datetime.fromtimestamp(schedule.public["CreationTime"], UTC)
            for moment in due(expression, max(self._checked, anchor), until, anchor):
                start = previous(expression, moment, anchor)
                found.append(
                    Due(
                        moment,
                        f"monitoring schedule {schedule.name}",
                        _monitor(self._schedules, schedule, Window(start=start, end=moment)),
                    )
                )
        return found

    def _events(self, until: datetime, *, wait: bool) -> list[Due]:
        found = []
        for region, schedule in self._event_schedules():
            zone = schedule.get("ScheduleExpressionTimezone", "UTC")
            try:
                moments = list(
                    due(schedule["ScheduleExpression"], self._checked, until, schedule["CreationDate"], zone)
                )
            except ScheduleExpressionError as error:
                log.warning("EventBridge schedule %s: %s", schedule["Name"], error)
                continue
            found += [
                Due(
                    moment, f"EventBridge schedule {schedule['Name']}", self._event(region, schedule, moment, wait=wait)
                )
                for moment in moments
            ]
        return found

    def _event_schedules(self) -> list[tuple[str, Document]]:
        from moto.scheduler.models import scheduler_backends

        regions = sorted(scheduler_backends[LOCAL_ACCOUNT]) if LOCAL_ACCOUNT in scheduler_backends else []
        found = []
        for region in regions:
            if not any(group.schedules for group in scheduler_backends[LOCAL_ACCOUNT][region].schedule_groups.values()):
                continue
            client = self._scheduler(region)
            for item in client.list_schedules(State="ENABLED")["Schedules"]:
                found.append((region, client.get_schedule(Name=item["Name"], GroupName=item["GroupName"])))
        return found

    def _event(self, region: str, schedule: Document, moment: datetime, *, wait: bool) -> Callable[[], str]:
        def fire() -> str:
            target = schedule["Target"]
            if target["Arn"].lower() != CREATE_TRANSFORM_JOB_TARGET.lower():
                said = f"the local cloud does not fire the target {target['Arn']} yet"
                log.warning("EventBridge schedule %s: %s", schedule["Name"], said)
                return said
            text = target.get("Input", "{}").replace(
                EXECUTION_ID, str(uuid.uuid5(uuid.NAMESPACE_URL, f"{schedule['Arn']}{moment.isoformat()}"))
            )
            params = json.loads(text.replace(SCHEDULED_TIME, moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
            try:
                self._control.call("CreateTransformJob", Scope(region), params)
            except ApiError as error:
                log.warning("EventBridge schedule %s: %s: %s", schedule["Name"], error.code, error.message)
                return f"{error.code}: {error.message}"
            if wait:
                self._jobs.wait(region, params["TransformJobName"])
                ended = self._jobs.describe(Scope(region), {"TransformJobName": params["TransformJobName"]})
                return f"transform job {params['TransformJobName']}: {ended['TransformJobStatus']}" + (
                    f" ({ended['FailureReason']})" if ended.get("FailureReason") else ""
                )
            return f"transform job {params['TransformJobName']} started"

        return fire


def _monitor(schedules: MonitoringSchedules, schedule: Schedule, window: Window) -> Callable[[], str]:
    def fire() -> str:
        run = schedules.run(schedule, window).public
        return f"{run['MonitoringExecutionStatus']}" + (
            f" ({run['FailureReason']})" if run.get("FailureReason") else ""
        )

    return fire


def previous(expression: str, moment: datetime, anchor: datetime) -> datetime:
    """The slot before `moment`: where the window of an execution at `moment` begins. Without one in 31 days, an hour before."""
    earlier = list(
        due(expression, moment - timedelta(days=31), moment - timedelta(seconds=1), anchor - timedelta(days=62))
    )
    return earlier[-1] if earlier else moment - timedelta(hours=1)
