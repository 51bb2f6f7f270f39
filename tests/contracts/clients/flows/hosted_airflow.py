"""Airflow's SageMaker operators and sensors, as a DAG's tasks would run them one after the other.

In: the names of a bucket with `m.tar.gz` and of everything that is made, an image; out: JSON of what they said.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.sagemaker import (
    SageMakerDeleteModelOperator,
    SageMakerEndpointConfigOperator,
    SageMakerEndpointOperator,
    SageMakerModelOperator,
    SageMakerProcessingOperator,
    SageMakerRegisterModelVersionOperator,
    SageMakerTrainingOperator,
    SageMakerTransformOperator,
)
from airflow.providers.amazon.aws.sensors.sagemaker import SageMakerEndpointSensor, SageMakerTransformSensor
from botocore.exceptions import ClientError

name, role = sys.argv[1], "arn:aws:iam::123456789012:role/r"
seen: dict[str, Any] = {}
AWS: dict[str, Any] = {"aws_conn_id": None, "region_name": "us-east-1"}
SOON: dict[str, Any] = {"check_interval": 1, "max_ingestion_time": 120}


class Links(dict[str, Any]):
    """The context of a task that nobody watches: links of a page are kept nowhere."""

    def __missing__(self, key: str) -> Any:
        return self

    def __getattr__(self, key: str) -> Any:
        return lambda *_, **__: None


def run(operator: Any) -> Any:
    """A task's work."""
    return operator.execute(Links())


def refused(operator: Any) -> str:
    """The words with which a task's work is refused."""
    try:
        run(operator)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def config(suffix: str, **more: Any) -> dict[str, Any]:
    """An endpoint's configuration; `more` goes to its variant, but what begins with Async."""
    of_all = {key: value for key, value in more.items() if key.startswith("Async")}
    where = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1} if "ServerlessConfig" not in more else {}
    variant = {
        "VariantName": "v",
        "ModelName": name,
        **where,
        **{key: value for key, value in more.items() if key not in of_all},
    }
    return {"EndpointConfigName": f"{name}{suffix}", "ProductionVariants": [variant], **of_all}


container = {"Image": "i", "ModelDataUrl": f"s3://{name}/m.tar.gz"}
run(
    SageMakerModelOperator(
        task_id="model", config={"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": container}, **AWS
    )
)
kinds = {
    "": config(""),
    "-s": config("-s", ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 2}),
    "-q": config("-q", AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{name}/answers"}}),
}
for suffix, each in kinds.items():
    run(SageMakerEndpointConfigOperator(task_id=f"config{suffix}", config=each, **AWS))
    endpoint = {"EndpointName": f"{name}{suffix}", "EndpointConfigName": each["EndpointConfigName"]}
    made = run(SageMakerEndpointOperator(task_id=f"endpoint{suffix}", config={"Endpoint": endpoint}, **SOON, **AWS))
    seen[f"endpoint{suffix}"] = made["Endpoint"]["EndpointStatus"]
run(SageMakerEndpointConfigOperator(task_id="next", config=config("-next"), **AWS))
again = {"Endpoint": {"EndpointName": name, "EndpointConfigName": f"{name}-next"}}
updated = run(SageMakerEndpointOperator(task_id="again", config=again, **SOON, **AWS))  # it is there, and is updated
seen["updated"] = updated["Endpoint"]["EndpointConfigName"].removeprefix(name)
seen["sensor"] = SageMakerEndpointSensor(task_id="sensor", endpoint_name=name, **AWS).poke(Links())

source = {
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{name}/in/"}},
    "ContentType": "text/csv",
}
job = {
    "TransformJobName": name, "ModelName": name, "TransformInput": source, "TransformOutput": {"S3OutputPath": f"s3://{name}/out"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}  # fmt: skip
seen["transform"] = run(SageMakerTransformOperator(task_id="transform", config=job, **SOON, **AWS))["Transform"][
    "TransformJobStatus"
]
seen["transform sensor"] = SageMakerTransformSensor(task_id="after", job_name=name, **AWS).poke(Links())

processing = {
    "ProcessingJobName": name, "RoleArn": role, "AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["sh", "-c", "true"]},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
}  # fmt: skip
done = run(SageMakerProcessingOperator(task_id="processing", config=processing, **SOON, **AWS))
seen["processing"] = done["Processing"]["ProcessingJobStatus"]
package = run(
    SageMakerRegisterModelVersionOperator(
        task_id="register", image_uri="i", model_url=container["ModelDataUrl"], package_group_name=name, **AWS
    )
)
described = SageMakerHook(**AWS).conn.describe_model_package(ModelPackageName=package)
seen["package"] = [described["ModelPackageVersion"], described["ModelApprovalStatus"]]

training = {
    "TrainingJobName": name, "RoleArn": role, "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": f"s3://{name}/trained"}, "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
}  # fmt: skip
seen["training"] = refused(
    SageMakerTrainingOperator(task_id="training", config=training, print_log=False, **SOON, **AWS)
)
run(SageMakerDeleteModelOperator(task_id="delete", config={"ModelName": name}, **AWS))
print("\n" + json.dumps(seen))
