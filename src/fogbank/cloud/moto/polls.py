"""SQS's long polls. moto waits with everybody's turn in its hands; so a poll is asked without its wait, and waits by itself.

In: a ReceiveMessage; out: its Poll, which says how long it waits and whether a try is worth it. Source: SQS Developer Guide, "Amazon SQS
short and long polling".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.internals import queue
from fogbank.cloud.moto.journal import operation_name

WAIT = "WaitTimeSeconds"
LONGEST_S = 20


@dataclass(frozen=True, kw_only=True)
class Poll:
    """`request` does not wait; `wait_s` is how long it is asked again while there is nothing."""

    request: Request
    wait_s: int
    account: str
    name: str

    def ready(self) -> bool:
        """Whether a message is there to be received."""
        known = queue(self.account, self.request.region, self.name)
        return known is None or any(message.visible for message in known.messages)

    def length(self) -> int:
        """How many messages the queue has, whether they are to be seen or not."""
        known = queue(self.account, self.request.region, self.name)
        return len(known._messages) if known else 0


def poll_of(request: Request) -> Poll | None:
    """The request as a poll, if it receives messages in a way that can be read; else moto refuses it."""
    if operation_name(request) != "ReceiveMessage":
        return None
    try:
        members = _members(request)
        account, _, name = str(members.get("QueueUrl") or request.plain_path).rstrip("/").rpartition("/")
        account = account.rpartition("/")[2]
        known = queue(account, request.region, name)
        wait = int(members.get(WAIT, known.receive_message_wait_time_seconds if known else 0))
    except (ValueError, TypeError):
        return None
    if not 0 <= wait <= LONGEST_S:
        return None
    short = request if not wait else _without_wait(request, members)
    return Poll(request=short, wait_s=wait, account=account, name=name)


def is_empty(answer: Answer) -> bool:
    """Whether nothing was received."""
    return answer.status < 400 and b'"Messages"' not in answer.body and b"<Message>" not in answer.body


def _is_form(request: Request) -> bool:
    return "x-amz-target" not in request.headers


def _members(request: Request) -> Mapping[str, Any]:
    if _is_form(request):
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    members = json.loads(request.body)
    if not isinstance(members, dict):
        raise TypeError("an object is asked for")
    return members


def _without_wait(request: Request, members: Mapping[str, Any]) -> Request:
    short = {**members, WAIT: 0}
    body = urlencode(short) if _is_form(request) else json.dumps(short)
    return replace(request, payload=Payload.of(body.encode()))
