"""What an asynchronous endpoint says on its topics: SageMaker's messages, published through the cloud's own SNS.

In: requests and what came of them; out: JSON as SageMaker writes it. Sources: the Developer Guide's "Check Prediction Results"; messages
that others received and quote.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.asynchronous import ERROR, HEADER, SUCCESS, AsyncRequest
from fogbank.cloud.hosting.deployment import Deployment
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.samples import Samples

log = logging.getLogger("fogbank.cloud")
INCLUDED_LIMIT = 128 * 1024
"""Bytes up to which a response is in its message."""
COMMON = {"eventVersion": "1.0", "eventSource": "aws:sagemaker"}
TEST = json.dumps({**COMMON, "eventName": "TestNotification"})
Clients = Callable[[str, str], Any]
"""boto3 clients of the cloud itself, by service and region."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a request: the container's answer, or `reason`, why there is none that counts."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def content_type(self) -> str:
        """The answer's type."""
        return self.headers.get("content-type", "application/octet-stream")


class Notices:
    """Publishes."""

    def __init__(self, clients: Clients, samples: Samples) -> None:
        self._clients, self._samples = clients, samples

    def announce(self, runner: Runner, region: str, endpoint: str, deployment: Deployment) -> None:
        """Begin to publish what SageMaker does when an endpoint is created or updated."""
        topics = deployment.asynchronous.topics.values() if deployment.asynchronous else ()
        for topic in dict.fromkeys(topics):
            work = partial(self._test, Source(region, endpoint, ""), topic)
            runner.begin(("announce", region, endpoint), work)

    def _test(self, source: Source, topic: str, stop: threading.Event) -> None:
        self.publish(source, topic, TEST)

    def publish(self, source: Source, topic: str, message: str) -> None:
        """Publish to a topic; where that cannot be, it is counted and logged."""
        try:
            self._clients("sns", topic.split(":")[3]).publish(TopicArn=topic, Message=message)
        except (BotoCoreError, ClientError) as error:
            log.warning("endpoint %s: nothing is published to %s: %s", source.endpoint, topic, error)
            self._samples.add(source, "NotificationFailures", 1, "Count")


def topic_of(request: AsyncRequest, result: Result) -> str:
    """The topic that is told; empty where none is."""
    return request.topics.get(ERROR if result.reason else SUCCESS, "")


def message_of(request: AsyncRequest, result: Result, now: float) -> str:
    """The message of an outcome."""
    named = {"contentType": "content-type", "accept": "accept", "customAttributes": HEADER + "custom-attributes"}
    asked = {name: request.headers[header] for name, header in named.items() if header in request.headers}
    message: dict[str, Any] = {
        "awsRegion": request.region,
        "eventTime": _time(now),
        "receivedTime": _time(request.received),
        "invocationStatus": "Failed" if result.reason else "Completed",
        **({"failureReason": result.reason} if result.reason else {}),
        "requestParameters": {
            **asked,
            "endpointName": request.endpoint,
            **({"inputLocation": request.input} if request.input else {}),
        },
        **_response(request, result),
        "inferenceId": request.inference_id,
        **COMMON,
        "eventName": "InferenceResult",
    }
    return json.dumps(message, separators=(",", ":"))


def _response(request: AsyncRequest, result: Result) -> dict[str, Any]:
    """Where the answer lies, and, where it is wanted and short, the answer."""
    if result.reason and not result.body:
        return {}
    place = {"failureLocation": request.failure} if result.reason else {"outputLocation": request.output}
    response = {name: uri for name, uri in place.items() if uri}
    answer: dict[str, Any] = {"responseParameters": {"contentType": result.content_type, **response}}
    if (ERROR if result.reason else SUCCESS) in request.included and len(result.body) <= INCLUDED_LIMIT:
        answer["responseBody"] = {"content": base64.b64encode(result.body).decode(), "encoding": "BASE64"}
    return answer


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
