"""Carries out rollouts: one step after the other, each in the store before the next begins, on the cloud's clock.

In: records of endpoints whose state has a rollout; out: fleets that start, take traffic and end, and the endpoint's status. A step
that fails rolls everything back. What a cloud that was killed does with a rollout is in revival.py.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from fogbank.cloud.api.resource import Record, Resource
from fogbank.cloud.hosting.deployment import Deployment, EndpointState
from fogbank.cloud.hosting.fleet import Fleet, Yard
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.rollout import WHOLE, Rollout, Step
from fogbank.cloud.hosting.router import Router
from fogbank.cloud.hosting.stages import Name, Stage, Stages

log = logging.getLogger("fogbank.cloud")
Endpoint = Record[EndpointState]
LONGEST_REASON = 1024
AlarmState = Callable[[str, str], str | None]
"""A region and an alarm's name to its state; None where there is no such alarm."""


class Rollouts:
    """Moves endpoints from one configuration to the next; `alarm` knows the states of alarms."""

    def __init__(self, records: Resource[EndpointState], stages: Stages, yard: Yard, alarm: AlarmState) -> None:
        self._records = records
        self._alarm = alarm
        self._stages = stages
        self._yard = yard
        self._bakes: dict[Name, float] = {}
        self._steps: Mapping[str, Callable[[Stage, Endpoint, Step, threading.Event], None]] = {
            "start": self._start,
            "scale": self._scale,
            "grow": self._grow,
            "shift": self._shift,
            "shrink": self._shrink,
        }

    def begin(self, name: Name) -> None:
        """Go on with an endpoint's rollout, beside the request that asked for it."""
        self._bakes.pop(name, None)
        self._yard.runner.begin(("endpoint", *name, "rollout"), partial(self._carry_out, name))

    def turn(self) -> None:
        """Go on with the rollouts whose bake is over, or one of whose alarms went off."""
        now = self._records.clock.epoch()
        for moment, name in self.moments():
            record = self._records.find(*name)
            rollout = record.state.rollout if record else None
            if moment <= now or (rollout and gone_off(self._alarm, name[0], rollout)):
                self.begin(name)

    def settle(self) -> None:
        """Carry out what is under way, as far as it goes now."""
        for record in self._records.all():
            if record.state.rollout is not None:
                self.go_on((record.region, record.name), threading.Event())

    def baked(self, name: Name) -> None:
        """Go on with one whose bake is over."""
        self._bakes.pop(name, None)
        self.go_on(name, threading.Event())

    def moments(self) -> list[tuple[float, Name]]:
        """When bakes are over, in the cloud's time, and whose; the first first."""
        return sorted((moment, name) for name, moment in list(self._bakes.items()))

    def go_on(self, name: Name, stop: threading.Event) -> None:
        """Carry out an endpoint's steps until its rollout is over, or bakes."""
        stage = self._stages.stage(name)
        with stage.work:
            while not (stop.is_set() or stage.closed):
                record = self._records.find(*name)
                if record is None:
                    self._stages.close(stage, 0)
                    return
                if record.state.rollout is None or not self._step(stage, record, record.state.rollout, stop):
                    return

    def _carry_out(self, name: Name, stop: threading.Event) -> None:
        """As `go_on`; what nobody foresaw does not leave the endpoint half-way, and is raised then."""
        try:
            self.go_on(name, stop)
        except Exception as error:
            self._crashed(name, error, stop)
            raise

    def fleet(self, record: Endpoint, deployment: Deployment) -> Fleet:
        """A fleet of the endpoint, not started."""
        return Fleet(record.region, record.name, deployment, self._yard)

    def route(self, stage: Stage, state: EndpointState, percent: float) -> None:
        """Give the new fleet so much of the traffic, and the old one the rest."""
        share = percent / WHOLE
        lanes = []
        if stage.live is not None and state.live is not None and share < 1:
            lanes += stage.live.lanes(1 - share, state.live.weights)
        if stage.pending is not None and state.pending is not None and share > 0:
            lanes += stage.pending.lanes(share, state.pending.weights)
        self._stages.route(stage, Router(lanes) if lanes else None)

    def _step(self, stage: Stage, record: Endpoint, rollout: Rollout, stop: threading.Event) -> bool:
        """Carry out the step that is under way, or roll back; whether there is another one now."""
        try:
            check_deadline(rollout, self._records.clock.epoch())
            if rollout.step.action == "bake":
                return self._bake(stage, record, rollout)
            if rollout.step.action == "finish":
                self._finish(stage, record, rollout)
                return False
            self._steps[rollout.step.action](stage, record, rollout.step, stop)
            self._done(record, rollout)
        except StartError as error:
            if stop.is_set() or stage.closed:
                return False  # the cloud stops, or is emptied: it is not the rollout that failed
            self._roll_back(stage, record, rollout, str(error), stop)
            return False
        return True

    def _start(self, stage: Stage, record: Endpoint, step: Step, stop: threading.Event) -> None:
        fleet = self.fleet(record, record.state.target.part(step.percent))
        if not self._stages.place(stage, live=stage.live, pending=fleet):
            raise StartError("the endpoint is gone")
        fleet.start(stop)

    def _scale(self, stage: Stage, record: Endpoint, step: Step, stop: threading.Event) -> None:
        if stage.live is None:
            raise StartError("the endpoint has no instance")
        stage.live.resize(record.state.target, stop)

    def _grow(self, stage: Stage, record: Endpoint, step: Step, stop: threading.Event) -> None:
        if stage.pending is None:
            raise StartError("the new fleet has gone")
        stage.pending.resize(record.state.target.part(step.percent), stop)

    def _shrink(self, stage: Stage, record: Endpoint, step: Step, stop: threading.Event) -> None:
        if stage.live is not None and record.state.live is not None:
            stage.live.provision(record.state.live.part(step.percent))

    def _shift(self, stage: Stage, record: Endpoint, step: Step, stop: threading.Event) -> None:
        self.route(stage, record.state, step.percent)

    def _bake(self, stage: Stage, record: Endpoint, rollout: Rollout) -> bool:
        if off := gone_off(self._alarm, record.region, rollout):
            raise StartError(
                f"The deployment was rolled back: the CloudWatch alarm(s) [{', '.join(off)}] went into ALARM state."
            )
        if self._records.clock.epoch() >= rollout.baked_at:
            self._done(record, rollout)
            return True
        self._bakes[stage.name] = min(rollout.baked_at, rollout.deadline)
        return False

    def _done(self, record: Endpoint, rollout: Rollout) -> None:
        following = rollout.following(self._records.clock.epoch())
        self._records.change(record.region, record.name, lambda state: replace(state, rollout=following))
        detail = {key: value for key, value in vars(rollout.step).items() if value and key != "action"}
        self._tell(record, PAST[rollout.step.action], **detail)
        if following.step.action == "bake":
            self._tell(record, "Baking", seconds=following.step.seconds, why=following.step.why)

    def _finish(self, stage: Stage, record: Endpoint, rollout: Rollout) -> None:
        """The new deployment is the endpoint's; what it replaces ends, in its own time."""
        old = stage.live if rollout.replaces else None
        serving = stage.pending if rollout.replaces else stage.live
        state = EndpointState(live=record.state.target)
        config = record.state.target.name
        self._settle(record, "InService", state, EndpointConfigName=config, FailureReason=None)  # first, as it may fail
        if not self._stages.place(stage, live=serving, pending=None):
            return
        self.route(stage, state, 0)
        self._tell(record, "Finished")
        if old is not None:
            old.close()

    def _roll_back(self, stage: Stage, record: Endpoint, rollout: Rollout, reason: str, stop: threading.Event) -> None:
        """The old deployment has all the traffic again, and what was begun ends; where the cloud stops meanwhile, the next one goes on."""
        log.warning("endpoint %s: %s", record.name, reason)
        reason = reason[:LONGEST_REASON]
        self._bakes.pop(stage.name, None)
        state = EndpointState(live=record.state.live)
        if record.public["EndpointStatus"] == "Creating":
            self._stages.close(stage, 0)
            self._settle(record, "Failed", state, FailureReason=reason)
            return
        if record.public["EndpointStatus"] != "RollingBack":
            self._settle(record, "RollingBack", replace(record.state, rollout=replace(rollout, reason=reason)))
        if rollout.is_rolling and not self._retreat(stage, record, rollout, stop):
            return
        self.route(stage, state, 0)
        new = stage.pending
        if not self._stages.place(stage, live=stage.live, pending=None):
            return
        if new is not None:
            new.close()
        if stage.live is not None and state.live is not None and not rollout.replaces:
            stage.live.provision(state.live)
        self._tell(record, "RolledBack", reason=reason)
        self._settle(record, "InService" if stage.live else "OutOfService", state, FailureReason=reason)

    def _retreat(self, stage: Stage, record: Endpoint, rollout: Rollout, stop: threading.Event) -> bool:
        """The old fleet grows again, batch by batch; False where it is to leave off."""
        for kept, share in rollout.retreat:
            if stage.live is not None and record.state.live is not None:
                with contextlib.suppress(StartError):  # what does not come up again is tried again, as ever
                    stage.live.resize(record.state.live.part(kept), stop)
            if stop.is_set():
                return False
            if share and stage.pending is not None:
                self.route(stage, record.state, share)
                stage.pending.provision(record.state.target.part(share))
        return True

    def _settle(self, record: Endpoint, status: str, state: EndpointState, **members: Any) -> None:
        self._records.move(record.region, record.name, status, lambda _: state, **members)

    def _crashed(self, name: Name, error: Exception, stop: threading.Event) -> None:
        """Roll back, but where the cloud stops: the next one goes on."""
        stage = self._stages.stage(name)
        with stage.work:
            record = self._records.find(*name)
            if record is not None and record.state.rollout is not None and not (stop.is_set() or stage.closed):
                self._roll_back(stage, record, record.state.rollout, f"InternalServerError: {error!r}", stop)

    def _tell(self, record: Endpoint, change: str, **detail: Any) -> None:
        self._records.events.emit(
            "rollout", record.region, record.name, change, config=record.state.target.name, **detail
        )


PAST = {
    "start": "FleetStarted", "scale": "Resized", "grow": "Grown", "shift": "Shifted", "bake": "Baked", "shrink": "Shrunk",
}  # fmt: skip
"""What an event says of a step that is done."""


def gone_off(alarm: AlarmState, region: str, rollout: Rollout) -> list[str]:
    """The alarms that say that what is new is not well."""
    return [name for name in rollout.alarms if alarm(region, name) == "ALARM"]


def check_deadline(rollout: Rollout, now: float) -> None:
    """Raises StartError for a rollout that is to be rolled back."""
    if rollout.reason is not None:
        raise StartError(rollout.reason)
    if now >= rollout.deadline:
        raise StartError(f"the deployment took longer than MaximumExecutionTimeoutInSeconds ({rollout.limit_s})")
