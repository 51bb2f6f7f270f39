"""The door of Lambda's Invoke: functions really run; the rest of Lambda is moto's, but for what moto takes and forgets.

In: a request; out: the function's answer in the form of Lambda's API. Source: the Lambda API reference, "Invoke" and "CreateFunction".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from fogbank.cloud.api.errors import ApiError, NotOursError
from fogbank.cloud.functions.checks import check_function, members_of
from fogbank.cloud.functions.events import Events
from fogbank.cloud.functions.invocations import Invocations, Result
from fogbank.cloud.ground.wire import Answer, Request, error_answer, new_id

INVOKE = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations/?")
INVOKE_ASYNC = re.compile(r"/2014-11-13/functions/(?P<name>[^/]+)/invoke-async/?")
WRITES = re.compile(r"/2015-03-31/(functions(/[^/]+/(configuration|code))?|event-source-mappings(/[^/]+)?)/?")
MOST_SYNC, MOST_ASYNC = 6_291_456, 1_048_576
"""Bytes of an event."""
LACKING = (
    "CapacityProviderConfig",
    "DeadLetterConfig",
    "DurableConfig",
    "FileSystemConfigs",
    "FilterCriteria",
    "LoggingConfig",
    "MaximumBatchingWindowInSeconds",
    "ProvisionedPollerConfig",
    "ScalingConfig",
    "TenancyConfig",
)
"""Members of CreateFunction, CreateEventSourceMapping and their updates that nothing behind them has."""


class FunctionsRoom:
    """Answers them."""

    def __init__(self, invocations: Invocations, events: Events) -> None:
        self._invocations, self._events = invocations, events

    def takes(self, request: Request) -> bool:
        """Whether a function is invoked, or said to be so as nothing here runs it."""
        if request.service != "lambda" or request.method not in {"POST", "PUT"}:
            return False
        return any(path.fullmatch(request.path) for path in (INVOKE, INVOKE_ASYNC, WRITES))

    def handle(self, request: Request) -> Answer:
        """Answer. Raises NotOursError for what moto is to keep."""
        try:
            if match := INVOKE.fullmatch(request.path):
                return self._invoke(request, unquote(match["name"]))
            if match := INVOKE_ASYNC.fullmatch(request.path):
                self._take(request, unquote(match["name"]), None, new_id())
                return Answer(status=202, headers={"Content-Type": "application/json"}, body=b'{"Status": 202}')
            members = members_of(request)
            refuse_lacking(request, members)
            check_function(request, members)
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message, **error.members)
        raise NotOursError(request.path)

    def _invoke(self, request: Request, name: str) -> Answer:
        request_id = new_id()
        qualifier = parse_qs(request.query).get("Qualifier", [None])[0]
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            self._invocations.find(request.region, name, qualifier)
            return Answer(status=204, headers={"x-amzn-RequestId": request_id})
        if kind == "Event":
            self._take(request, name, qualifier, request_id)
            return Answer(status=202, headers={"x-amzn-RequestId": request_id})
        if kind != "RequestResponse":
            raise ApiError("InvalidParameterValueException", f"InvocationType {kind} is not one of Lambda's")
        function = self._invocations.find(request.region, name, qualifier, request_id)
        event = _event(request, MOST_SYNC)
        result = self._invocations.run(function, event, request_id, _client_context(request))
        return _answer(request, result, request_id)

    def _take(self, request: Request, name: str, qualifier: str | None, request_id: str) -> None:
        function = self._invocations.find(request.region, name, qualifier, request_id)
        asked = f"{name}:{qualifier}" if qualifier and not name.endswith(f":{qualifier}") else name
        self._events.take(function.region, asked, _event(request, MOST_ASYNC), request_id)


def refuse_lacking(request: Request, members: Mapping[str, Any]) -> None:
    """What moto would take and forget is refused by name. Raises ApiError."""
    lacking = [name for name in LACKING if members.get(name)]
    if (members.get("SnapStart") or {}).get("ApplyOn", "None") != "None":
        lacking.append("SnapStart")
    if "/event-source-mappings" in request.path and ":sqs:" not in str(members.get("EventSourceArn", ":sqs:")):
        lacking.append("event sources other than SQS's queues")
    if lacking:
        names = ", ".join(lacking)
        raise ApiError(
            "NotImplemented", f"the local cloud does not have {names} of functions; it is refused, not ignored", 501
        )


def _event(request: Request, most: int) -> str:
    """The event, which is JSON. Raises ApiError."""
    if request.payload.size > most:
        message = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
        raise ApiError("RequestTooLargeException", message, 413, Type="User")
    text = request.body.decode(errors="replace")
    if not text:
        return "{}"
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise ApiError("InvalidRequestContentException", message, Type="User") from error
    return text


def _client_context(request: Request) -> str:
    """What mobile clients say of themselves. Raises ApiError."""
    given = request.headers.get("x-amz-client-context", "")
    try:
        text = base64.b64decode(given, validate=True).decode()
        return text if not text or isinstance(json.loads(text), dict) else ""
    except (binascii.Error, ValueError) as error:
        message = f"Client context must be a valid Base64-encoded JSON object: {error}"
        raise ApiError("InvalidRequestContentException", message, Type="User") from error


def _answer(request: Request, result: Result, request_id: str) -> Answer:
    headers: Mapping[str, Any] = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": request_id,
        "X-Amz-Executed-Version": result.version,
        **({"X-Amz-Function-Error": "Unhandled"} if result.failed else {}),
        **({"X-Amz-Log-Result": result.tail} if request.headers.get("x-amz-log-type") == "Tail" else {}),
    }
    return Answer(status=200, headers=headers, body=result.payload.encode())
