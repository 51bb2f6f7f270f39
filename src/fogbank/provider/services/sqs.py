"""SQS: a queue, and its policies as resources of their own. What is said of a queue is attributes, all of them strings.

What is updated in place: Terraform's aws_sqs_queue (all but name, name_prefix and fifo_queue), aws_sqs_queue_policy and
aws_sqs_queue_redrive_policy (the policy).
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.attributes import Attributes
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state

ATTRIBUTES = Attributes(
    names={
        "contentBasedDeduplication": "ContentBasedDeduplication",
        "delaySeconds": "DelaySeconds",
        "fifoQueue": "FifoQueue",
        "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
        "kmsMasterKeyId": "KmsMasterKeyId",
        "maxMessageSize": "MaximumMessageSize",
        "messageRetentionSeconds": "MessageRetentionPeriod",
        "policy": "Policy",
        "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
        "redrivePolicy": "RedrivePolicy",
        "sqsManagedSseEnabled": "SqsManagedSseEnabled",
        "visibilityTimeoutSeconds": "VisibilityTimeout",
    }
)
SIZES = {
    "delaySeconds": 0,
    "maxMessageSize": 262144,
    "messageRetentionSeconds": 345600,
    "receiveWaitTimeSeconds": 0,
    "visibilityTimeoutSeconds": 30,
}
"""What pulumi-aws says where the program does not."""


def create_queue(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateQueue; the id is the URL. One that is no FIFO does not say so: SQS refuses `FifoQueue=false`."""
    said = {key: value for key, value in inputs.items() if value is not False or key == "sqsManagedSseEnabled"}
    answer = require(
        session.client("sqs"),
        "CreateQueue",
        QueueName=inputs["name"],
        Attributes=ATTRIBUTES.of({**SIZES, **said}),
        tags=session.settings.tags(inputs.get("tags")),
    )
    return answer["QueueUrl"], _queue_state(row, session, answer["QueueUrl"], inputs)


def read_queue(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetQueueAttributes and ListQueueTags."""
    try:
        attributes = _attributes(session, id_)
        tags = call(session.client("sqs"), "ListQueueTags", QueueUrl=id_).get("Tags", {})
    except GoneError:
        return None
    live = {**ATTRIBUTES.live(row, attributes), "name": id_.rpartition("/")[2]}
    if not inputs:
        live["sqsManagedSseEnabled"] = None  # computed: it is what AWS does anyway
    fresh = row.found(session, inputs, live, tags)
    return fresh, _queue_state(row, session, id_, fresh)


def update_queue(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """SetQueueAttributes, and the tags."""
    sqs = session.client("sqs")
    if changes := ATTRIBUTES.changes(row, old, new):
        _set(session, id_, changes)
    gone, changed = session.settings.tag_changes(old, new)
    if gone:
        require(sqs, "UntagQueue", QueueUrl=id_, TagKeys=gone)
    if changed:
        require(sqs, "TagQueue", QueueUrl=id_, Tags=changed)
    return _queue_state(row, session, id_, new)


def delete_queue(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteQueue."""
    del row, state
    ensure_gone(session.client("sqs"), "DeleteQueue", QueueUrl=id_)


def _attributes(session: Session, url: str) -> dict[str, Any]:
    answer = call(session.client("sqs"), "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    return dict(answer.get("Attributes", {}))


def _queue_state(row: Row, session: Session, url: str, inputs: Properties) -> Properties:
    return {
        **SIZES,
        **inputs,
        "arn": _attributes(session, url)["QueueArn"],
        "url": url,
        **common_state(session, row, inputs),
    }


def put_policy(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """SetQueueAttributes, of the one attribute that the type is; the id is the queue's URL."""
    key, attribute = _own(row)
    _set(session, inputs["queueUrl"], {attribute: inputs[key]})
    return inputs["queueUrl"], {**inputs, **common_state(session, row, inputs)}


def read_policy(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The queue's attribute; a queue without one has no such resource."""
    key, attribute = _own(row)
    try:
        policy = _attributes(session, id_).get(attribute)
    except GoneError:
        return None
    if not policy:
        return None
    fresh = row.found(session, inputs, {"queueUrl": id_, key: policy})
    return fresh, {**fresh, **common_state(session, row, fresh)}


def update_policy(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Put again."""
    del id_, old
    return put_policy(row, session, new)[1]


def delete_policy(row: Row, session: Session, id_: str, state: Properties) -> None:
    """An empty attribute; a queue that is gone has none."""
    del state
    try:
        _attributes(session, id_)
    except GoneError:
        return
    _set(session, id_, {_own(row)[1]: ""})


def _own(row: Row) -> tuple[str, str]:
    """The input and the attribute that a type of one attribute is."""
    [key] = row.policies
    return key, ATTRIBUTES.names[key]


def _set(session: Session, url: str, changes: Properties) -> None:
    """SetQueueAttributes. The policy goes along: moto takes one that is not named for none. Raises ProvisionError."""
    try:
        policy = _attributes(session, url).get("Policy")
    except GoneError as error:
        raise ProvisionError(str(error)) from error
    kept = {"Policy": policy} if policy else {}
    require(session.client("sqs"), "SetQueueAttributes", QueueUrl=url, Attributes={**kept, **changes})


def _of_one(token: str, key: str) -> Row:
    """A type that is one attribute of a queue."""
    return Row(
        token=token,
        service="sqs",
        outputs={},
        policies=frozenset({key}),
        in_place=frozenset({key}),
        only=frozenset({"queueUrl", key}),
        creates=put_policy,
        reads=read_policy,
        updates=update_policy,
        deletes=delete_policy,
    )


ROWS = (
    Row(
        token="aws:sqs/queue:Queue",
        service="sqs",
        computed=("url",),
        auto_name=AutoName(longest=80, fifo_key="fifoQueue"),
        defaults={
            **SIZES,
            "fifoQueue": False,
            "contentBasedDeduplication": False,
            "deduplicationScope": "queue",
            "fifoThroughputLimit": "perQueue",
        },
        policies=frozenset({"policy", "redrivePolicy"}),
        unasked=frozenset({"kmsDataKeyReusePeriodSeconds", "policy", "redrivePolicy", "sqsManagedSseEnabled"}),
        in_place=frozenset(ATTRIBUTES.names) - {"fifoQueue"},
        only=frozenset({"name", *ATTRIBUTES.names}),
        lacks={
            "deduplicationScope": "the local cloud looks for duplicates in the whole queue",
            "fifoThroughputLimit": "the local cloud has no quota of a message group",
            "redriveAllowPolicy": "the local cloud lets any queue send its dead letters here",
        },
        creates=create_queue,
        reads=read_queue,
        updates=update_queue,
        deletes=delete_queue,
    ),
    _of_one("aws:sqs/queuePolicy:QueuePolicy", "policy"),
    _of_one("aws:sqs/redrivePolicy:RedrivePolicy", "redrivePolicy"),
)
