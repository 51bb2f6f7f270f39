"""SageMaker's control plane, ours first: JSON 1.1 calls checked against botocore's own service model, both ways.

In: an operation's name and its parameters; out: the document that boto3 reads. An operation that no room registered is
not ours, and the caller asks moto.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.supported import lacking
from fogbank.cloud.ground.wire import Answer, Request, json_answer
from fogbank.ground.aws import LOCAL_ACCOUNT

Params = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """Where a call takes place."""

    region: str

    def arn(self, kind: str, name: str) -> str:
        """A SageMaker ARN; the service writes names in it in lower case."""
        return f"arn:aws:sagemaker:{self.region}:{LOCAL_ACCOUNT}:{kind}/{name.lower()}"


Operation = Callable[[Scope, Params], Params]


def refuse_lacking(params: Params, shape: Shape) -> None:
    """What the local cloud lacks is refused by name, all of it at once, never ignored. Raises ValidationException."""
    if paths := lacking(params, shape):
        raise validation(f"The local cloud does not have {', '.join(paths)} yet; it is refused, not ignored.")


def refuse(params: Params, *names: str) -> None:
    """What the local cloud lacks is refused by name, never ignored. Raises ValidationException."""
    for name in names:
        if params.get(name):
            raise validation(f"The local cloud does not have {name} yet; it is refused, not ignored.")


class ControlPlane:
    """The operations that fogbank has, by name."""

    def __init__(self, *rooms: Mapping[str, Operation]) -> None:
        self._operations: dict[str, Operation] = {name: operation for room in rooms for name, operation in room.items()}

    def has(self, operation: str) -> bool:
        """Whether the operation is ours."""
        return operation in self._operations

    def handle(self, request: Request) -> Answer:
        """Answer a call of one of our operations. Raises NotOursError where it is about something that moto has."""
        name = request.headers["x-amz-target"].rpartition(".")[2]
        try:
            return json_answer(self.call(name, Scope(request.region), json.loads(request.body or b"{}")))
        except ApiError as error:
            answer = json_answer({"__type": error.code, "message": error.message, **error.members}, error.status)
            return Answer(
                status=answer.status, headers={**answer.headers, "x-amzn-ErrorType": error.code}, body=answer.body
            )

    def call(self, name: str, scope: Scope, params: Params) -> Params:
        """Run one operation with its input and output checked. Raises ApiError."""
        model = service_model().operation_model(name)
        if model.input_shape is not None:
            check_input(params, model.input_shape)
            refuse_lacking(params, model.input_shape)
        result = self._operations[name](scope, params)
        if model.output_shape is None:
            return {}
        answer: Params = check_output(name, result, model.output_shape)
        return answer


@lru_cache(maxsize=1)
def service_model() -> ServiceModel:
    """botocore's model of SageMaker's control plane."""
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def check_input(params: Params, shape: Shape) -> None:
    """Raises the ValidationException that the service raises for parameters that do not fit the shape."""
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        raise validation(report.generate_report())
    problems = list(_constraints(params, shape, ""))
    if problems:
        count = len(problems)
        raise validation(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(problems)}")


def _constraints(value: Any, shape: Any, path: str) -> list[str]:
    """What botocore's own validator leaves out: patterns, enums and maximal lengths."""
    if shape.type_name == "structure":
        return [
            p
            for key, item in value.items()
            for p in _constraints(item, shape.members[key], f"{path}.{key[:1].lower()}{key[1:]}")
        ]
    if shape.type_name == "list":
        return [p for i, item in enumerate(value, 1) for p in _constraints(item, shape.member, f"{path}.{i}.member")]
    if shape.type_name == "map":
        return [p for key, item in value.items() for p in _constraints(item, shape.value, f"{path}.{key}")]
    if shape.type_name != "string":
        return []
    told = f"Value '{value}' at '{path.lstrip('.')}' failed to satisfy constraint: Member must "
    if shape.enum and value not in shape.enum:
        return [told + f"satisfy enum value set: [{', '.join(shape.enum)}]"]
    pattern = shape.metadata.get("pattern")
    compiled = _compiled(pattern) if pattern else None
    if compiled and not compiled.fullmatch(value):
        return [told + f"satisfy regular expression pattern: {pattern}"]
    longest = shape.metadata.get("max")
    if longest is not None and len(value) > longest:
        return [told + f"have length less than or equal to {longest}"]
    return []


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """AWS's patterns are Java's; the few with Unicode classes, which Python's `re` lacks, are not checked here."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def check_output(name: str, result: Params, shape: Any) -> Params:
    """The members that the output shape has, without our own; raises where a document does not fit its shape."""
    public: Params = strip(result, shape)
    report = ParamValidator().validate(public, shape)
    if report.has_errors():
        raise ApiError("InternalFailure", f"{name}'s answer does not fit its shape: {report.generate_report()}", 500)
    return public


def strip(value: Any, shape: Any) -> Any:
    """`value` without the members that the shape does not have, at every depth."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            key: strip(item, shape.members[key])
            for key, item in value.items()
            if key in shape.members and item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [strip(item, shape.member) for item in value]
    return value


def page(items: list[Params], params: Params, key: str, default_sort: str = "CreationTime") -> Params:
    """One page of a List call: NameContains and Status filters are the caller's; sort, MaxResults and NextToken are here."""
    sort_by = {"Name": "_name", "CreationTime": "CreationTime", "Status": "_status"}.get(
        params.get("SortBy", default_sort), "CreationTime"
    )
    descending = params.get("SortOrder", "Descending") == "Descending"
    ordered = sorted(items, key=lambda item: item.get(sort_by, 0), reverse=descending)
    start = int(params.get("NextToken", "0"))
    size = params.get("MaxResults", 100)
    result: Params = {key: ordered[start : start + size]}
    if start + size < len(ordered):
        result["NextToken"] = str(start + size)
    return result
