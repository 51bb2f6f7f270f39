"""SageMaker's SDK v3, ModelBuilder: a container and its data as a serverless, an asynchronous endpoint, and one on instances.

In: a bucket with `m.tar.gz`, the prefix of all names; out: JSON of what was answered.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
from sagemaker.core.inference_config import AsyncInferenceConfig, ServerlessInferenceConfig
from sagemaker.core.resources import Endpoint
from sagemaker.serve.mode.function_pointers import Mode
from sagemaker.serve.model_builder import ModelBuilder

name, role = sys.argv[1], f"arn:aws:iam::123456789012:role/{sys.argv[1]}"
seen: dict[str, Any] = {}
trusts = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
allows = {"Effect": "Allow", "Action": "*", "Resource": "*"}
iam = boto3.client("iam")  # ModelBuilder looks at the role, and has its policies simulated
iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusts]}))
iam.put_role_policy(
    RoleName=name, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allows]})
)
s3 = boto3.client("s3")


def deployed(suffix: str, **more: Any) -> Endpoint:
    """An endpoint that is InService."""
    builder = ModelBuilder(
        image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1", s3_model_data_url=f"s3://{name}/m.tar.gz", role_arn=role,
        instance_type="ml.m5.xlarge", mode=Mode.SAGEMAKER_ENDPOINT,
    )  # fmt: skip
    builder.build(model_name=f"{name}{suffix}")
    made = builder.deploy(endpoint_name=f"{name}{suffix}", wait=False, **more)
    made.wait_for_status("InService", poll=1, timeout=200)
    return made


def said(of: Endpoint) -> str:
    """What it answers."""
    return str(of.invoke(body=b"hello", content_type="text/plain").body.read().decode())


seen["instances"] = said(deployed("-b", initial_instance_count=1))
small = ServerlessInferenceConfig(memory_size_in_mb=1024, max_concurrency=2)
seen["serverless"] = said(deployed("-bl", inference_config=small))
# With a path left out the SDK asks STS at an address of its own for the name of a bucket.
queued = AsyncInferenceConfig(output_path=f"s3://{name}/answers", failure_path=f"s3://{name}/failures")
later = deployed("-bq", initial_instance_count=1, inference_config=queued)
s3.put_object(Bucket=name, Key="asked", Body=b"hello")
place = later.invoke_async(input_location=f"s3://{name}/asked", content_type="text/plain").output_location
key = place.removeprefix(f"s3://{name}/")
s3.get_waiter("object_exists").wait(Bucket=name, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
seen["asynchronous"] = s3.get_object(Bucket=name, Key=key)["Body"].read().decode()
print("\n" + json.dumps(seen))
