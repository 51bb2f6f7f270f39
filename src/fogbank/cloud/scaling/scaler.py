"""Carries out scaling: a variant gets another count by UpdateEndpointWeightsAndCapacities, as anybody would give it, and it is noted.

In: an alarm's action, a schedule's moment, new limits; out: a count, an activity, and real instances, which hosting starts and stops.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.alarms.changes import Action
from fogbank.cloud.ground.store import Document
from fogbank.cloud.scaling.adjustment import COOLDOWN_S, Cooldowns, Last, cooled, stepped, tracked, within
from fogbank.cloud.scaling.book import POLICY, SCHEDULED, Book
from fogbank.cloud.time.expressions import due
from fogbank.cloud.time.schedule import INSTANT, moment_of
from fogbank.cloud.time.timeline import Due

log = logging.getLogger("fogbank.cloud")
RESOURCE = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
LAST = "_last"
"""Where a target's document has its last activity that a policy began."""
Clients = Callable[[str, str], Any]


class Scaler:
    """Scales variants; `clients` makes boto3 clients of the cloud itself."""

    def __init__(self, book: Book, clients: Clients) -> None:
        self._book, self._clients = book, clients

    def act(self, action: Action) -> str | None:
        """What an alarm's action of a scaling policy does; in a sentence, or None where nothing is to be done."""
        region = action.arn.split(":")[3]
        policy = next((each for _, each in self._book.named(POLICY, region) if each["PolicyARN"] == action.arn), None)
        target = self._book.target(region, policy["ResourceId"]) if policy else None
        variant = self.variant(region, target["ResourceId"]) if target else None
        if policy is None or target is None or variant is None or action.value is None:
            return None
        now, capacity = self._book.clock.epoch(), int(variant["DesiredInstanceCount"])
        last = Last(**target[LAST]) if LAST in target else None
        bases = {capacity, last.before if last else capacity}
        limits = (target["MinCapacity"], target["MaxCapacity"])
        threshold = action.after.document["Threshold"]
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
        return f"Setting desired instance count to {count}."

    def enforce(self, region: str, target: Document, cause: str = "") -> None:
        """Let a variant that has too few instances, or too many, have as many as its limits allow."""
        variant = self.variant(region, target["ResourceId"])
        if variant is None:
            return
        capacity = int(variant["DesiredInstanceCount"])
        count = within(capacity, target["MinCapacity"], target["MaxCapacity"])
        if count != capacity:
            which = "minimum" if count > capacity else "maximum"
            self._set(region, target, count, f"{which} capacity was set to {count}{cause}")

    def variant(self, region: str, resource: str) -> Document | None:
        """A variant as DescribeEndpoint says it, and the fewest instances that it may have; None where there is none."""
        match = RESOURCE.fullmatch(resource)
        if match is None:
            return None
        try:
            endpoint = self._clients("sagemaker", region).describe_endpoint(EndpointName=match["endpoint"])
        except (ClientError, BotoCoreError):
            return None
        variants = endpoint.get("ProductionVariants", [])
        found: Document | None = next((each for each in variants if each["VariantName"] == match["variant"]), None)
        facts = {"EndpointStatus": endpoint["EndpointStatus"], "Changed": endpoint["LastModifiedTime"].timestamp()}
        least = {"LeastCount": 0 if endpoint.get("AsyncInferenceConfig") else 1}
        return {**found, **facts, **least} if found else None

    def settle(self, region: str | None = None) -> None:
        """Note what has become of activities that were in progress."""
        for at, key, activity in self._book.activities(region):
            if activity["StatusCode"] != "InProgress":
                continue
            variant = self.variant(at, activity["ResourceId"])
            if variant is not None and variant["EndpointStatus"] != "InService":
                continue
            count = activity["_count"]
            came = variant is not None and variant["CurrentInstanceCount"] == count
            status = "Successful" if came else "Failed"
            said = "Successfully set" if came else "Failed to set"
            end = "Change successfully fulfilled by sagemaker." if came else "The endpoint did not get that count."
            message = f"{said} desired instance count to {count}. {end}"
            ended = variant["Changed"] if variant is not None else self._book.clock.epoch()
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
        target = self._book.target(region, resource)
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
        """Set a count, and note it; False where the endpoint does not take it."""
        match = RESOURCE.fullmatch(target["ResourceId"])
        if match is None:
            return False
        self.settle(region)
        wanted = {"VariantName": match["variant"], "DesiredInstanceCount": count}
        description = f"Setting desired instance count to {count}."
        try:
            self._clients("sagemaker", region).update_endpoint_weights_and_capacities(
                EndpointName=match["endpoint"], DesiredWeightsAndCapacities=[wanted]
            )
        except (ClientError, BotoCoreError) as error:
            log.warning("%s: %s", target["ResourceId"], error)
            now, said = self._book.clock.epoch(), f"Failed to set desired instance count to {count}. Reason: {error}"
            ended = {"StatusCode": "Failed", "StatusMessage": said, "EndTime": now}
            self._book.begin(region, target, description, cause, _count=count, **ended)
            return False
        self._book.begin(
            region,
            target,
            description,
            cause,
            _count=count,
            StatusMessage=f"Successfully set desired instance count to {count}. Waiting for change to be fulfilled by sagemaker.",
        )
        return True


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
