"""What scales steps aside while an endpoint moves: SageMaker updates no variant that is a scalable target to another instance type, and takes
none away (Developer Guide, "Update endpoints that use auto scaling").

In: the endpoint's variants that change; out: while the block runs they are no targets, and afterwards those that are there are registered as
before, with their policies and scheduled actions. Alarms of one's own that act by a policy follow it to its new ARN. Until then the endpoint's
tags say what they were, so that the next run registers what a killed one has left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.scaled_notes import Notes, may_not

NAMESPACE = {"ServiceNamespace": "sagemaker"}
WHICH = ("ServiceNamespace", "ResourceId", "ScalableDimension")
TARGET = (*WHICH, "MinCapacity", "MaxCapacity", "SuspendedState")
ITS_OWN = frozenset({"Alarms", "ScheduledActionARN", "CreationTime"})
"""What Application Auto Scaling itself says of a policy or a scheduled action; a policy's ARN is what alarms know it by."""
OF_ALARMS = frozenset(
    {
        "AlarmArn", "AlarmConfigurationUpdatedTimestamp", "EvaluationState", "StateReason", "StateReasonData", "StateTransitionedTimestamp",
        "StateUpdatedTimestamp", "StateValue",
    }
)  # fmt: skip
"""What CloudWatch itself says of an alarm."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A scalable target with what goes with it, as the calls that make them take it. `alarms` are those of step policies, which nobody deletes."""

    target: Properties
    tags: Properties
    policies: list[Properties]
    scheduled: list[Properties]
    alarms: list[Properties]

    @property
    def which(self) -> Properties:
        """What the calls know it by."""
        return {key: self.target[key] for key in WHICH}

    @property
    def variant(self) -> str:
        """The variant's name."""
        return str(self.target["ResourceId"]).rpartition("/")[2]


