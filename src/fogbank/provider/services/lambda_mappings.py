"""Lambda: an event source mapping, by which a function gets a queue's messages.

What is updated in place: Terraform's aws_lambda_event_source_mapping (all but event_source_arn and where a stream starts).
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import Failure, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.lambda_code import plain
from fogbank.provider.shapes import UNKNOWN

FILLED = frozenset({"batchSize", "enabled", "functionName", "functionResponseTypes"})
COMPUTED = {
    "arn": "EventSourceMappingArn",
    "functionArn": "FunctionArn",
    "lastProcessingResult": "LastProcessingResult",
    "state": "State",
    "stateTransitionReason": "StateTransitionReason",
    "uuid": "UUID",
}
QUEUES = "the local cloud gives functions the messages of queues alone"


def failures(inputs: Properties) -> list[Failure]:
    """A source that is no queue."""
    source = inputs.get("eventSourceArn")
    if source == UNKNOWN or ":sqs:" in str(source):
        return []
    return [Failure("eventSourceArn", "is required" if source is None else QUEUES)]


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateEventSourceMapping; the id is its UUID."""
    tags = session.settings.tags(inputs.get("tags"))
    request = {"EventSourceArn": inputs["eventSourceArn"], "Tags": tags, **_filled(inputs)}
    found = require(session.client("lambda"), "CreateEventSourceMapping", **request)
    return found["UUID"], _state(row, session, inputs, found)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetEventSourceMapping and ListTags."""
    client = session.client("lambda")
    try:
        found = call(client, "GetEventSourceMapping", UUID=id_)
        tags = call(client, "ListTags", Resource=found["EventSourceMappingArn"]).get("Tags", {})
    except GoneError:
        return None
    given, arn = inputs.get("functionName"), found["FunctionArn"]
    same = given is not None and plain(str(given)) == plain(arn)
    live = {
        "functionName": given if same else arn,
        "eventSourceArn": found["EventSourceArn"],
        "batchSize": found["BatchSize"],
        "enabled": found["State"] not in {"Disabled", "Disabling"},
        "functionResponseTypes": found.get("FunctionResponseTypes") or None,
    }
    fresh = row.found(session, inputs, live, tags)
    return fresh, _state(row, session, fresh, found)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateEventSourceMapping, and the tags."""
    client = session.client("lambda")
    found = require(client, "UpdateEventSourceMapping", UUID=id_, **{"FunctionResponseTypes": [], **_filled(new)})
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(client, "UntagResource", Resource=found["EventSourceMappingArn"], TagKeys=gone)
    if come:
        require(client, "TagResource", Resource=found["EventSourceMappingArn"], Tags=come)
    return _state(row, session, new, found)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteEventSourceMapping."""
    del row, state
    ensure_gone(session.client("lambda"), "DeleteEventSourceMapping", UUID=id_)


def _filled(inputs: Properties) -> dict[str, Any]:
    said: dict[str, Any] = {"FunctionName": inputs["functionName"], "Enabled": inputs.get("enabled") is not False}
    if inputs.get("batchSize") is not None:
        said["BatchSize"] = int(inputs["batchSize"])
    if inputs.get("functionResponseTypes"):
        said["FunctionResponseTypes"] = inputs["functionResponseTypes"]
    return said


def _state(row: Row, session: Session, inputs: Properties, found: dict[str, Any]) -> Properties:
    computed = {key: found[member] for key, member in COMPUTED.items() if member in found}
    return {"batchSize": found["BatchSize"], **inputs, **computed, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token="aws:lambda/eventSourceMapping:EventSourceMapping",
        service="lambda",
        outputs=COMPUTED,
        defaults={"enabled": True},
        sets=frozenset({"functionResponseTypes"}),
        in_place=FILLED,
        unasked=frozenset({"batchSize"}),
        only=frozenset({*FILLED, "eventSourceArn"}),
        lacks={
            "filterCriteria": "the local cloud's mappings give a function every message",
            "kmsKeyArn": "the local cloud's mappings have no filters to encrypt",
            "maximumBatchingWindowInSeconds": "the local cloud's mappings wait for no more messages",
            "scalingConfig": "the local cloud's mappings have one poller",
            "startingPosition": QUEUES,
        },
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
