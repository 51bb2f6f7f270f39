"""The words of a processing job: the CreateProcessingJob request as a frozen value. Monitors write it, the cloud runs it.

Source: the SageMaker API reference, CreateProcessingJob.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.ground.members import decode, encode, member

SHARDED = "ShardedByS3Key"
"""The S3DataDistributionType by which each host is given objects of its own; by the other one, FullyReplicated, each is given all."""


@dataclass(frozen=True, kw_only=True)
class ProcessingInput:
    """What lies below `local_path` when the container starts: the objects under `uri`."""

    name: str = member("InputName", required=True)
    uri: str | None = member("S3Input.S3Uri")
    local_path: str | None = member("S3Input.LocalPath")
    data_type: str | None = member("S3Input.S3DataType")
    input_mode: str | None = member("S3Input.S3InputMode")
    distribution: str | None = member("S3Input.S3DataDistributionType")
    compression: str | None = member("S3Input.S3CompressionType")
    app_managed: bool | None = member("AppManaged")
    dataset: Mapping[str, Any] | None = member("DatasetDefinition")


@dataclass(frozen=True, kw_only=True)
class ProcessingOutput:
    """What lies below `local_path` when the container has ended goes under `uri`."""

    name: str = member("OutputName", required=True)
    uri: str | None = member("S3Output.S3Uri")
    local_path: str | None = member("S3Output.LocalPath")
    upload_mode: str | None = member("S3Output.S3UploadMode")
    app_managed: bool | None = member("AppManaged")
    feature_store: Mapping[str, Any] | None = member("FeatureStoreOutput")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """On how many instances of which type."""

    instance_count: int | None = member("InstanceCount")
    instance_type: str | None = member("InstanceType")
    volume_gb: int | None = member("VolumeSizeInGB")
    kms_key: str | None = member("VolumeKmsKeyId")
    preferences: Sequence[Mapping[str, Any]] | None = member("InstancePreferences")
    selected_type: str | None = member("SelectedInstanceType")
    selected_count: int | None = member("SelectedInstanceCount")


@dataclass(frozen=True, kw_only=True)
class ProcessingRequest:
    """A CreateProcessingJob request: `ProcessingRequest.decode(document).encode() == document`."""

    job: str = member("ProcessingJobName", required=True)
    image: str = member("AppSpecification.ImageUri", required=True)
    entrypoint: Sequence[str] | None = member("AppSpecification.ContainerEntrypoint")
    arguments: Sequence[str] | None = member("AppSpecification.ContainerArguments")
    environment: Mapping[str, str] | None = member("Environment")
    inputs: tuple[ProcessingInput, ...] | None = member("ProcessingInputs", ProcessingInput)
    outputs: tuple[ProcessingOutput, ...] | None = member("ProcessingOutputConfig.Outputs", ProcessingOutput)
    kms_key: str | None = member("ProcessingOutputConfig.KmsKeyId")
    cluster: Cluster = member("ProcessingResources.ClusterConfig", Cluster, required=True)
    max_runtime_s: int | None = member("StoppingCondition.MaxRuntimeInSeconds")
    network: Mapping[str, Any] | None = member("NetworkConfig")
    role: str = member("RoleArn", required=True)
    experiment: Mapping[str, str] | None = member("ExperimentConfig")
    tags: Sequence[Mapping[str, str]] | None = member("Tags")

    def encode(self) -> dict[str, Any]:
        """The request as the API has it."""
        return encode(self)

    @classmethod
    def decode(cls, document: Mapping[str, Any]) -> ProcessingRequest:
        """From a request. Raises MemberError (a ValueError) where members are missing or unknown."""
        return decode(cls, document)

    @classmethod
    def described(cls, document: Mapping[str, Any]) -> ProcessingRequest:
        """From what DescribeProcessingJob answers, which has more members. Raises MemberError."""
        return decode(cls, document, whole=False)
