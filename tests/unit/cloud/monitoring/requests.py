"""Requests of the monitoring calls, as tests make them."""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::123456789012:role/r"
ROOT = "/opt/ml/processing"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}


def definition(name: str = "d", endpoint: str = "ep", **others: Any) -> dict[str, Any]:
    """A CreateDataQualityJobDefinition request."""
    output = {"S3Uri": "s3://b/results", "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    return {
        "JobDefinitionName": name,
        "RoleArn": ROLE,
        "DataQualityAppSpecification": {"ImageUri": "local/fogbank-monitor"},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": endpoint, "LocalPath": f"{ROOT}/input/endpoint"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
        "JobResources": {"ClusterConfig": CLUSTER},
        **others,
    }


def batch_input(bucket: str = "b", **others: Any) -> dict[str, Any]:
    """A JobInput of what batch transform jobs capture."""
    captured = {
        "DataCapturedDestinationS3Uri": f"s3://{bucket}/capture",
        "DatasetFormat": {"Csv": {"Header": False}},
        "LocalPath": f"{ROOT}/input/batch",
    }
    return {"BatchTransformInput": {**captured, **others}}


def quality_definition(
    name: str = "d", endpoint: str = "ep", bucket: str = "b", **endpoint_input: Any
) -> dict[str, Any]:
    """A CreateModelQualityJobDefinition request, of a binary model whose answers are CSV: the class, then the probability."""
    output = {"S3Uri": f"s3://{bucket}/results", "LocalPath": f"{ROOT}/output"}
    asks = {
        "EndpointName": endpoint,
        "LocalPath": f"{ROOT}/input_data",
        "InferenceAttribute": "0",
        "ProbabilityAttribute": "1",
    }
    return {
        "JobDefinitionName": name,
        "RoleArn": ROLE,
        "ModelQualityAppSpecification": {"ImageUri": "local/fogbank-monitor", "ProblemType": "BinaryClassification"},
        "ModelQualityJobInput": {
            "EndpointInput": {**asks, **endpoint_input},
            "GroundTruthS3Input": {"S3Uri": f"s3://{bucket}/truth"},
        },
        "ModelQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
        "JobResources": {"ClusterConfig": CLUSTER},
    }


def schedule(name: str = "s", definition_name: str = "d", **config: Any) -> dict[str, Any]:
    """A CreateMonitoringSchedule request."""
    return {
        "MonitoringScheduleName": name,
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": definition_name,
            "MonitoringType": "DataQuality",
            **config,
        },
    }
