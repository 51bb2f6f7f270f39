"""Application Auto Scaling: scalable targets of SageMaker's variants, their policies and scheduled actions.

What is updated in place: Terraform's aws_appautoscaling_target (capacities, suspended_state), aws_appautoscaling_policy (policy_type and the
configurations) and aws_appautoscaling_scheduled_action (schedule, timezone, times, scalable_target_action).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, service_model
from fogbank.provider.shapes import UNKNOWN, from_api, to_api

SERVICE, NAMESPACE = "application-autoscaling", "sagemaker"
WHERE = {
    "serviceNamespace": "ServiceNamespace",
    "resourceId": "ResourceId",
    "scalableDimension": "ScalableDimension",
}
BOUNDS = ("metricIntervalLowerBound", "metricIntervalUpperBound")
STEPS = "stepScalingPolicyConfiguration"


def failures(inputs: Properties) -> list[Failure]:
    """A namespace of which the local cloud scales nothing."""
    namespace = inputs.get("serviceNamespace")
    if namespace in {None, NAMESPACE, UNKNOWN}:
        return []
    return [
        Failure("serviceNamespace", f"the local cloud scales nothing of {namespace}; it scales {NAMESPACE}'s variants")
    ]


def create_target(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """RegisterScalableTarget and TagResource; the id is the resource's."""
    _put(row, session, inputs, {})
    state = _target_state(row, session, inputs)
    if tags := session.settings.tags(inputs.get("tags")):  # by themselves: a target that was there keeps its own
        require(session.client(SERVICE), "TagResource", ResourceARN=state["arn"], Tags=tags)
    return inputs["resourceId"], state


