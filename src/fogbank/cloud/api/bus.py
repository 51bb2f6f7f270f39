"""What AWS's services tell others of this account: events on a region's default bus, messages to queues, topics and functions.

In: an event in EventBridge's form, or an ARN and a message; out: requests to the cloud's own services, which are in its journal like
anybody's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from fogbank.cloud.ground.wire import Answer, Request

log = logging.getLogger("fogbank.cloud")
Rules = Callable[[str, Mapping[str, Any]], Sequence[str]]
"""Given a region and an event: the ARNs of the rules that it matches."""


class Bus:
    """Sends by `ask`, which answers a request to the cloud; `rules` are EventBridge's that wait for an event: one without a target counts it."""

    def __init__(self, ask: Callable[[Request], Answer], rules: Rules, account: str) -> None:
        self._ask, self._rules, self._account = ask, rules, account

    def put(self, region: str, event: Mapping[str, Any]) -> None:
        """Put the event on the bus, where a rule waits for it."""
        if self._rules(region, event):
            entry = {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
                "Resources": event["resources"],
                "Time": int(datetime.fromisoformat(event["time"]).timestamp()),
            }
            self._json("events", region, "AWSEvents.PutEvents", {"Entries": [entry]})

    def send(self, arn: str, message: str) -> None:
        """Send a message to a queue, a topic or a function. What cannot be sent is logged."""
        _, _, service, region, _, name = arn.split(":", 5)
        if service == "sqs":
            url = f"http://127.0.0.1/{self._account}/{name}"
            self._json("sqs", region, "AmazonSQS.SendMessage", {"QueueUrl": url, "MessageBody": message})
        elif service == "sns":
            form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": arn, "Message": message}
            kind = {"content-type": "application/x-www-form-urlencoded", "host": "127.0.0.1"}
            self._answered(_request("sns", region, kind, urlencode(form).encode()))
        elif service == "lambda":
            headers = {"host": "127.0.0.1", "x-amz-invocation-type": "Event"}
            path = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
            self._answered(_request("lambda", region, headers, message.encode(), path))
        else:
            log.warning("the local cloud sends no events to %s yet", arn)

    def _json(self, service: str, region: str, operation: str, body: Mapping[str, Any]) -> None:
        headers = {"x-amz-target": operation, "content-type": "application/x-amz-json-1.0", "host": "127.0.0.1"}
        self._answered(_request(service, region, headers, json.dumps(body).encode()))

    def _answered(self, request: Request) -> None:
        answer = self._ask(request)
        if answer.status >= 400:
            log.warning("an event was refused: %s", answer.body[:500].decode(errors="replace"))


def _request(service: str, region: str, headers: Mapping[str, str], body: bytes, path: str = "/") -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=fogbank/20200101/{region}/{service}/aws4_request"
    return Request(method="POST", path=path, query="", headers={**headers, "authorization": scope}, body=body)
