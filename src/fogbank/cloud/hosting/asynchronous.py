"""One asynchronous request as data: what InvokeEndpointAsync accepted, and where its outcome goes.

In: the call's headers and body, and the endpoint's AsyncInferenceConfig; out: a frozen value that lies in the store as JSON until its
outcome was told, or AWS's ValidationError. Sources: botocore's model of the runtime; the Developer Guide's "Invoke an Asynchronous
Endpoint".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Self

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.cloud.api.check import check_input
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.store import Document
from fogbank.ground.aws import join_key, split_uri

HEADER = "x-amzn-sagemaker-"
BODY_LIMIT = 128_000
"""Bytes of an inline body."""
INPUT_LIMIT = 1 << 30
"""Bytes of an input object: 1 GB, as the Developer Guide says."""
DEFAULT_TTL_S, DEFAULT_TIMEOUT_S = 21_600, 900
DEFAULT_CONCURRENCY = 4
"""MaxConcurrentInvocationsPerInstance where none is given: "SageMaker chooses an optimal value"."""
SUCCESS, ERROR = "SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"


@dataclass(frozen=True, kw_only=True)
class AsyncConfig:
    """An AsyncInferenceConfig. `included` names the topics whose messages have the response in them."""

    output: str
    failure: str = ""
    topics: Mapping[str, str] = field(default_factory=dict)
    included: tuple[str, ...] = ()
    concurrency: int = DEFAULT_CONCURRENCY

    @classmethod
    def of(cls, config: Document) -> Self | None:
        """That of an endpoint configuration; None where its endpoints are not asynchronous."""
        given = config.get("AsyncInferenceConfig")
        if given is None:
            return None
        output, client = given["OutputConfig"], given.get("ClientConfig", {})
        notified = output.get("NotificationConfig", {})
        topics = {SUCCESS: notified.get("SuccessTopic"), ERROR: notified.get("ErrorTopic")}
        return cls(
            output=output.get("S3OutputPath", ""),
            failure=output.get("S3FailurePath", ""),
            topics={kind: topic for kind, topic in topics.items() if topic},
            included=tuple(notified.get("IncludeInferenceResponseIn", ())),
            concurrency=client.get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY),
        )


@dataclass(frozen=True, kw_only=True)
class AsyncRequest:
    """What was accepted. `received` is the cloud's time, `endpoint_made` the CreationTime of the endpoint that took it, `headers` are
    for the container. `message` and `told_after` are there once the outcome is in S3: what is to be published, and the number that the
    journal had reached before."""

    id: str
    region: str
    endpoint: str
    endpoint_made: float
    received: float
    ttl_s: float
    timeout_s: float
    inference_id: str
    output: str
    failure: str = ""
    input: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)
    included: tuple[str, ...] = ()
    topic: str = ""
    message: str = ""
    told_after: int = 0

    @property
    def inline(self) -> bytes:
        """The body that came with the call."""
        return base64.b64decode(self.body)

    def encode(self) -> Document:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        return cls(**{**document, "included": tuple(document.get("included", ()))})


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Who takes a request: the endpoint with its configuration, the request's new id, and when."""

    id: str
    region: str
    endpoint: str
    endpoint_made: float
    received: float
    config: AsyncConfig


def accepted(headers: Mapping[str, str], body: bytes, taken: Taken) -> AsyncRequest:
    """The request of a call. Raises ValidationError."""
    params = _params(headers, taken.endpoint)
    if bool(params.get("InputLocation")) == bool(body):
        raise _invalid("Exactly one of Body and InputLocation must be given.")
    if len(body) > BODY_LIMIT:
        raise _invalid(f"The body of {len(body)} bytes is over the limit of {BODY_LIMIT} bytes: put it into S3.")
    if "InputLocation" in params:
        check_location(params["InputLocation"], "InputLocation")
    config = taken.config
    folder = join_key(config.output, params.get("S3OutputPathExtension", "").strip("/"))
    return AsyncRequest(
        id=taken.id,
        region=taken.region,
        endpoint=taken.endpoint,
        endpoint_made=taken.endpoint_made,
        received=taken.received,
        ttl_s=params.get("RequestTTLSeconds", DEFAULT_TTL_S),
        timeout_s=params.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT_S),
        inference_id=params.get("InferenceId", taken.id),
        output=_under(folder, params.get("Filename", f"{taken.id}.out")),
        failure=_under(config.failure, f"{taken.id}-error.out") if config.failure else "",
        input=params.get("InputLocation", ""),
        body=base64.b64encode(body).decode(),
        headers=_for_container(params),
        topics=config.topics,
        included=config.included,
    )


def check_location(uri: str, member: str) -> None:
    """Refuse what is no place in S3. Raises ValidationError."""
    try:
        split_uri(uri)
    except ValueError as error:
        raise _invalid(f"{member} must be an S3 URI (s3://bucket/key), not {uri}.") from error


def _params(headers: Mapping[str, str], endpoint: str) -> dict[str, Any]:
    """The call's members by botocore's names, checked against their shapes."""
    shape = _input_shape()
    params: dict[str, Any] = {"EndpointName": endpoint}
    for name, member in shape.members.items():
        value = headers.get(member.serialization.get("name", "").lower())
        if member.serialization.get("location") != "header" or value is None:
            continue
        if member.type_name == "integer" and not value.isdecimal():
            raise _invalid(f"{name} must be a number, not {value}.")
        params[name] = int(value) if member.type_name == "integer" else value
    try:
        check_input(params, shape)
    except ApiError as error:
        raise _invalid(error.message) from error
    return params


@lru_cache(maxsize=1)
def _input_shape() -> Any:
    model = ServiceModel(Loader().load_service_model("sagemaker-runtime", "service-2"), "sagemaker-runtime")
    return model.operation_model("InvokeEndpointAsync").input_shape


def _for_container(params: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "ContentType": "content-type",
        "Accept": "accept",
        "CustomAttributes": HEADER + "custom-attributes",
        "InferenceId": HEADER + "inference-id",
    }
    return {header: params[name] for name, header in names.items() if name in params}


def _under(folder: str, name: str) -> str:
    """An object's URI in a folder of S3."""
    return f"{folder.rstrip('/')}/{name}"


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)
