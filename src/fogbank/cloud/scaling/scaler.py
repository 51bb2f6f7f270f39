"""Carries out scaling: a variant or an inference component gets another count by the call that anybody would make, and it is noted.

In: an alarm's action, a schedule's moment, new limits; out: a count, an activity, and real processes, which hosting starts and stops.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.alarms.changes import Action, ScalingError
from fogbank.cloud.ground.store import Document
from fogbank.cloud.scaling.adjustment import COOLDOWN_S, Cooldowns, Last, cooled, step_of, stepped, tracked, within
from fogbank.cloud.scaling.book import POLICY, SCHEDULED, Book
from fogbank.cloud.scaling.dimensions import DIMENSIONS, Reading
from fogbank.cloud.time.expressions import due
from fogbank.cloud.time.schedule import INSTANT, moment_of
from fogbank.cloud.time.timeline import Due

log = logging.getLogger("fogbank.cloud")
LAST = "_last"
"""Where a target's document has its last activity that a policy began."""
Clients = Callable[[str, str], Any]


class Scaler:
    """Scales; `clients` makes boto3 clients of the cloud itself."""

    def __init__(self, book: Book, clients: Clients) -> None:
        self._book, self._clients = book, clients

    def act(self, action: Action) -> str | None:
        """What an alarm's action of a scaling policy does; in a sentence, or None where nothing is to be done. Raises ScalingError."""
        region = action.arn.split(":")[3]
        policy = next((each for _, each in self._book.named(POLICY, region) if each["PolicyARN"] == action.arn), None)
        target = self._book.target(region, policy["ResourceId"], policy["ScalableDimension"]) if policy else None
        reading = self.read(region, target) if target else None
        if policy is None or target is None or reading is None:
            return None
        threshold = action.after.document["Threshold"]
        if action.value is None:
            raise ScalingError(_unfound("[]", threshold))
        if (
            policy["PolicyType"] == "StepScaling"
            and step_of(action.value - threshold, policy["StepScalingPolicyConfiguration"]["StepAdjustments"]) is None
        ):
            raise ScalingError(_unfound(f"[{action.value:g}]", threshold))
        now, capacity = self._book.clock.epoch(), reading.desired
        last = Last(**target[LAST]) if LAST in target else None
        bases = {capacity, last.before if last else capacity}
        limits = (target["MinCapacity"], target["MaxCapacity"])
        wanted = {base: within(_wanted(policy, base, action.value, threshold), *limits) for base in bases}
        count = cooled(wanted, capacity, last, now, _cooldowns(policy))
        if count == capacity or _is_suspended(target, out=count > capacity):
            return None
        cause = (
            f"monitor alarm {action.after.name} in state {action.after.state} triggered policy {policy['PolicyName']}"
        )
        if not self._set(region, target, count, cause):
            return None
        self._book.put_target(region, {**target, LAST: {"before": capacity, "after": count, "at": now}})
        return f"Setting desired {DIMENSIONS[target['ScalableDimension']].noun} to {count}."

    def enforce(self, region: str, target: Document, cause: str = "") -> None:
        """Let what has too few, or too many, have as many as its limits allow."""
        reading = self.read(region, target)
        if reading is None:
            return
        count = within(reading.desired, target["MinCapacity"], target["MaxCapacity"])
        if count != reading.desired:
            which = "minimum" if count > reading.desired else "maximum"
            self._set(region, target, count, f"{which} capacity was set to {count}{cause}")

    def read(self, region: str, target: Mapping[str, Any]) -> Reading | None:
        """What a target, or whatever names a resource and a dimension, has now; None where there is no such thing."""
        scaled = DIMENSIONS[target["ScalableDimension"]]
        names = scaled.names(target["ResourceId"])
        if names is None:
            return None
        try:
            return scaled.read(self._clients("sagemaker", region), names)
        except (ClientError, BotoCoreError):
            return None

    def settle(self, region: str | None = None) -> None:
        """Note what has become of activities that were in progress."""
        for at, key, activity in self._book.activities(region):
            if activity["StatusCode"] != "InProgress":
                continue
            reading = self.read(at, activity)
            if reading is not None and not reading.settled:
                continue
            count, noun = activity["_count"], DIMENSIONS[activity["ScalableDimension"]].noun
            came = reading is not None and reading.current == count
            status = "Successful" if came else "Failed"
            said = "Successfully set" if came else "Failed to set"
            end = "Change successfully fulfilled by sagemaker." if came else f"It did not get that {noun}."
            message = f"{said} desired {noun} to {count}. {end}"
            ended = reading.changed if reading is not None else self._book.clock.epoch()
            self._book.change(at, key, StatusCode=status, StatusMessage=message, EndTime=ended)

    def due(self, since: datetime, until: datetime) -> Iterable[Due]:
        """What scheduled actions make due."""
        for region, action in self._book.named(SCHEDULED):
            created = moment_of(action["CreationTime"])
            start, end = moment_of(action.get("StartTime")), moment_of(action.get("EndTime"))
            anchor = start or created or since
            moments = due(
                action["Schedule"], max(since, anchor - INSTANT), until, anchor, action.get("Timezone", "UTC")
            )
            for moment in moments:
                if end is None or moment <= end:
                    name = f"scheduled scaling action {action['ScheduledActionName']}"
                    yield Due(
                        moment,
                        name,
                        partial(self._fire, region, action),
                        f"scaling/{region}/{action['ScheduledActionARN']}",
                    )

    def _fire(self, region: str, action: Document, _wait: bool) -> str:
        """Set the limits that a scheduled action says."""
        resource, name = action["ResourceId"], action["ScheduledActionName"]
        target = self._book.target(region, resource, action["ScalableDimension"])
        if self._book.find(SCHEDULED, region, resource, name) != action or target is None:
            return "not done: the action was changed or deleted meanwhile"
        if target.get("SuspendedState", {}).get("ScheduledScalingSuspended"):
            return "not done: scheduled scaling is suspended"
        limits = {key: value for key, value in action["ScalableTargetAction"].items() if value is not None}
        changed = {**target, **limits}
        if changed["MinCapacity"] > changed["MaxCapacity"]:
            return "not done: the minimum would be above the maximum"
        self._book.put_target(region, changed)
        self.enforce(region, changed, f" by scheduled action {name}")
        return f"capacity between {changed['MinCapacity']} and {changed['MaxCapacity']}"

    def _set(self, region: str, target: Document, count: int, cause: str) -> bool:
        """Set a count, and note it; False where it is not taken."""
        scaled = DIMENSIONS[target["ScalableDimension"]]
        names = scaled.names(target["ResourceId"])
        if names is None:
            return False
        self.settle(region)
        description = f"Setting desired {scaled.noun} to {count}."
        try:
            scaled.write(self._clients("sagemaker", region), names, count)
        except (ClientError, BotoCoreError) as error:
            log.warning("%s: %s", target["ResourceId"], error)
            now, said = self._book.clock.epoch(), f"Failed to set desired {scaled.noun} to {count}. Reason: {error}"
            ended = {"StatusCode": "Failed", "StatusMessage": said, "EndTime": now}
            self._book.begin(region, target, description, cause, _count=count, **ended)
            return False
        self._book.begin(
            region,
            target,
            description,
            cause,
            _count=count,
            StatusMessage=f"Successfully set desired {scaled.noun} to {count}. Waiting for change to be fulfilled by sagemaker.",
        )
        return True


def _unfound(value: str, threshold: float) -> str:
    """In the words that others found in their alarms' histories (DFE-Digital/teaching-vacancies#58)."""
    return f"No step adjustment found for metric value {value} and breach threshold {threshold}"


def _wanted(policy: Document, capacity: int, value: float, threshold: float) -> int:
    if policy["PolicyType"] == "StepScaling":
        return stepped(capacity, value - threshold, policy["StepScalingPolicyConfiguration"])
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    return tracked(capacity, value, tracking["TargetValue"], scales_in=not tracking.get("DisableScaleIn", False))


def _cooldowns(policy: Document) -> Cooldowns:
    if policy["PolicyType"] == "StepScaling":
        seconds = policy["StepScalingPolicyConfiguration"].get("Cooldown", COOLDOWN_S)
        return Cooldowns(out=seconds, into=seconds)
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    return Cooldowns(out=tracking.get("ScaleOutCooldown", COOLDOWN_S), into=tracking.get("ScaleInCooldown", COOLDOWN_S))


def _is_suspended(target: Document, *, out: bool) -> bool:
    key = "DynamicScalingOutSuspended" if out else "DynamicScalingInSuspended"
    return bool(target.get("SuspendedState", {}).get(key))
