"""Step Functions: a state machine. The local cloud keeps it and does not run it: an execution is refused by its name.

What is updated in place: Terraform's aws_sfn_state_machine (all but name, name_prefix and type).
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.shapes import UNKNOWN

MACHINE = "aws:sfn/stateMachine:StateMachine"
MEMBERS = {"definition": "definition", "roleArn": "roleArn", "type": "type"}
NOT_RUN = "the local cloud keeps state machines and does not run them"


def failures(inputs: Properties) -> list[Failure]:
    """A definition that is no machine: States Language wants StartAt, and States that have it."""
    text = inputs.get("definition")
    if text in (None, UNKNOWN):
        return []
    try:
        document = json.loads(str(text))
    except ValueError as error:
        return [Failure("definition", f"is not JSON: {error}")]
    states = document.get("States") if isinstance(document, dict) else None
    if not isinstance(states, dict) or document.get("StartAt") not in states:
        return [Failure("definition", "must have StartAt, the name of one of its States")]
    unknown = sorted(
        {
            str(state["Next"])
            for state in states.values()
            if isinstance(state, dict) and state.get("Next") not in (None, *states)
        }
    )
    return [Failure("definition", f"goes on to {', '.join(unknown)}, which is none of its States")] if unknown else []


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateStateMachine; the id is the ARN."""
    tags = [{"key": key, "value": value} for key, value in session.settings.tags(inputs.get("tags")).items()]
    given = {member: inputs[key] for key, member in MEMBERS.items() if inputs.get(key)}
    machines = session.client("stepfunctions")
    made = require(machines, "CreateStateMachine", name=inputs["name"], **given, **({"tags": tags} if tags else {}))
    return made["stateMachineArn"], _state(row, session, made["stateMachineArn"], inputs)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeStateMachine and ListTagsForResource."""
    machines = session.client("stepfunctions")
    try:
        found = call(machines, "DescribeStateMachine", stateMachineArn=id_)
    except GoneError:
        return None
    live: dict[str, Any] = {"name": found["name"], **{key: found.get(member) for key, member in MEMBERS.items()}}
    tags = require(machines, "ListTagsForResource", resourceArn=id_)["tags"]
    fresh = row.found(session, inputs, live, {tag["key"]: tag["value"] for tag in tags})
    return fresh, _state(row, session, id_, fresh)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateStateMachine, and the tags."""
    machines = session.client("stepfunctions")
    if {"definition", "roleArn"} & {*row.diff(old, new).changed}:
        said = {"definition": new["definition"], "roleArn": new["roleArn"]}
        require(machines, "UpdateStateMachine", stateMachineArn=id_, **said)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(machines, "UntagResource", resourceArn=id_, tagKeys=gone)
    if come:
        tags = [{"key": key, "value": value} for key, value in come.items()]
        require(machines, "TagResource", resourceArn=id_, tags=tags)
    return _state(row, session, id_, new)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteStateMachine."""
    del row, state
    ensure_gone(session.client("stepfunctions"), "DeleteStateMachine", stateMachineArn=id_)


def _state(row: Row, session: Session, id_: str, inputs: Properties) -> Properties:
    found = require(session.client("stepfunctions"), "DescribeStateMachine", stateMachineArn=id_)
    computed = {"arn": id_, "status": found.get("status", "ACTIVE"), "creationDate": found["creationDate"].isoformat()}
    return {"type": "STANDARD", **inputs, **computed, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token=MACHINE,
        service="stepfunctions",
        computed=("status", "creationDate"),
        auto_name=AutoName(longest=80),
        defaults={"type": "STANDARD", "publish": False},
        in_place=frozenset({"definition", "roleArn"}),
        only=frozenset({"name", "definition", "roleArn", "type"}),
        lacks=dict.fromkeys(
            ("encryptionConfiguration", "loggingConfiguration", "tracingConfiguration", "publish"), NOT_RUN
        ),
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
