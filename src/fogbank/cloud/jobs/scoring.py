"""How a transform job asks the model: its servers as the job sees them, and what a request to them carries.

Source: CreateTransformJob in the API reference; AWS Developer Guide, "Use Your Own Inference Code with Batch Transform".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from fogbank.cloud.jobs.job import JobError
from fogbank.contracts.container import MEBIBYTE
from fogbank.contracts.transform import ModelClient, TransformRequest

STRATEGIES: Mapping[str, str] = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
"""The API's name of a strategy to the container's."""


class Reply(Protocol):
    """A server's answer."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def data(self) -> bytes:
        """The body."""


class Streaming(Protocol):
    """A server's answer that comes in parts."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def parts(self) -> Iterator[bytes]:
        """The body. Raises InstanceDownError, InstanceTimeoutError."""


class Scorer(Protocol):
    """One instance of the job: a server of the model."""

    def alive(self) -> bool:
        """Whether its process is there."""

    def get(self, path: str) -> Reply:
        """GET. Raises InstanceDownError."""

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """POST /invocations. Raises InstanceDownError, InstanceTimeoutError."""

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> Streaming:
        """POST /invocations with a body in chunks. Raises InstanceDownError, InstanceTimeoutError."""

    def close(self) -> None:
        """End it; what it is answering is broken off."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How requests are made."""

    concurrency: int
    strategy: str
    payload_limit: int
    timeout_s: float
    retries: int

    def __str__(self) -> str:
        return (
            f"MaxConcurrentTransforms={self.concurrency}, MaxPayloadInMB={self.payload_limit / MEBIBYTE:g}, "
            f"BatchStrategy={STRATEGIES[self.strategy]}"
        )


def environment_of(request: TransformRequest) -> dict[str, str]:
    """What the instances' environment has beside the model's own; SageMaker sets the last three only where the request has them."""
    environment = {"SAGEMAKER_BATCH": "true"}
    if request.max_payload_mb is not None:
        environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request.max_payload_mb)
    if request.batch_strategy is not None:
        environment["SAGEMAKER_BATCH_STRATEGY"] = STRATEGIES[request.batch_strategy]
    if request.max_concurrent is not None:
        environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request.max_concurrent)
    return {**environment, **(request.environment or {})}


def headers_of(request: TransformRequest) -> dict[str, str]:
    """What every call of the model carries."""
    headers = {"Content-Type": request.source.content_type or "application/octet-stream"}
    return {**headers, "Accept": request.target.accept} if request.target.accept else headers


class Parameters(Protocol):
    """What says its /execution-parameters."""

    def get(self, path: str) -> Reply:
        """GET. Raises InstanceDownError."""


def settings_of(request: TransformRequest, scorer: Parameters) -> Settings:
    """The request's, then those of the container's /execution-parameters, then the defaults. Raises JobError, InstanceDownError."""
    reply = scorer.get("/execution-parameters")
    client = request.client or ModelClient()
    try:
        own = json.loads(reply.data) if reply.status == 200 else {}
        payload_mb = own.get("MaxPayloadInMB", 6) if request.max_payload_mb is None else request.max_payload_mb
        strategy = {value: name for name, value in STRATEGIES.items()}[own.get("BatchStrategy", "MULTI_RECORD")]
        return Settings(
            concurrency=max(1, int(request.max_concurrent or own.get("MaxConcurrentTransforms") or 1)),
            strategy=request.batch_strategy or strategy,
            payload_limit=int(float(payload_mb) * MEBIBYTE),
            timeout_s=600 if client.timeout_s is None else client.timeout_s,
            retries=3 if client.retries is None else client.retries,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise JobError(f"AlgorithmError: the container's /execution-parameters cannot be read: {error!r}") from error
