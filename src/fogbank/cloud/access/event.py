"""A request as a function's event, and a function's answer as an answer: payload format 2.0. Pure.

Sources: the API Gateway Developer Guide, "Working with AWS Lambda proxy integrations for HTTP APIs" (event, inferred answers); the Lambda
Developer Guide, "Invoking Lambda function URLs" (request and response payloads).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from fogbank.cloud.ground.wire import Answer, Request

TEXT = re.compile(r"text/|application/(json|javascript|xml|[\w.-]+\+(json|xml))\b", re.IGNORECASE)
"""Bodies that reach a function as text; every other one does in base64."""
NOT_OURS = re.compile(r"[\r\n\0]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BadAnswerError(Exception):
    """What the function answered is no HTTP answer."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What of an event is not the request's own. `path` is the one that the function sees; `more` are members beside the usual ones."""

    id: str
    api: str
    account: str
    domain: str
    path: str
    at: float
    route: str = "$default"
    stage: str = "$default"
    authorizer: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def event(request: Request, asked: Asked) -> dict[str, Any]:
    """The event."""
    headers = {name: value for name, value in request.headers.items() if name != "cookie"}
    cookies = [part.strip() for part in request.headers.get("cookie", "").split(";") if part.strip()]
    text, is_base64 = _body(request)
    moment = datetime.fromtimestamp(asked.at, UTC)
    return {
        "version": "2.0",
        "routeKey": asked.route,
        "rawPath": asked.path,
        "rawQueryString": request.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": _parameters(request.query)} if request.query else {}),
        "requestContext": {
            "accountId": asked.account,
            "apiId": asked.api,
            **({"authorizer": asked.authorizer} if asked.authorizer else {}),
            "domainName": asked.domain,
            "domainPrefix": asked.api,
            "http": {
                "method": request.method,
                "path": asked.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": request.headers.get("user-agent", ""),
            },
            "requestId": asked.id,
            "routeKey": asked.route,
            "stage": asked.stage,
            "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(asked.at * 1000),
        },
        **asked.more,
        **({"body": text} if text else {}),
        "isBase64Encoded": is_base64,
    }


def answer(payload: str) -> Answer:
    """What a function's answer (JSON) says: a statusCode and what belongs to it, or a body alone. Raises BadAnswerError."""
    said = json.loads(payload)
    if not isinstance(said, dict) or "statusCode" not in said:
        body = said if isinstance(said, str) else payload
        return Answer(status=200, headers={"content-type": "application/json"}, body=body.encode())
    headers = {"content-type": "application/json", **_headers(said.get("headers"))}
    cookies = said.get("cookies") or []
    if not isinstance(cookies, list) or any(not isinstance(each, str) or NOT_OURS.search(each) for each in cookies):
        raise BadAnswerError("cookies is no list of texts")
    return Answer(status=_status(said["statusCode"]), headers=headers, body=_bytes(said), cookies=tuple(cookies))


def _body(request: Request) -> tuple[str, bool]:
    body = request.body
    kind = request.headers.get("content-type", "text/plain")
    if TEXT.match(kind):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), bool(body)


def _parameters(query: str) -> dict[str, str]:
    """Each with its values, which a comma joins."""
    found: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: ",".join(values) for name, values in found.items()}


def _status(given: Any) -> int:
    try:
        status = int(given)
    except (TypeError, ValueError) as error:
        raise BadAnswerError(f"statusCode is {given!r}") from error
    if not 200 <= status <= 599:
        raise BadAnswerError(f"statusCode is {status}")
    return status


def _headers(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadAnswerError("headers is no object")
    headers = {}
    for name, value in given.items():
        text = json.dumps(value) if isinstance(value, bool) else str(value)
        if isinstance(value, (dict, list)) or not TOKEN.fullmatch(name) or NOT_OURS.search(text):
            raise BadAnswerError(f"the header {name!r} cannot be sent")
        if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
            headers[name.lower()] = text
    return headers


def _bytes(said: Mapping[str, Any]) -> bytes:
    body = said.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    if not said.get("isBase64Encoded"):
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadAnswerError("body is no base64, though isBase64Encoded says so") from error