@dataclass(frozen=True)
class Targets:
    """The scalable targets of an account's endpoints; `clients` makes boto3 clients by service."""

    clients: Callable[[str], Any]

    @contextmanager
    def aside(self, endpoint: str, variants: Collection[str], live: Callable[[], Collection[str]]) -> Iterator[None]:
        """While the block runs, these variants are no targets; `live` says afterwards which variants there are. However it ends, they are
        registered again, with those that an earlier run has left. Raises ProvisionError."""
        notes = self._notes(endpoint)
        left = [Target(**noted) for noted in notes.kept()]  # first: a run that was killed may have registered a half
        known = [each.which for each in left]
        found = [each for each in self._found(endpoint, variants) if each.which not in known] if variants else []
        if found:
            notes.keep([asdict(each) for each in (*left, *found)])
        try:
            for each in (*left, *found):
                if each.variant in variants:
                    ensure_gone(self._scaling, "DeregisterScalableTarget", **each.which)
            yield
        except BaseException as error:
            if refused := self._registered_again([*left, *found], notes, live):
                if isinstance(error, ProvisionError):
                    raise ProvisionError(f"{error}; and {refused}") from error
                error.add_note(refused)
            raise
        if refused := self._registered_again([*left, *found], notes, live):
            raise ProvisionError(refused)

    def left(self, endpoint: str) -> bool:
        """Whether an earlier run has left what it has not registered again. Raises ProvisionError."""
        return bool(self._notes(endpoint).kept())

    def _notes(self, endpoint: str) -> Notes:
        return Notes(self.clients("sagemaker"), endpoint)

    @property
    def _scaling(self) -> Any:
        return self.clients("application-autoscaling")

    def _found(self, endpoint: str, variants: Collection[str]) -> list[Target]:
        """Those that are registered. Who may not ask has registered none: the update says the rest."""
        ids = [f"endpoint/{endpoint}/variant/{name}" for name in sorted(variants)]
        try:
            targets = _all(self._scaling, "DescribeScalableTargets", "ScalableTargets", **NAMESPACE, ResourceIds=ids)
        except ProvisionError as error:
            if may_not(error):
                return []
            raise
        return [self._whole(target) for target in targets]

    def _whole(self, target: Properties) -> Target:
        which = {key: target[key] for key in WHICH}
        policies = _all(self._scaling, "DescribeScalingPolicies", "ScalingPolicies", **which)
        scheduled = _all(self._scaling, "DescribeScheduledActions", "ScheduledActions", **which)
        arn = target.get("ScalableTargetARN")
        tags = require(self._scaling, "ListTagsForResource", ResourceARN=arn)["Tags"] if arn else {}
        stepped = [policy["PolicyARN"] for policy in policies if policy["PolicyType"] == "StepScaling"]
        cloudwatch = self.clients("cloudwatch")
        alarms = [
            _own(alarm, OF_ALARMS)
            for policy in stepped
            for alarm in _all(cloudwatch, "DescribeAlarms", "MetricAlarms", ActionPrefix=policy)
        ]
        return Target(
            target={key: target[key] for key in TARGET if key in target},
            tags=dict(tags),
            policies=[_own(policy, ITS_OWN) for policy in policies],
            scheduled=[_own(action, ITS_OWN) for action in scheduled],
            alarms=alarms,
        )

    def _registered_again(self, wanted: Collection[Target], notes: Notes, live: Callable[[], Collection[str]]) -> str:
        """Register again what is there still, one whatever becomes of another; what was refused, or nothing, and then it is noted no more."""
        if not wanted:
            return ""
        refused = list[str]()
        try:
            there = live()
        except ProvisionError as error:
            return f"what scaled is not registered again: {error}; the next `up` tries it again"
        for each in wanted:
            if each.variant in there:
                refused += self._register(each)
        if not refused:
            try:
                notes.drop()
            except ProvisionError as error:
                return f"what scaled is registered again, and the endpoint's tags still say that it is not: {error}"
            return ""
        return f"what scaled is not registered again: {'; '.join(refused)}; the next `up` tries it again"

    def _register(self, each: Target) -> list[str]:
        """What was refused of a target and what goes with it."""
        refused = list[str]()

        def tried(client: Any, operation: str, **arguments: Any) -> Properties:
            try:
                return dict(require(client, operation, **arguments))
            except ProvisionError as error:
                refused.append(f"{each.variant}: {error}")
                return {}

        tags = {"Tags": each.tags} if each.tags else {}
        if not tried(self._scaling, "RegisterScalableTarget", **each.target, **tags) and refused:
            return refused  # nothing else is put on what is no target
        arns = {
            policy["PolicyARN"]: tried(self._scaling, "PutScalingPolicy", **_own(policy, {"PolicyARN"})).get(
                "PolicyARN"
            )
            for policy in each.policies
        }
        for action in each.scheduled:
            tried(self._scaling, "PutScheduledAction", **action)
        for alarm in each.alarms:
            if (followed := _followed(alarm, arns)) != alarm:
                tried(self.clients("cloudwatch"), "PutMetricAlarm", **followed)
        return refused


def _followed(alarm: Properties, arns: Properties) -> Properties:
    """An alarm that acts by the policies under the ARNs that they have now."""
    kinds = [kind for kind in ("AlarmActions", "OKActions", "InsufficientDataActions") if kind in alarm]
    return {**alarm, **{kind: [arns.get(arn) or arn for arn in alarm[kind]] for kind in kinds}}


def _all(client: Any, operation: str, member: str, **asked: Any) -> list[Properties]:
    """The members of all pages. Raises ProvisionError."""
    found, page = list[Properties](), Properties()
    while True:
        answer = require(client, operation, **asked, **page)
        found += answer[member]
        if not answer.get("NextToken"):
            return found
        page = {"NextToken": answer["NextToken"]}


def _own(document: Properties, noted: Collection[str]) -> Properties:
    """What a Put call takes of what a Describe call says."""
    return {key: value for key, value in document.items() if key not in noted and value not in (None, [], "")}
