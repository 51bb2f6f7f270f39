"""A deployed reference model, and how its state is waited for: what the suites of the AWS API share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.waiting import until_answer

ROLE = "arn:aws:iam::123456789012:role/r"


@dataclass(frozen=True)
class Served:
    """A bucket with the reference model, and a Model of it."""

    cloud: CloudProcess
    name: str
    sample: bytes

    @property
    def sagemaker(self) -> Any:
        return self.cloud.client("sagemaker")

    @property
    def s3(self) -> Any:
        return self.cloud.client("s3")

    def invoke(self, body: bytes | None = None, **extra: Any) -> Any:
        runtime = self.cloud.client("sagemaker-runtime")
        return runtime.invoke_endpoint(
            EndpointName=self.name, ContentType="text/csv", Body=self.sample if body is None else body, **extra
        )

    def config(self, suffix: str = "", **extra: Any) -> str:
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": self.name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        name = self.name + suffix
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **extra)
        return name

    def other_version(self, suffix: str, **container: Any) -> str:
        """Another Model and an endpoint configuration of it, both under one name."""
        name = self.name + suffix
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i", **container})
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def endpoint(self, **extra: Any) -> None:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.config(**extra))
        self.settled()

    def settled(self) -> dict[str, Any]:
        return until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda d: d["EndpointStatus"] not in {"Creating", "Updating"},
        )

    def transform(self, job: str, uri: str, **extra: Any) -> dict[str, Any]:
        source = {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        }
        self.sagemaker.create_transform_job(**{
            "TransformJobName": job, "ModelName": self.name, "TransformInput": source,
            "TransformOutput": {"S3OutputPath": f"s3://{self.name}/out", "Accept": "text/csv"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}, **extra,
        })  # fmt: skip
        return until_answer(
            lambda: self.sagemaker.describe_transform_job(TransformJobName=job),
            lambda d: d["TransformJobStatus"] not in {"InProgress", "Stopping"},
        )

    def keys(self, prefix: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])]


def code_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]
