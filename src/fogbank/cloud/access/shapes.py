"""API Gateway's operations on the wire, by botocore's model: which one a request is, its members under the API's names, and answers back.

In: a request; out: an operation and its members; a document as the wire has it. Raises ApiError for what the model does not have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Answer, Request, new_id

SERVICE = "apigatewayv2"
PARAMETER = re.compile(r"\{([\w-]+)\}")
WRONG = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "double": (int, float),
    "list": list,
    "map": dict,
    "structure": dict,
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: the operation's name, and its members."""

    name: str
    members: Mapping[str, Any]


def call_of(request: Request) -> Call:
    """What is asked. Raises ApiError."""
    for method, path, name in _paths():
        match = path.fullmatch(request.path)
        if match is None or method != request.method:
            continue
        shape = _model().operation_model(name).input_shape
        said: dict[str, Any] = {key.replace("_", "-"): unquote(value) for key, value in match.groupdict().items()}
        query: dict[str, Any] = dict(parse_qs(request.query))
        for member in shape.members.values():
            wire = member.serialization.get("name", "")
            if member.serialization.get("location") == "querystring" and wire in query:
                said[wire] = query[wire] if member.type_name == "list" else query[wire][0]
        return Call(name=name, members=_members(shape, {**_body(request), **said}, ""))
    raise ApiError("NotFoundException", f"API Gateway has no {request.method} {request.path}", 404)


def answered(name: str, document: Mapping[str, Any]) -> Answer:
    """An operation's answer."""
    operation = _model().operation_model(name)
    status = int(operation.http.get("responseCode", 200))
    body = b"" if operation.output_shape is None else json.dumps(_written(operation.output_shape, document)).encode()
    return Answer(status=status, headers={"content-type": "application/json", "x-amzn-RequestId": new_id()}, body=body)


@lru_cache(maxsize=1)
def _model() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(SERVICE, "service-2"), SERVICE)


@lru_cache(maxsize=1)
def _paths() -> list[tuple[str, re.Pattern[str], str]]:
    found = []
    for name in _model().operation_names:
        http = _model().operation_model(name).http
        parts = PARAMETER.split(http["requestUri"].partition("?")[0])
        pattern = "".join(
            f"(?P<{part.replace('-', '_')}>[^/]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        found.append((http["method"], re.compile(pattern + "/?"), name))
    return found


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ApiError("BadRequestException", f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise ApiError("BadRequestException", "the body is no JSON object")
    return body


def _members(shape: Any, value: Any, path: str) -> Any:
    """A value under the API's names. Raises ApiError."""
    wanted: Any = WRONG.get(shape.type_name, object)
    if not isinstance(value, wanted) or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise ApiError("BadRequestException", f"{path or 'the body'} must be a {shape.type_name}, not {value!r}")
    if shape.type_name == "list":
        return [_members(shape.member, item, f"{path}[]") for item in value]
    if shape.type_name == "map":
        return {key: _members(shape.value, item, f"{path}.{key}") for key, item in value.items()}
    if shape.type_name != "structure":
        return value
    names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    if unknown := [key for key in value if key not in names]:
        raise ApiError("BadRequestException", f"{path or 'the body'} has no {', '.join(unknown)}")
    said = {names[key]: item for key, item in value.items() if item is not None}
    return {name: _members(shape.members[name], item, f"{path}.{name}".lstrip(".")) for name, item in said.items()}


def _written(shape: Any, value: Any) -> Any:
    if shape.type_name == "list":
        return [_written(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _written(shape.value, item) for key, item in value.items()}
    if shape.type_name != "structure":
        return value
    return {
        member.serialization.get("name", name): _written(member, value[name])
        for name, member in shape.members.items()
        if value.get(name) is not None
    }
