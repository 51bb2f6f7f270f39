"""Rolling updates of inference components: batches of new copies, each started, given its share of the requests and watched on the cloud's
clock, while as many old ones end.

In: records of components whose state has a rollout, each step of it in the store before the next begins; out: copies. One whose alarm goes
off, whose copies do not start or that takes too long goes back in batches. A cloud that was killed goes on where it was.
Source: botocore's documentation of InferenceComponentRollingUpdatePolicy.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fogbank.cloud.api.resource import Record, Resource
from fogbank.cloud.hosting.component import ComponentState, Part
from fogbank.cloud.hosting.copies import Copies, Site, Slot
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.rollout import (
    ALL_COPIES,
    ROUNDING,
    WHOLE,
    Rollout,
    alarms_of,
    back_of,
    batches,
    limit_of,
)
from fogbank.cloud.hosting.rollouts import AlarmState, check_deadline, gone_off
from fogbank.cloud.hosting.stages import Name

log = logging.getLogger("fogbank.cloud")
Component = Record[ComponentState]


def planned(config: Mapping[str, Any], part: Part, now: float) -> Rollout:
    """The rollout of an update to `part` that begins now. Raises ValidationException."""
    return Rollout(
        steps=batches(config["RollingUpdatePolicy"], [part.copies], ALL_COPIES),
        started=now,
        since=now,
        limit_s=limit_of(config),
        alarms=alarms_of(config),
        back=back_of(config, [part.copies], ALL_COPIES),
    )


class ComponentRollouts:
    """Carries out the steps; `work` goes on with a component, in the caller's thread, and `begin` in one of its own."""

    def __init__(
        self,
        records: Resource[ComponentState],
        copies: Copies,
        alarm: AlarmState,
        work: Callable[[Name, threading.Event], None],
        begin: Callable[[Name], None],
    ) -> None:
        self._records, self._copies, self._alarm = records, copies, alarm
        self._work, self._begin = work, begin
        self._bakes: dict[Name, float] = {}

    def settle(self) -> None:
        """Carry out what is under way, as far as it goes now."""
        for record in self._records.all():
            if record.state.rollout is not None:
                self._work((record.region, record.name), threading.Event())

    def baked(self, name: Name) -> None:
        """Go on with one whose bake is over."""
        self._bakes.pop(name, None)
        self._work(name, threading.Event())

    def again(self, name: Name) -> None:
        """Go on with one at the next turn: what was to be written could not be."""
        self._bakes[name] = self._records.clock.epoch()

    def moments(self) -> list[tuple[float, Name]]:
        """When bakes are over, in the cloud's time, and whose; the first first."""
        return sorted((moment, name) for name, moment in list(self._bakes.items()))

    def turn(self) -> None:
        """Go on with those whose bake is over, or one of whose alarms went off."""
        now = self._records.clock.epoch()
        for moment, name in self.moments():
            record = self._records.find(*name)
            rollout = record.state.rollout if record else None
            if moment <= now or rollout is None or gone_off(self._alarm, name[0], rollout):
                self._bakes.pop(name, None)
                self._begin(name)

    def carry_out(self, slot: Slot, record: Component, site: Site, stop: threading.Event) -> bool:
        """Carry out the steps until the component serves what it is to, or bakes: then False. Raises StartError for one that is to go back."""
        try:
            rollout = self._ready(slot, record, site, stop)
            while True:
                check_deadline(rollout, self._records.clock.epoch())
                if rollout.step.action == "finish":
                    self._copies.take_over(slot, _pending(record))
                    return True
                if rollout.step.action == "bake" and self._bakes_on(record, rollout):
                    return False
                self._step(slot, record, site, rollout, stop)
                rollout = self._keep(record, rollout.following(self._records.clock.epoch()))
        except StartError:
            raise
        except Exception as error:  # nobody foresaw it: the component is not left half-way
            log.exception("the update of the inference component %s", record.name)
            raise StartError(f"InternalServerError: {error!r}") from error

    def roll_back(self, slot: Slot, record: Component, reason: str, stop: threading.Event) -> None:
        """The old copies come again, batch by batch, and the new ones end; where the cloud stops meanwhile, the next one begins with them."""
        found = self._records.find(record.region, record.name)
        rollout, live = (found.state.rollout, found.state.live) if found else (None, None)
        self._bakes.pop(slot.name, None)
        if rollout is None or live is None:
            return
        self._keep(record, replace(rollout, reason=reason))
        for kept, share in rollout.retreat:
            with contextlib.suppress(StartError):  # what does not come up again is tried again, as ever
                self._copies.regrow(slot, part_of(live, kept).copies, stop)
            if stop.is_set():
                return
            self._copies.route(slot, share / WHOLE)
            self._copies.keep(slot, coming=part_of(_pending(record), share).copies)
        self._copies.drop(slot)

    def _ready(self, slot: Slot, record: Component, site: Site, stop: threading.Event) -> Rollout:
        """The rollout; in a process that has no copy yet what served serves again first, and the new copies begin anew."""
        rollout, live = record.state.rollout, record.state.live
        if rollout is None or live is None:
            raise StartError("there is nothing to roll out")
        if slot.serving is not None:
            return rollout
        self._copies.bring(slot, live, site, stop)
        self._copies.arrived(slot.name)
        return self._keep(record, rollout.resumed(self._records.clock.epoch()))

    def _step(self, slot: Slot, record: Component, site: Site, rollout: Rollout, stop: threading.Event) -> None:
        step, live = rollout.step, record.state.live
        if step.action in {"start", "grow"}:
            self._copies.launch(slot, part_of(_pending(record), step.percent), site, stop)
        elif step.action == "shift":
            self._copies.route(slot, step.percent / WHOLE)
        elif step.action == "shrink" and live is not None:
            self._copies.keep(slot, serving=part_of(live, step.percent).copies)

    def _bakes_on(self, record: Component, rollout: Rollout) -> bool:
        """Whether the bake goes on. Raises StartError where an alarm went off."""
        if off := gone_off(self._alarm, record.region, rollout):
            raise StartError(
                f"The deployment was rolled back: the CloudWatch alarm(s) [{', '.join(off)}] went into ALARM state."
            )
        if self._records.clock.epoch() >= rollout.baked_at:
            return False
        self._bakes[record.region, record.name] = min(rollout.baked_at, rollout.deadline)
        return True

    def _keep(self, record: Component, rollout: Rollout) -> Rollout:
        self._records.change(record.region, record.name, lambda state: replace(state, rollout=rollout))
        return rollout


def part_of(part: Part, percent: float) -> Part:
    """The same with a share of its copies, rounded up; 0 percent is none."""
    return replace(part, copies=math.ceil(part.copies * percent / WHOLE - ROUNDING))


def _pending(record: Component) -> Part:
    """What is to serve. Raises StartError."""
    if record.state.pending is None:
        raise StartError("there is nothing to roll out")
    return record.state.pending
