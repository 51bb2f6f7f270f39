"""What function URLs and HTTP APIs do alike: who may ask by a browser or a signature, and a function that is asked.

In: a request; out: who asks, or the reason why not; a function's result. Whom the two let in they decide themselves.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from fogbank.cloud.access.cors import Cors
from fogbank.cloud.functions.invocations import Invocations, Result
from fogbank.cloud.functions.room import MOST_SYNC
from fogbank.cloud.gate import LOOPBACK, refused_page
from fogbank.cloud.ground.roles import Issued
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
Signer = Callable[[Request, str], Issued | None]
"""Who has signed a request for a service: a role's credentials, or None for the cloud's user. Raises SignatureError."""
May = Callable[[Issued, str, str], str | None]
"""Why a role may not do an action to a resource, as IAM says it; None where it may."""
REASON = "x-fogbank-reason"
"""The header in which the local cloud says why, where AWS says little."""


class TooLargeError(Exception):
    """The event is longer than Lambda takes."""


def foreign(request: Request, cors: Cors | None) -> str | None:
    """Why a page, or a name that leads to this machine, is not answered. Pages of this machine are let in, and those of other sites where what is
    declared allows them: stricter than AWS, where their browser alone keeps the answer from them."""
    reason, origin = refused_page(request), request.headers.get("origin")
    allowed = origin is not None and cors is not None and cors.allows(origin)
    return None if allowed and LOOPBACK.fullmatch(request.headers.get("host", "")) else reason


def iam_context(signed: Issued | None, access_key: str) -> Mapping[str, Any]:
    """What an event says of who has signed its request."""
    arn = f"arn:aws:iam::{LOCAL_ACCOUNT}:root"
    caller = LOCAL_ACCOUNT
    if signed is not None:
        name = signed.role.rpartition("/")[2]
        arn = f"arn:aws:sts::{LOCAL_ACCOUNT}:assumed-role/{name}/{signed.session}"
        caller = f"{signed.access_key}:{signed.session}"
    return {
        "iam": {
            "accessKey": access_key or LOCAL_ACCESS_KEY,
            "accountId": LOCAL_ACCOUNT,
            "callerId": caller,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": arn,
            "userId": caller,
        }
    }


def asked(invocations: Invocations, region: str, function: str, event: Mapping[str, Any]) -> Result:
    """A function's result. Raises ApiError, TooLargeError."""
    request_id = event["requestContext"]["requestId"]
    found = invocations.find(region, function, None, request_id)
    text = json.dumps(event)
    if len(text.encode()) > MOST_SYNC:
        raise TooLargeError(function)
    return invocations.run(found, text, request_id)


def told(status: int, document: Mapping[str, Any], reason: str = "", **headers: str) -> Answer:
    """An answer of the service's own; why, for its user: in a header, and in the cloud's log where something is wrong with what is declared."""
    if status >= 500:
        log.warning("%s: %s", document.get("message") or document.get("Message"), reason)
    said = {"content-type": "application/json", **headers, **({REASON: _line(reason)} if reason else {})}
    return Answer(status=status, headers=said, body=json.dumps(document).encode())


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
