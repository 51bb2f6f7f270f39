"""SNS: a topic, its policy as a resource of its own, and a subscription. What is said of them is attributes, all of them strings.

What is updated in place: Terraform's aws_sns_topic (all but name, name_prefix and fifo_topic), aws_sns_topic_policy (policy) and
aws_sns_topic_subscription (all but endpoint, protocol and topic_arn).
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.provider.attributes import Attributes
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, common_state, pairs
from fogbank.provider.shapes import UNKNOWN

TOPIC = Attributes(
    names={
        "contentBasedDeduplication": "ContentBasedDeduplication",
        "displayName": "DisplayName",
        "fifoTopic": "FifoTopic",
        "kmsMasterKeyId": "KmsMasterKeyId",
        "policy": "Policy",
    }
)
SUBSCRIPTION = Attributes(
    names={
        "filterPolicyScope": "FilterPolicyScope",
        "filterPolicy": "FilterPolicy",
        "rawMessageDelivery": "RawMessageDelivery",
    }
)
PROTOCOLS = frozenset({"sqs", "lambda", "http", "https", "email", "email-json", "sms"})
OWNERS = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe")


def create_topic(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateTopic; the id is the ARN. One that is no FIFO does not say so."""
    answer = require(
        session.client("sns"),
        "CreateTopic",
        Name=inputs["name"],
        Attributes=TOPIC.of({key: value for key, value in inputs.items() if value is not False}),
        Tags=pairs(session.settings.tags(inputs.get("tags"))),
    )
    return answer["TopicArn"], _topic_state(row, session, answer["TopicArn"], inputs)