def read_target(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeScalableTargets and ListTagsForResource; an import's id is `namespace/resource/dimension`."""
    place = inputs or _target_of(id_)
    target = _target(session, place)
    if target is None:
        return None
    live = _live(row, target, "ScalableTarget")
    arn = target["ScalableTargetARN"]
    tags = require(session.client(SERVICE), "ListTagsForResource", ResourceARN=arn)["Tags"]
    fresh = row.found(session, inputs, live, tags)
    return fresh, _target_state(row, session, {**{key: place[key] for key in WHERE}, **fresh})


def update_target(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """RegisterScalableTarget again, and the tags."""
    del id_
    _put(row, session, new, {})
    state = _target_state(row, session, new)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(session.client(SERVICE), "UntagResource", ResourceARN=state["arn"], TagKeys=gone)
    if come:
        require(session.client(SERVICE), "TagResource", ResourceARN=state["arn"], Tags=come)
    return state


def delete_target(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeregisterScalableTarget."""
    del row
    ensure_gone(session.client(SERVICE), "DeregisterScalableTarget", **_where(state or _target_of(id_)))


def create_named(named: str, row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutScalingPolicy or PutScheduledAction."""
    _put(row, session, inputs, {named: inputs["name"]})
    id_ = (
        inputs["name"]
        if named == "PolicyName"
        else f"{inputs['name']}-{inputs['serviceNamespace']}-{inputs['resourceId']}"
    )
    return id_, _named_state(named, row, session, inputs)


def read_named(
    named: str, row: Row, session: Session, id_: str, inputs: Properties
) -> tuple[Properties, Properties] | None:
    """DescribeScalingPolicies or DescribeScheduledActions; an import's id is `namespace/resource/dimension/name`."""
    place = inputs or _named_of(id_)
    found = _named(named, session, place)
    if found is None:
        return None
    live = _live(row, found, "ScalingPolicy" if named == "PolicyName" else "ScheduledAction")
    fresh = row.found(session, inputs, {**live, "name": place["name"]})
    return fresh, _named_state(named, row, session, {**place, **fresh})


def update_named(named: str, row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """The same call again."""
    del id_, old
    _put(row, session, new, {named: new["name"]})
    return _named_state(named, row, session, new)


def delete_named(named: str, row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteScalingPolicy or DeleteScheduledAction."""
    place = state or _named_of(id_)
    ensure_gone(session.client(SERVICE), row.calls["delete"], **_where(place), **{named: place["name"]})


def _put(row: Row, session: Session, inputs: Properties, more: dict[str, Any]) -> None:
    declared = {key: item for key, item in row.inputs.items() if key not in {"tags", "name", "region"}}
    require(
        session.client(SERVICE), row.calls["create"], **{**to_api(inputs, declared, row.shape("create"), {}), **more}
    )


def _live(row: Row, found: dict[str, Any], shape: str) -> Properties:
    """What is there, under Pulumi's names; bounds of steps are texts, as pulumi-aws has them."""
    declared = {key: item for key, item in row.inputs.items() if key not in {"tags", "name", "region"}}
    live = from_api(found, declared, service_model(SERVICE).shape_for(shape), {})
    for step in (live.get(STEPS) or {}).get("stepAdjustments") or []:
        step.update({key: f"{step[key]:g}" for key in BOUNDS if key in step})
    return {**dict.fromkeys(key for key in declared), **live}


def _where(place: Properties) -> dict[str, str]:
    return {member: place[key] for key, member in WHERE.items()}


def _target_of(id_: str) -> Properties:
    parts = id_.split("/")
    if len(parts) < 3:
        raise ProvisionError(f"{id_} names no scalable target; import it as namespace/resource/dimension")
    return {"serviceNamespace": parts[0], "resourceId": "/".join(parts[1:-1]), "scalableDimension": parts[-1]}


def _named_of(id_: str) -> Properties:
    place, _, name = id_.rpartition("/")
    return {**_target_of(place), "name": name}


def _target(session: Session, place: Properties) -> dict[str, Any] | None:
    asked = {"ServiceNamespace": place["serviceNamespace"], "ResourceIds": [place["resourceId"]]}
    return next(iter(require(session.client(SERVICE), "DescribeScalableTargets", **asked)["ScalableTargets"]), None)


def _named(named: str, session: Session, place: Properties) -> dict[str, Any] | None:
    operation, answer = {
        "PolicyName": ("DescribeScalingPolicies", "ScalingPolicies"),
        "ScheduledActionName": ("DescribeScheduledActions", "ScheduledActions"),
    }[named]
    asked = {"ServiceNamespace": place["serviceNamespace"], "ResourceId": place["resourceId"]}
    found = require(session.client(SERVICE), operation, **asked, **{f"{named}s": [place["name"]]})[answer]
    return next(iter(found), None)


def _target_state(row: Row, session: Session, inputs: Properties) -> Properties:
    target = _target(session, inputs)
    if target is None:
        raise ProvisionError(f"DescribeScalableTargets: there is no {inputs['resourceId']}")
    known = {"arn": target["ScalableTargetARN"], "roleArn": target["RoleARN"]}
    return {**known, **inputs, **common_state(session, row, inputs)}


def _named_state(named: str, row: Row, session: Session, inputs: Properties) -> Properties:
    found = _named(named, session, inputs)
    if found is None:
        raise ProvisionError(f"{row.calls['describe']}: there is no {inputs['name']}")
    known: Properties = {"arn": found.get("PolicyARN") or found.get("ScheduledActionARN")}
    if named == "PolicyName":
        known["alarmArns"] = [alarm["AlarmARN"] for alarm in found.get("Alarms", [])]
    return {**known, **inputs, **common_state(session, row, inputs)}


def _named_row(token: str, named: str, calls: dict[str, str], **more: Any) -> Row:
    return Row(
        token=token,
        service=SERVICE,
        calls=calls,
        checks=failures,
        creates=partial(create_named, named),
        reads=partial(read_named, named),
        updates=partial(update_named, named),
        deletes=partial(delete_named, named),
        renames={"name": named},
        auto_name=AutoName(prefix_key=None, longest=255),
        **more,
    )


ROWS = (
    Row(
        token="aws:appautoscaling/target:Target",
        service=SERVICE,
        calls={"create": "RegisterScalableTarget", "delete": "DeregisterScalableTarget"},
        in_place=frozenset({"maxCapacity", "minCapacity", "suspendedState"}),
        unasked=frozenset({"roleArn", "suspendedState"}),
        checks=failures,
        creates=create_target,
        reads=read_target,
        updates=update_target,
        deletes=delete_target,
    ),
    _named_row(
        "aws:appautoscaling/policy:Policy",
        "PolicyName",
        {"create": "PutScalingPolicy", "describe": "DescribeScalingPolicies", "delete": "DeleteScalingPolicy"},
        computed=("alarmArns",),
        defaults={"policyType": "StepScaling"},
        in_place=frozenset({"policyType", STEPS, "targetTrackingScalingPolicyConfiguration"}),
    ),
    _named_row(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "ScheduledActionName",
        {"create": "PutScheduledAction", "describe": "DescribeScheduledActions", "delete": "DeleteScheduledAction"},
        defaults={"timezone": "UTC"},
        in_place=frozenset({"schedule", "timezone", "startTime", "endTime", "scalableTargetAction"}),
    ),
)
