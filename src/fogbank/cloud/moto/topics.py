"""What was published to a topic and is for functions, as moto knows it. In: a topic and a message's id; out: Lambda's events of SNS.

Source: the Lambda Developer Guide, "Invoking Lambda functions with Amazon SNS notifications".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT


def for_functions(topic_arn: str, message_id: str, structure: str) -> Iterator[tuple[str, str]]:
    """(a function's ARN, the event's JSON) for each subscription of a function that lets the message through."""
    from moto.sns.models import sns_backends

    region = topic_arn.split(":")[3]
    backend = sns_backends[LOCAL_ACCOUNT].get(region) if LOCAL_ACCOUNT in sns_backends else None
    topic: Any = backend.topics.get(topic_arn) if backend else None
    notices = list(topic.sent_notifications) if topic else []
    sent = next((notice for notice in reversed(notices) if notice[0] == message_id), None)
    if backend is None or sent is None:
        return
    _, message, subject, attributes, _ = sent
    for subscription in list(backend.subscriptions.values()):
        if subscription.topic is not topic or subscription.protocol != "lambda":
            continue
        matcher: Any = subscription._filter_policy_matcher
        if matcher is None or matcher.matches(attributes, message):
            text = subscription._parse_message_structure(message, "lambda") if structure == "json" else message
            yield subscription.endpoint, _event(subscription.arn, topic_arn, message_id, text, subject, attributes)


def _event(arn: str, topic: str, message_id: str, message: str, subject: str | None, attributes: Any) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    notice = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": subject,
        "Message": message,
        "Timestamp": now,
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertUrl": "",
        "UnsubscribeUrl": "",
        "MessageAttributes": attributes or {},
    }
    record = {"EventVersion": "1.0", "EventSubscriptionArn": arn, "EventSource": "aws:sns", "Sns": notice}
    return json.dumps({"Records": [record]})