def read_topic(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetTopicAttributes and ListTagsForResource; an import leaves the policy that SNS makes itself."""
    sns = session.client("sns")
    try:
        attributes = call(sns, "GetTopicAttributes", TopicArn=id_)["Attributes"]
        tags = call(sns, "ListTagsForResource", ResourceArn=id_)["Tags"]
    except GoneError:
        return None
    live = {**TOPIC.live(row, attributes), "name": id_.rpartition(":")[2]}
    if not inputs and _is_default(attributes):
        live["policy"] = None
    fresh = row.found(session, inputs, live, {tag["Key"]: tag["Value"] for tag in tags})
    return fresh, _topic_state(row, session, id_, fresh)


def update_topic(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """SetTopicAttributes, one by one, and the tags."""
    sns = session.client("sns")
    for name, value in TOPIC.changes(row, old, new).items():
        require(sns, "SetTopicAttributes", TopicArn=id_, AttributeName=name, AttributeValue=value)
    gone, changed = session.settings.tag_changes(old, new)
    if gone:
        require(sns, "UntagResource", ResourceArn=id_, TagKeys=gone)
    if changed:
        require(sns, "TagResource", ResourceArn=id_, Tags=pairs(changed))
    return _topic_state(row, session, id_, new)


def delete_topic(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteTopic."""
    del row, state
    ensure_gone(session.client("sns"), "DeleteTopic", TopicArn=id_)


def _topic_state(row: Row, session: Session, arn: str, inputs: Properties) -> Properties:
    return {**inputs, "arn": arn, "owner": arn.split(":")[4], **common_state(session, row, inputs)}


def put_policy(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """SetTopicAttributes; the id is the topic's ARN."""
    _set_policy(session, inputs["arn"], inputs["policy"])
    return inputs["arn"], _policy_state(row, session, inputs)


def read_policy(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The topic's policy; a topic with no other than its owner's has no such resource."""
    try:
        attributes = call(session.client("sns"), "GetTopicAttributes", TopicArn=id_)["Attributes"]
    except GoneError:
        return None
    if _is_default(attributes):
        return None
    fresh = row.found(session, inputs, {"arn": id_, "policy": attributes["Policy"]})
    return fresh, _policy_state(row, session, fresh)


def update_policy(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Put again."""
    del id_, old
    return put_policy(row, session, new)[1]


def delete_policy(row: Row, session: Session, id_: str, state: Properties) -> None:
    """The topic gets the policy of topics without one: its owner's."""
    del row, state
    try:
        _set_policy(session, id_, json.dumps(owner_policy(id_)))
    except GoneError:
        return


def owner_policy(arn: str) -> dict[str, Any]:
    """What SNS gives a topic. Source: SNS developer guide, "Identity and access management in Amazon SNS"."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Effect": "Allow",
                "Sid": "__default_statement_ID",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{name}" for name in (*OWNERS, "ListSubscriptionsByTopic", "Publish")],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
            }
        ],
    }


def _is_default(attributes: dict[str, str]) -> bool:
    """Whether a topic's policy is the one that SNS made, by the name of its statement."""
    statements = json.loads(attributes.get("Policy") or "{}").get("Statement", [])
    return isinstance(statements, list) and [item.get("Sid") for item in statements] == ["__default_statement_ID"]


def _set_policy(session: Session, arn: str, policy: str) -> None:
    call(session.client("sns"), "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def _policy_state(row: Row, session: Session, inputs: Properties) -> Properties:
    return {**inputs, "owner": inputs["arn"].split(":")[4], **common_state(session, row, inputs)}


def subscription_failures(inputs: Properties) -> list[Failure]:
    """A protocol that the local cloud does not send by."""
    protocol = inputs.get("protocol")
    if protocol in {None, UNKNOWN} or protocol in PROTOCOLS:
        return []
    return [Failure("protocol", f"{protocol!r} is none that the local cloud sends by: {', '.join(sorted(PROTOCOLS))}")]


def subscribe(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """Subscribe; the id is the subscription's ARN. moto takes a `RawMessageDelivery` of `false` for true: it is left out."""
    answer = require(
        session.client("sns"),
        "Subscribe",
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes=SUBSCRIPTION.of({key: value for key, value in inputs.items() if value is not False}),
        ReturnSubscriptionArn=True,
    )
    arn = answer["SubscriptionArn"]
    return arn, _subscription_state(row, session, inputs, _subscription(session, arn))


def read_subscription(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetSubscriptionAttributes."""
    try:
        attributes = _subscription(session, id_)
    except GoneError:
        return None
    where = {"topic": attributes["TopicArn"], "protocol": attributes["Protocol"], "endpoint": attributes["Endpoint"]}
    fresh = row.found(session, inputs, {**SUBSCRIPTION.live(row, attributes), **where})
    return fresh, _subscription_state(row, session, fresh, attributes)


def update_subscription(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """SetSubscriptionAttributes, one by one; no filter is an empty one."""
    for name, value in SUBSCRIPTION.changes(row, old, new).items():
        require(
            session.client("sns"),
            "SetSubscriptionAttributes",
            SubscriptionArn=id_,
            AttributeName=name,
            AttributeValue="{}" if name == "FilterPolicy" and not value else value,
        )
    return _subscription_state(row, session, new, _subscription(session, id_))


def unsubscribe(row: Row, session: Session, id_: str, state: Properties) -> None:
    """Unsubscribe."""
    del row, state
    ensure_gone(session.client("sns"), "Unsubscribe", SubscriptionArn=id_)


def _subscription(session: Session, arn: str) -> dict[str, str]:
    answer = call(session.client("sns"), "GetSubscriptionAttributes", SubscriptionArn=arn)
    return dict(answer["Attributes"])


def _subscription_state(row: Row, session: Session, inputs: Properties, attributes: dict[str, str]) -> Properties:
    return {
        **inputs,
        "arn": attributes["SubscriptionArn"],
        "ownerId": attributes["Owner"],
        "pendingConfirmation": attributes["PendingConfirmation"] == "true",
        "confirmationWasAuthenticated": attributes.get("ConfirmationWasAuthenticated") == "true",
        **common_state(session, row, inputs),
    }


ROWS = (
    Row(
        token="aws:sns/topic:Topic",
        service="sns",
        computed=("owner",),
        auto_name=AutoName(longest=256, fifo_key="fifoTopic"),
        defaults={"fifoTopic": False, "contentBasedDeduplication": False, "displayName": ""},
        policies=frozenset({"policy"}),
        unasked=frozenset({"policy"}),
        in_place=frozenset(TOPIC.names) - {"fifoTopic"},
        only=frozenset({"name", *TOPIC.names}),
        lacks={
            "deliveryPolicy": "the local cloud sends once",
            "signatureVersion": "the local cloud signs by version 2",
            "tracingConfig": "the local cloud has no traces",
        },
        creates=create_topic,
        reads=read_topic,
        updates=update_topic,
        deletes=delete_topic,
    ),
    Row(
        token="aws:sns/topicPolicy:TopicPolicy",
        service="sns",
        outputs={},
        computed=("owner",),
        policies=frozenset({"policy"}),
        in_place=frozenset({"policy"}),
        only=frozenset({"arn", "policy"}),
        creates=put_policy,
        reads=read_policy,
        updates=update_policy,
        deletes=delete_policy,
    ),
    Row(
        token="aws:sns/topicSubscription:TopicSubscription",
        service="sns",
        computed=("ownerId", "pendingConfirmation", "confirmationWasAuthenticated"),
        defaults={"filterPolicyScope": "MessageAttributes"},
        policies=frozenset({"filterPolicy"}),
        in_place=frozenset(SUBSCRIPTION.names),
        only=frozenset({"topic", "protocol", "endpoint", *SUBSCRIPTION.names}),
        lacks={
            "deliveryPolicy": "the local cloud sends once",
            "redrivePolicy": "the local cloud keeps no messages that it could not deliver",
            "replayPolicy": "the local cloud has no archive of messages",
            "subscriptionRoleArn": "the local cloud does not send to Firehose",
        },
        checks=subscription_failures,
        creates=subscribe,
        reads=read_subscription,
        updates=update_subscription,
        deletes=unsubscribe,
    ),
)
