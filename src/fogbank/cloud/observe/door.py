"""CloudWatch's door: operations in the JSON and the query protocol.

In: requests, which moto's own parsers read; out: answers, which its serializers write. What an operation does is its room's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fogbank.cloud.api.check import check_input
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.packed import PackedError, opened
from fogbank.cloud.ground.wire import Answer, Request, new_id
from fogbank.cloud.observe.puts import CloudWatchError, Params

TARGET = "GraniteServiceVersion20100801."
FORM = "application/x-www-form-urlencoded"
JSON = "application/x-amz-json-1.0"
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
Operation = Callable[[str, str, Params], Params]
"""An account, a region and the parameters to the answer. Raises CloudWatchError."""


class CloudWatchDoor:
    """Answers the operations that it is given; `checked` are those whose parameters are held against botocore's shapes first, `account`
    says whose a request is."""

    def __init__(
        self,
        account: Callable[[Mapping[str, str]], str],
        operations: Mapping[str, Operation],
        checked: Mapping[str, Operation],
    ) -> None:
        self._account = account
        self._operations = {**operations, **checked}
        self._checked = frozenset(checked)

    def takes(self, request: Request) -> bool:
        """Whether the request is one of the operations."""
        return request.service == "monitoring" and _operation(request) in self._operations

    def handle(self, request: Request) -> Answer:
        """Answer it. Raises NotOursError where the operation does."""
        from moto.core.parse import PROTOCOL_PARSERS
        from moto.core.serialize import get_serializer_class
        from moto.core.utils import get_service_model

        name, model = _operation(request), get_service_model("cloudwatch")
        protocol = "json" if "x-amz-target" in request.headers else "query"
        operation = model.operation_model(name)
        serializer = get_serializer_class("cloudwatch", protocol)(operation_model=operation)
        try:
            params = PROTOCOL_PARSERS[protocol](operation).parse(_read(request, protocol))
            if name in self._checked:
                _check(params, operation.input_shape)
            result = self._operations[name](self._account(request.headers), request.region, params)
            if protocol == "json":  # a thousand datapoints are written a hundred times as fast as by the shapes
                return _answer(200, {"Content-Type": JSON}, json.dumps(result, default=datetime.timestamp))
            written = serializer.serialize(result)
        except CloudWatchError as error:
            written = serializer.serialize(error)
        except KeyError as error:
            missing = CloudWatchError("MissingParameter", f"The request must contain the parameter {error.args[0]}.")
            written = serializer.serialize(missing)
        return _answer(written["status_code"], written["headers"], str(written["body"]))


def _check(params: Params, shape: Any) -> None:
    """Raises CloudWatchError for what does not fit the shape."""
    try:
        check_input(_plain(params), shape)
    except ApiError as error:
        code = "ValidationError" if error.code == "ValidationException" else error.code
        raise CloudWatchError(code, error.message) from error


def _plain(value: Any) -> Any:
    """With times as numbers, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def _answer(status: int, headers: Mapping[str, str], body: str) -> Answer:
    return Answer(status=status, headers={**headers, "x-amzn-RequestId": new_id()}, body=body.encode())


def _read(request: Request, protocol: str) -> Any:
    """All that the two parsers look at. Raises CloudWatchError."""
    try:
        body = opened(request)
        values = dict(parse_qsl(body.decode(), keep_blank_values=True)) if protocol == "query" else json.loads(body)
    except (PackedError, ValueError) as error:
        raise CloudWatchError("InvalidFormat", f"the request's body cannot be read: {error}") from error
    return {"values": values, "body": body}


def _operation(request: Request) -> str:
    target = request.headers.get("x-amz-target", "")
    if target.startswith(TARGET):
        return target.removeprefix(TARGET)
    if request.headers.get("content-type", "").startswith(FORM) and request.headers.get("content-encoding") != "gzip":
        match = ACTION.search(request.body)
        return match[1].decode() if match else ""
    return ""
