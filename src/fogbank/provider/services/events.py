"""EventBridge: a bus, a rule and a target of it. pulumi-aws has them in its module `cloudwatch`.

What is updated in place: Terraform's aws_cloudwatch_event_rule (all but name, name_prefix and event_bus_name) and
aws_cloudwatch_event_target (all but rule, target_id and event_bus_name).
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, Tagging, common_state, pairs
from fogbank.provider.shapes import UNKNOWN, from_api, to_api

RULE = {
    "name": "Name", "description": "Description", "eventPattern": "EventPattern", "roleArn": "RoleArn",
    "scheduleExpression": "ScheduleExpression",
}  # fmt: skip
STATES = ("ENABLED", "DISABLED")
TARGET = frozenset(
    {"arn", "roleArn", "input", "inputPath", "inputTransformer", "sqsTarget", "retryPolicy", "deadLetterConfig"}
)
REACHED = frozenset({"lambda", "logs", "sns", "sqs"})
"""The services whose targets the local cloud sends events to, beside other event buses."""
RENAMES = {"sqsTarget": "SqsParameters", "inputPaths": "InputPathsMap"}


def _bus(inputs: Properties) -> str:
    return str(inputs.get("eventBusName") or "default")


def rule_failures(inputs: Properties) -> list[Failure]:
    """Neither a pattern nor a schedule, a pattern that is none, or a state that the local cloud does not know."""
    text, state = inputs.get("eventPattern"), inputs.get("state")
    if state not in (None, UNKNOWN, *STATES):
        return [Failure("state", f"the local cloud has no calls of CloudTrail; its rules are {' or '.join(STATES)}")]
    if text is None and inputs.get("scheduleExpression") is None:
        return [Failure("eventPattern", "is required where there is no scheduleExpression")]
    if text in (None, UNKNOWN):
        return []
    try:
        json.loads(text)
    except ValueError as error:
        return [Failure("eventPattern", f"is not JSON: {error}")]
    return []


def create_rule(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutRule; the id is the name, after its bus where that is not the default one."""
    _put_rule(session, inputs, {"Tags": pairs(session.settings.tags(inputs.get("tags")))})
    bus = _bus(inputs)
    id_ = inputs["name"] if bus == "default" else f"{bus}/{inputs['name']}"
    return id_, _rule_state(row, session, inputs, _rule(session, bus, inputs["name"]))


