"""GetBucketNotificationConfiguration says that a bucket tells EventBridge: moto keeps it, and does not answer it.

Source: the S3 API reference, "GetBucketNotificationConfiguration". In: a request and moto's answer; out: the whole answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.internals import bucket

ROOT = re.compile(rb"(<NotificationConfiguration[^>]*?)(/>|>)")
TOLD = b"<EventBridgeConfiguration></EventBridgeConfiguration>"


def completed(request: Request, answer: Answer) -> Answer:
    """The answer, with EventBridge where the bucket tells it."""
    asked = request.method == "GET" and request.query.partition("=")[0] == "notification" and answer.status == 200
    if not asked:
        return answer
    known = bucket(unquote(request.path[1:].partition("/")[0]))
    notified = known.notification_configuration if known is not None else None
    if notified is None or notified.event_bridge is None:
        return answer
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    return replace(answer, headers=headers, payload=Payload.of(ROOT.sub(_told, answer.body, count=1)))


def _told(root: re.Match[bytes]) -> bytes:
    end = b"</NotificationConfiguration>" if root[2] == b"/>" else b""
    return root[1] + b">" + TOLD + end
