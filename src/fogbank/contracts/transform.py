"""The words of a batch transform: the CreateTransformJob request as a frozen value.

Components write the request, EventBridge keeps it as JSON, the command line changes it, the cloud runs it.
Source: the SageMaker API reference, CreateTransformJob.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fogbank.ground.members import decode, encode, member

CREATE_TRANSFORM_JOB = "createTransformJob"
"""The operation, as EventBridge Scheduler's universal targets call it."""


@dataclass(frozen=True, kw_only=True)
class TransformInput:
    """What is read. `uri` is a prefix or a manifest, as `data_type` says."""

    data_type: str = member("DataSource.S3DataSource.S3DataType", required=True)
    uri: str = member("DataSource.S3DataSource.S3Uri", required=True)
    content_type: str | None = member("ContentType")
    compression: str | None = member("CompressionType")
    split_type: str | None = member("SplitType")


@dataclass(frozen=True, kw_only=True)
class TransformOutput:
    """What is written."""

    uri: str = member("S3OutputPath", required=True)
    accept: str | None = member("Accept")
    assemble_with: str | None = member("AssembleWith")
    kms_key: str | None = member("KmsKeyId")


@dataclass(frozen=True, kw_only=True)
class TransformResources:
    """On how many instances of which type."""

    instance_type: str = member("InstanceType", required=True)
    instance_count: int = member("InstanceCount", required=True)
    kms_key: str | None = member("VolumeKmsKeyId")
    ami_version: str | None = member("TransformAmiVersion")


@dataclass(frozen=True, kw_only=True)
class ModelClient:
    """How patient the caller of the model is."""

    timeout_s: int | None = member("InvocationsTimeoutInSeconds")
    retries: int | None = member("InvocationsMaxRetries")


@dataclass(frozen=True, kw_only=True)
class DataProcessing:
    """What of a record the model sees, and what is written beside its answer."""

    input_filter: str | None = member("InputFilter")
    output_filter: str | None = member("OutputFilter")
    join_source: str | None = member("JoinSource")


@dataclass(frozen=True, kw_only=True)
class BatchCapture:
    """Where manifests of what was read and written go."""

    uri: str = member("DestinationS3Uri", required=True)
    kms_key: str | None = member("KmsKeyId")
    generate_inference_id: bool | None = member("GenerateInferenceId")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What the job is a trial of."""

    experiment: str | None = member("ExperimentName")
    trial: str | None = member("TrialName")
    component: str | None = member("TrialComponentDisplayName")
    run: str | None = member("RunName")


@dataclass(frozen=True, kw_only=True)
class TransformRequest:
    """A CreateTransformJob request: `TransformRequest.decode(document).encode() == document`."""

    job: str = member("TransformJobName", required=True)
    model: str = member("ModelName", required=True)
    batch_strategy: str | None = member("BatchStrategy")
    max_payload_mb: int | None = member("MaxPayloadInMB")
    max_concurrent: int | None = member("MaxConcurrentTransforms")
    client: ModelClient | None = member("ModelClientConfig", ModelClient)
    environment: Mapping[str, str] | None = member("Environment")
    source: TransformInput = member("TransformInput", TransformInput, required=True)
    target: TransformOutput = member("TransformOutput", TransformOutput, required=True)
    resources: TransformResources = member("TransformResources", TransformResources, required=True)
    processing: DataProcessing | None = member("DataProcessing", DataProcessing)
    capture: BatchCapture | None = member("DataCaptureConfig", BatchCapture)
    experiment: Experiment | None = member("ExperimentConfig", Experiment)
    tags: Sequence[Mapping[str, str]] | None = member("Tags")

    def encode(self) -> dict[str, Any]:
        """The request as the API has it."""
        return encode(self)

    @classmethod
    def decode(cls, document: Mapping[str, Any]) -> TransformRequest:
        """From a request. Raises MemberError (a ValueError) where members are missing or unknown."""
        return decode(cls, document)

    @classmethod
    def described(cls, document: Mapping[str, Any]) -> TransformRequest:
        """From what DescribeTransformJob answers, which has more members. Raises MemberError."""
        return decode(cls, document, whole=False)

    def to_json(self) -> str:
        """The request as a schedule's input."""
        return json.dumps(self.encode())

    @classmethod
    def from_json(cls, text: str) -> TransformRequest:
        """From a schedule's input. Raises ValueError."""
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("a CreateTransformJob request is a JSON object")  # noqa: TRY004 - callers await one error of bad JSON
        return cls.decode(document)

    def over(self, *, job: str, source: str, target: str) -> TransformRequest:
        """The same request as another job, over what lies under `source`, with its outputs under `target` (both S3 URIs)."""
        return replace(self, job=job, source=replace(self.source, uri=source), target=replace(self.target, uri=target))