def read_rule(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeRule and ListTagsForResource."""
    bus, _, name = id_.rpartition("/")
    bus = bus or "default"
    try:
        rule = _rule(session, bus, name)
    except GoneError:
        return None
    tags = require(session.client("events"), "ListTagsForResource", ResourceARN=rule["Arn"])["Tags"]
    live = {key: rule.get(member) for key, member in RULE.items()}
    live = {**live, "eventBusName": bus, "state": rule["State"], "isEnabled": rule["State"] != "DISABLED"}
    del live["state" if "isEnabled" in inputs else "isEnabled"]
    fresh = row.found(session, inputs, live, {tag["Key"]: tag["Value"] for tag in tags})
    return fresh, _rule_state(row, session, fresh, rule)


def update_rule(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """PutRule again, and the tags."""
    del id_
    events = session.client("events")
    _put_rule(session, new, {})
    rule = _rule(session, _bus(new), new["name"])
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(events, "UntagResource", ResourceARN=rule["Arn"], TagKeys=gone)
    if come:
        require(events, "TagResource", ResourceARN=rule["Arn"], Tags=pairs(come))
    return _rule_state(row, session, new, rule)


def delete_rule(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteRule."""
    del row, state
    bus, _, name = id_.rpartition("/")
    ensure_gone(session.client("events"), "DeleteRule", Name=name, EventBusName=bus or "default")


def _put_rule(session: Session, inputs: Properties, more: dict[str, Any]) -> None:
    said = {member: inputs[key] for key, member in RULE.items() if inputs.get(key)}
    state = "DISABLED" if inputs.get("isEnabled") is False else inputs.get("state") or "ENABLED"
    require(session.client("events"), "PutRule", EventBusName=_bus(inputs), State=state, **said, **more)


def _rule(session: Session, bus: str, name: str) -> dict[str, Any]:
    return dict(call(session.client("events"), "DescribeRule", Name=name, EventBusName=bus))


def _rule_state(row: Row, session: Session, inputs: Properties, rule: dict[str, Any]) -> Properties:
    defaults = {"eventBusName": "default", "state": rule["State"]}
    return {**defaults, **inputs, "arn": rule["Arn"], **common_state(session, row, inputs)}


def target_failures(inputs: Properties) -> list[Failure]:
    """A target that the local cloud sends no events to."""
    parts = str(inputs.get("arn") or "").split(":", 5)
    if len(parts) < 6:
        return []
    if parts[2] not in REACHED and not (parts[2] == "events" and parts[5].startswith("event-bus/")):
        return [
            Failure(
                "arn",
                f"the local cloud sends no events to {parts[2]}; to queues, topics, log groups, functions and event buses",
            )
        ]
    return []


def put_target(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutTargets; the id is `rule-target`, after its bus where that is not the default one."""
    shape = row.shape("create").members["Targets"].member
    declared = {key: item for key, item in row.inputs.items() if key in TARGET}
    target = {"Id": inputs["targetId"], **to_api(inputs, declared, shape, RENAMES)}
    events, bus = session.client("events"), _bus(inputs)
    answer = require(events, "PutTargets", Rule=inputs["rule"], EventBusName=bus, Targets=[target])
    if answer["FailedEntryCount"]:
        raise ProvisionError(f"PutTargets: {answer['FailedEntries']}")
    id_ = f"{inputs['rule']}-{inputs['targetId']}"
    return id_ if bus == "default" else f"{bus}-{id_}", _target_state(row, session, inputs)


def read_target(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """ListTargetsByRule; an import's id is `rule/target` or `bus/rule/target`."""
    given = inputs or _place(id_)
    try:
        target = _target(session, given)
    except GoneError:
        return None
    if target is None:
        return None
    declared = {key: item for key, item in row.inputs.items() if key in TARGET}
    live = from_api(target, declared, row.shape("create").members["Targets"].member, RENAMES)
    where = {"rule": given["rule"], "targetId": given["targetId"], "eventBusName": _bus(given)}
    fresh = row.found(session, inputs, {**dict.fromkeys(TARGET), **live, **where})
    return fresh, _target_state(row, session, fresh)


def update_target(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """PutTargets again."""
    del id_, old
    return put_target(row, session, new)[1]


def delete_target(row: Row, session: Session, id_: str, state: Properties) -> None:
    """RemoveTargets."""
    del row
    place = state or _place(id_)
    events, ids = session.client("events"), [place["targetId"]]
    ensure_gone(events, "RemoveTargets", Rule=place["rule"], EventBusName=_bus(place), Ids=ids)


def _place(id_: str) -> Properties:
    parts = id_.rsplit("/", 2)
    if len(parts) < 2:
        raise ProvisionError(f"{id_} names no target of a rule; import it as rule/target or bus/rule/target")
    return {"eventBusName": "/".join(parts[:-2]) or "default", "rule": parts[-2], "targetId": parts[-1]}


def _target(session: Session, place: Properties) -> dict[str, Any] | None:
    """A rule's target; of these it has a few, and seldom more than a page."""
    request = {"Rule": place["rule"], "EventBusName": _bus(place)}
    while True:
        page = call(session.client("events"), "ListTargetsByRule", **request)
        found: dict[str, Any] | None = next((each for each in page["Targets"] if each["Id"] == place["targetId"]), None)
        if found or not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]


def _target_state(row: Row, session: Session, inputs: Properties) -> Properties:
    return {"eventBusName": "default", **inputs, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token="aws:cloudwatch/eventBus:EventBus",
        service="events",
        calls={"create": "CreateEventBus", "describe": "DescribeEventBus", "delete": "DeleteEventBus"},
        identity={"Name": "name"},
        auto_name=AutoName(prefix_key=None, longest=256),
        only=frozenset({"name", "description"}),
        lacks={
            "deadLetterConfig": "the local cloud sends what a target does not take to the target's own queue",
            "eventSourceName": "the local cloud has no partners' events",
            "kmsKeyIdentifier": "the local cloud keeps no events",
            "logConfig": "the local cloud writes no log of a bus",
        },
        tags=Tagging.EVENTS,
    ),
    Row(
        token="aws:cloudwatch/eventRule:EventRule",
        service="events",
        auto_name=AutoName(longest=64),
        defaults={"eventBusName": "default", "description": "", "state": "ENABLED"},
        policies=frozenset({"eventPattern"}),
        in_place=frozenset(
            {"description", "eventPattern", "roleArn", "state", "isEnabled", "scheduleExpression", "forceDestroy"}
        ),
        only=frozenset({*RULE, "eventBusName", "state", "isEnabled"}),
        checks=rule_failures,
        creates=create_rule,
        reads=read_rule,
        updates=update_rule,
        deletes=delete_rule,
    ),
    Row(
        token="aws:cloudwatch/eventTarget:EventTarget",
        service="events",
        calls={"create": "PutTargets"},
        outputs={},
        auto_name=AutoName(key="targetId", prefix_key=None, longest=64),
        defaults={"eventBusName": "default"},
        in_place=TARGET,
        only=TARGET | {"rule", "targetId", "eventBusName"},
        checks=target_failures,
        creates=put_target,
        reads=read_target,
        updates=update_target,
        deletes=delete_target,
    ),
)
