"""What a monitor looks at: an endpoint's captured traffic, or what the jobs of a BatchTransform captured. Values and refusals.

In: one of the two; out: where records lie, whose they are, and what a kind of monitor cannot find there. Sources: the SageMaker API
reference, BatchTransformInput; the Developer Guide, "Capture data from batch transform job".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi

from fogbank.components.batch import BatchTransform
from fogbank.components.endpoint import Endpoint
from fogbank.components.monitor_kinds import Bias, Kind, ModelQuality
from fogbank.components.service import ModelService
from fogbank.contracts.monitoring import PROCESSING


@dataclass(frozen=True, kw_only=True)
class Captured:
    """Records below the S3 URI `uri`, of the `endpoint` of that name, or of batch transform jobs where there is none; `reads` are prefixes
    that the service's role does not read by itself."""

    service: ModelService
    uri: pulumi.Output[str]
    endpoint: pulumi.Output[str] | None = None
    reads: tuple[str, ...] = ()

    @property
    def local_path(self) -> str:
        """Where an execution of Model Monitor finds them."""
        return f"{PROCESSING}/input/{'batch' if self.endpoint is None else 'endpoint'}"


def captured(endpoint: Endpoint | None, batch: BatchTransform | None) -> Captured:
    """Of the one that is given. Raises ValueError where none or both are, or where it captures nothing."""
    if endpoint is not None and batch is None:
        if endpoint.capture_uri is None:
            raise ValueError("the endpoint captures nothing: give it capture=DataCapture() to monitor it")
        return Captured(service=endpoint.service, uri=endpoint.capture_uri, endpoint=endpoint.endpoint_name)
    if batch is not None and endpoint is None:
        if batch.capture_uri is None or batch.capture_prefix is None:
            raise ValueError('the batch captures nothing: give it capture_prefix="batch/captured/" to monitor it')
        return Captured(service=batch.service, uri=batch.capture_uri, reads=(f"{batch.capture_prefix.strip('/')}/",))
    raise ValueError("a monitor looks at one of endpoint and batch")


def of_batch(kind: Kind, batch: BatchTransform) -> Iterator[str]:
    """What a kind cannot find in what this batch captures."""
    processing = batch.processing
    filtered = bool(processing and processing.input_filter)
    joined = bool(processing and processing.join_source == "Input")
    if not isinstance(kind, ModelQuality | Bias):
        if filtered:
            yield f"{kind.type} looks at what the jobs were given, and with input_filter that has columns which the model does not see"
        return
    if not batch.inference_ids:
        yield "labels are matched by inference ids: give the batch inference_ids=True"
    if isinstance(kind, Bias) and not joined:
        yield 'bias needs the features beside the answers: give the batch processing=DataProcessing(join_source="Input")'
    if isinstance(kind, Bias) and filtered:
        yield "bias finds features by the model's columns, and with input_filter a row begins with others"
    if joined and not filtered and not (processing and processing.output_filter):
        yield from _before_the_answer(kind, len(batch.service.package.package.input.names))


def _before_the_answer(kind: ModelQuality | Bias, columns: int) -> Iterator[str]:
    """Attributes that are the model's own columns: a joined row has the answer behind them."""
    for name in ("inference", "probability"):
        place: Any = getattr(kind, name)
        if str(place).isdecimal() and int(place) < columns:
            yield f"{name} {place} is a feature: with join_source the answer comes behind {columns} columns, from {columns} on"
