"""What scales steps aside while an endpoint moves: SageMaker updates no variant that is a scalable target to another instance type, and takes
none away (Developer Guide, "Update endpoints that use auto scaling").

In: the endpoint's variants that change; out: while the block runs they are no targets, and afterwards those that are there are registered as
before, with their policies and scheduled actions. Alarms of one's own that act by a policy follow it to its new ARN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from fogbank.provider.calls import call, ensure_gone, require
from fogbank.provider.resource import Properties, ProvisionError

NAMESPACE = {"ServiceNamespace": "sagemaker"}
WHICH = ("ServiceNamespace", "ResourceId", "ScalableDimension")
TARGET = (*WHICH, "MinCapacity", "MaxCapacity", "SuspendedState")
NOTED = frozenset({"PolicyARN", "Alarms", "ScheduledActionARN", "CreationTime"})
"""What Application Auto Scaling itself says of a policy or a scheduled action."""
OF_ALARMS = frozenset(
    {
        "AlarmArn", "AlarmConfigurationUpdatedTimestamp", "EvaluationState", "StateReason", "StateReasonData", "StateTransitionedTimestamp",
        "StateUpdatedTimestamp", "StateValue",
    }
)  # fmt: skip
"""What CloudWatch itself says of an alarm."""
MAY_NOT = frozenset({"AccessDeniedException", "AccessDenied"})


@dataclass(frozen=True, kw_only=True)
class Target:
    """A scalable target with what goes with it. `alarms` are those of step policies, which nobody deletes."""

    target: Properties
    tags: Properties
    policies: tuple[Properties, ...]
    scheduled: tuple[Properties, ...]
    alarms: tuple[Properties, ...]

    @property
    def which(self) -> Properties:
        """What the calls know it by."""
        return {key: self.target[key] for key in WHICH}


@dataclass(frozen=True)
class Targets:
    """The scalable targets of an account's endpoints; `clients` makes boto3 clients by service."""

    clients: Callable[[str], Any]

    @contextmanager
    def aside(self, endpoint: str, variants: Collection[str], live: Callable[[], Collection[str]]) -> Iterator[None]:
        """While the block runs, these variants are no targets; `live` says afterwards which variants there are. Raises ProvisionError."""
        found = self._found(endpoint, variants) if variants else []
        for each in found:
            ensure_gone(self._scaling, "DeregisterScalableTarget", **each.which)
        try:
            yield
        except ProvisionError as error:
            try:
                self._register(found, live)
            except ProvisionError as second:
                raise ProvisionError(f"{error}; and what scaled is not registered again: {second}") from error
            raise
        self._register(found, live)

    @property
    def _scaling(self) -> Any:
        return self.clients("application-autoscaling")

    def _found(self, endpoint: str, variants: Collection[str]) -> list[Target]:
        """Those that are registered. Who may not ask has registered none: the update says the rest."""
        ids = [f"endpoint/{endpoint}/variant/{name}" for name in sorted(variants)]
        try:
            answer = call(self._scaling, "DescribeScalableTargets", **NAMESPACE, ResourceIds=ids)
        except ProvisionError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and cause.response["Error"]["Code"] in MAY_NOT:
                return []
            raise
        return [self._whole(target) for target in answer["ScalableTargets"]]

    def _whole(self, target: Properties) -> Target:
        which = {key: target[key] for key in WHICH}
        policies = require(self._scaling, "DescribeScalingPolicies", **which)["ScalingPolicies"]
        scheduled = require(self._scaling, "DescribeScheduledActions", **which)["ScheduledActions"]
        arn = target.get("ScalableTargetARN")
        tags = require(self._scaling, "ListTagsForResource", ResourceARN=arn)["Tags"] if arn else {}
        stepped = [policy["PolicyARN"] for policy in policies if policy["PolicyType"] == "StepScaling"]
        cloudwatch = self.clients("cloudwatch")
        alarms = [
            alarm
            for policy in stepped
            for alarm in require(cloudwatch, "DescribeAlarms", ActionPrefix=policy)["MetricAlarms"]
        ]
        return Target(
            target=target, tags=tags, policies=tuple(policies), scheduled=tuple(scheduled), alarms=tuple(alarms)
        )

    def _register(self, found: Collection[Target], live: Callable[[], Collection[str]]) -> None:
        """Register again what is there still."""
        there = live() if found else ()
        for each in found:
            if str(each.target["ResourceId"]).rpartition("/")[2] not in there:
                continue
            known = {key: each.target[key] for key in TARGET if key in each.target}
            require(
                self._scaling, "RegisterScalableTarget", **known, **({"Tags": dict(each.tags)} if each.tags else {})
            )
            arns = {str(policy["PolicyARN"]): self._put(policy) for policy in each.policies}
            for action in each.scheduled:
                require(self._scaling, "PutScheduledAction", **_own(action, NOTED))
            for alarm in each.alarms:
                self._follow(alarm, arns)

    def _put(self, policy: Properties) -> str:
        return str(require(self._scaling, "PutScalingPolicy", **_own(policy, NOTED))["PolicyARN"])

    def _follow(self, alarm: Properties, arns: Properties) -> None:
        """An alarm acts by the policy under the ARN that it has now."""
        actions = {
            key: [arns.get(arn, arn) for arn in alarm.get(key, [])]
            for key in ("AlarmActions", "OKActions", "InsufficientDataActions")
        }
        if any(actions[key] != alarm.get(key, []) for key in actions):
            require(self.clients("cloudwatch"), "PutMetricAlarm", **_own({**alarm, **actions}, OF_ALARMS))


def _own(document: Properties, noted: Collection[str]) -> Properties:
    """What a Put call takes of what a Describe call says."""
    return {key: value for key, value in document.items() if key not in noted and value not in (None, [], "")}
