"""SageMaker's control plane, ours first: JSON 1.1 calls checked against botocore's own service model, both ways.

In: an operation's name and its parameters; out: the document that boto3 reads. An operation that no room registered is
not ours, and the caller asks moto.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from fogbank.cloud.api.check import check_input, check_output, unknown, without_nulls
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.supported import inert, lacking, references
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.wire import Answer, Request, json_answer
from fogbank.ground.aws import LOCAL_ACCOUNT

Params = dict[str, Any]
Missing = Callable[[str, str, str], str | None]
"""A kind of thing, what names it, and the region, to why it is not there; None where it is."""


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
    if paths := dict.fromkeys([*lacking(params, shape), *unknown(params, shape)]):
        raise validation(f"The local cloud does not have {', '.join(paths)} yet; it is refused, not ignored.")


class ControlPlane:
    """The operations that fogbank has, by name. `missing` knows the things that requests name, `events` hears what has no effect."""

    def __init__(self, *rooms: Mapping[str, Operation], missing: Missing, events: Events) -> None:
        self._operations: dict[str, Operation] = {name: operation for room in rooms for name, operation in room.items()}
        self._missing = missing
        self._events = events

    def takes(self, request: Request) -> bool:
        """Whether the request calls one of our operations."""
        service, _, operation = request.headers.get("x-amz-target", "").partition(".")
        return service == "SageMaker" and operation in self._operations

    def has(self, operation: str) -> bool:
        """Whether an operation is ours."""
        return operation in self._operations

    def handle(self, request: Request) -> Answer:
        """Answer a call of one of our operations. Raises NotOursError where it is about something that moto has."""
        name = request.headers["x-amz-target"].rpartition(".")[2]
        try:
            return json_answer(self.call(name, Scope(request.region), _parameters(request.body)))
        except ApiError as error:
            answer = json_answer({"__type": error.code, "message": error.message, **error.members}, error.status)
            return Answer(
                status=answer.status, headers={**answer.headers, "x-amzn-ErrorType": error.code}, body=answer.body
            )

    def call(self, name: str, scope: Scope, params: Params) -> Params:
        """Run one operation with its input and output checked. Raises ApiError."""
        model = service_model().operation_model(name)
        params = without_nulls(params)
        if model.input_shape is not None:
            check_input(params, model.input_shape)
            refuse_lacking(params, model.input_shape)
            self._refuse_missing(scope, params, model.input_shape)
        result = self._operations[name](scope, params)
        if model.input_shape is not None:
            self._mention_inert(name, scope, params, model.input_shape)
        if model.output_shape is None:
            return {}
        answer: Params = check_output(name, result, model.output_shape)
        return answer

    def _refuse_missing(self, scope: Scope, params: Params, shape: Shape) -> None:
        """What a request names must be there. Raises ValidationException."""
        reasons = [self._missing(each.reference or "", each.value, scope.region) for each in references(params, shape)]
        if told := [reason for reason in reasons if reason]:
            raise validation(f"{'; '.join(dict.fromkeys(told))}.")

    def _mention_inert(self, name: str, scope: Scope, params: Params, shape: Shape) -> None:
        """A request was taken with members that have no effect here: whoever listens can say so."""
        if paths := [mention.path for mention in inert(params, shape)]:
            names = {key: value for key, value in params.items() if key.endswith("Name") and isinstance(value, str)}
            self._events.emit("call", scope.region, name, "Inert", members=paths, names=names)


def _parameters(body: bytes) -> Any:
    try:
        parameters = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", f"the body is not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise ApiError("SerializationException", "the body is not a JSON object")
    return parameters


@lru_cache(maxsize=1)
def service_model() -> ServiceModel:
    """botocore's model of SageMaker's control plane."""
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
