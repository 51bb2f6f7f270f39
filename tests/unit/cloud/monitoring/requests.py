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
