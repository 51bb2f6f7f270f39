"""Whom a bucket tells of its objects: queues, topics, functions, EventBridge. Terraform's aws_s3_bucket_notification: one a bucket, put as a whole."""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.s3_rules import found

NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
KINDS = {
    "lambdaFunctions": ("LambdaFunctionConfigurations", "lambdaFunctionArn", "LambdaFunctionArn"),
    "queues": ("QueueConfigurations", "queueArn", "QueueArn"),
    "topics": ("TopicConfigurations", "topicArn", "TopicArn"),
}
"""By Pulumi's key: the API's member, and the target's ARN in both."""
FILTERS = {"filterPrefix": "prefix", "filterSuffix": "suffix"}


def put(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutBucketNotificationConfiguration; the id is the bucket."""
    told: dict[str, Any] = {
        member: [_member(item, key, arn) for item in inputs[kind]]
        for kind, (member, key, arn) in KINDS.items()
        if inputs.get(kind)
    }
    if inputs.get("eventbridge"):
        told["EventBridgeConfiguration"] = {}
    _put(session, inputs["bucket"], told)
    return inputs["bucket"], {"eventbridge": False, **inputs, **common_state(session, row, inputs)}


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetBucketNotificationConfiguration; a bucket that tells nobody has none, unless the program says just that."""
    answer = found(session, "GetBucketNotificationConfiguration", id_, "")
    if answer is None:
        return None
    live: Properties = {
        kind: [_property(item, key, arn) for item in answer[member]]
        for kind, (member, key, arn) in KINDS.items()
        if answer.get(member)
    }
    if "EventBridgeConfiguration" in answer:
        live["eventbridge"] = True
    if not live and any(inputs.get(key) for key in ("eventbridge", *KINDS)):
        return None
    given = {**inputs, "bucket": id_}
    fresh = {
        **row.refreshed(given, {"eventbridge": False, **{kind: [] for kind in KINDS}, **live}),
        **_new(given, live),
    }
    return fresh, {"eventbridge": False, **fresh, **common_state(session, row, fresh)}


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Put again."""
    del id_, old
    return put(row, session, new)[1]


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """Tell nobody."""
    del row, state
    ensure_gone(session.client("s3"), "PutBucketNotificationConfiguration", Bucket=id_, NotificationConfiguration={})


def _put(session: Session, bucket: str, told: dict[str, Any]) -> None:
    require(session.client("s3"), "PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=told)


def _new(given: Properties, live: Properties) -> Properties:
    """What the bucket tells besides."""
    return {key: value for key, value in live.items() if key not in given}


def _member(item: Properties, key: str, arn: str) -> dict[str, Any]:
    """A target as S3's API has it."""
    rules = [{"Name": name, "Value": item[given]} for given, name in FILTERS.items() if item.get(given)]
    return {
        arn: item[key],
        "Events": list(item["events"]),
        **({"Id": item["id"]} if item.get("id") else {}),
        **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}),
    }


def _property(item: dict[str, Any], key: str, arn: str) -> Properties:
    """A target as pulumi-aws has it."""
    rules = {
        rule["Name"].lower(): rule["Value"] for rule in item.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    }
    filters = {given: rules[name] for given, name in FILTERS.items() if rules.get(name)}
    return {"id": item["Id"], key: item[arn], "events": list(item["Events"]), **filters}


ROWS = (
    Row(
        token=NOTIFICATION,
        service="s3",
        outputs={},
        in_place=frozenset({"eventbridge", *KINDS}),
        only=frozenset({"bucket", "eventbridge", *KINDS}),
        sets=frozenset(f"{kind}[].events" for kind in KINDS),
        creates=put,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
