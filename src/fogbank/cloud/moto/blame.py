"""Whose fault it is that moto failed on a request: the caller's, where the request is not what the service's own model says.

In: a request; out: AWS's error for it, or None where nothing is wrong with it. moto looks at few of its parameters, and fails on those that
it does not expect; on AWS they are refused.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs
from xml.parsers.expat import ExpatError, ParserCreate

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from fogbank.cloud.api.check import check_input, without_nulls
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.ground.packed import opened
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.journal import operation_name

SIGNED_AS = {"monitoring": "cloudwatch", "email": "ses", "states": "stepfunctions"}
"""What requests are signed for, where botocore calls the service otherwise."""
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


def fault_of(request: Request) -> ApiError | None:
    """What is wrong with a request, whose body was opened before if it is packed."""
    name = operation_name(request)
    try:
        if request.headers.get("x-amz-target"):
            _check(request, name, _document(opened(request)))
        elif name:
            _check_form(request, name)
        elif request.service in {"s3", ""} and request.method in {"PUT", "POST"} and "policy" not in request.query:
            _check_xml(request.body)
    except ApiError as error:
        return error
    return None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", f"the body is not JSON: {error}"[:300]) from error
    if not isinstance(document, dict):
        raise ApiError("SerializationException", "the body is not a JSON object")
    return document


def _check(request: Request, name: str, params: dict[str, Any]) -> None:
    shape = _input(request.service, name)
    if shape is not None:
        check_input(without_nulls(params), shape)


def _check_form(request: Request, name: str) -> None:
    """Of a form its required parameters are looked at: they are there, and say something."""
    shape = _input(request.service, name)
    given = {key.partition(".")[0] for key in parse_qs(opened(request).decode(errors="replace"))}
    for member in shape.required_members if shape is not None else ():
        if member not in given and shape.members[member].serialization.get("name", member) not in given:
            raise validation(f"The request must contain the parameter {member}.")


def _check_xml(body: bytes) -> None:
    """A document of S3's, if there is any, is one, without entities of its own, and says something."""
    if not body:
        return
    names: list[str] = []
    parser = ParserCreate()
    parser.StartElementHandler = lambda name, _: names.append(name)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except ExpatError as error:
        raise ApiError("MalformedXML", MALFORMED) from error
    if len(names) < 2:
        raise ApiError("MalformedXML", MALFORMED)


def _refuse_doctype(*_: object) -> None:
    raise ApiError("MalformedXML", MALFORMED)


def _input(service: str, name: str) -> Any:
    model = _model(SIGNED_AS.get(service, service))
    if model is None:
        raise ApiError(
            "UnrecognizedClientException", f"the request is signed for no service that there is: {service!r}"
        )
    try:
        return model.operation_model(name).input_shape
    except OperationNotFoundError:
        raise ApiError("UnknownOperationException", f"{service} has no operation {name[:100]!r}") from None


@lru_cache(maxsize=32)
def _model(service: str) -> ServiceModel | None:
    try:
        return ServiceModel(Loader().load_service_model(service, "service-2"), service)
    except (DataNotFoundError, UnknownServiceError, ValueError):
        return None
