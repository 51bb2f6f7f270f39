"""boto3's waiters of what is served here: each ends where botocore's waiters-2 says, and fails at once where it cannot.

Source: botocore's sagemaker/2017-07-24/waiters-2.json. There is none for inference components.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import WaiterError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.contracts.aws.test_rollouts import Account

HANDLER = """
def model_fn(folder):
    return 2
def predict_fn(rows, model):
    return [[model * float(rows[0][0])]]
"""
SOON = {"Delay": 1, "MaxAttempts": 120}


def test_waiters_of_endpoints(shared_cloud: CloudProcess, unique: str) -> None:
    account = Account(shared_cloud, unique)
    sagemaker = account.sagemaker
    good, bad = account.version("good", code=HANDLER), account.version("bad", code="nothing = 1")
    for name in (good, bad):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=good, WaiterConfig=SOON)
    with pytest.raises(WaiterError, match='"Failed"'):
        waiter.wait(EndpointName=bad, WaiterConfig=SOON)
    with pytest.raises(WaiterError, match="ValidationException"):
        waiter.wait(EndpointName=f"{unique}-none", WaiterConfig=SOON)
    for name in (good, bad):
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=SOON)


def test_waiters_of_jobs(shared_cloud: CloudProcess, unique: str) -> None:
    account = Account(shared_cloud, unique)
    sagemaker, s3 = account.sagemaker, shared_cloud.client("s3")
    model = account.version("good", code=HANDLER)
    s3.put_object(Bucket=account.name, Key="in/rows.csv", Body=b"21\n")

    def transform(name: str, key: str, body: str) -> None:
        s3.put_object(Bucket=account.name, Key=key, Body=body.encode())
        place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.name}/{key}"}
        sagemaker.create_transform_job(
            TransformJobName=name, ModelName=model, TransformOutput={"S3OutputPath": f"s3://{account.name}/out"},
            TransformInput={"DataSource": {"S3DataSource": place}, "ContentType": "text/csv"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )  # fmt: skip

    def process(name: str, command: str) -> None:
        sagemaker.create_processing_job(
            ProcessingJobName=name, RoleArn=ROLE, AppSpecification={"ImageUri": "i", "ContainerEntrypoint": ["sh", "-c", command]},
            ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        )  # fmt: skip

    transform(f"{unique}-t", "in/good", "21\n")
    transform(f"{unique}-f", "in/bad", "no number\n")
    process(f"{unique}-p", "true")
    process(f"{unique}-e", "exit 3")
    process(f"{unique}-s", "sleep 600")
    sagemaker.stop_processing_job(ProcessingJobName=f"{unique}-s")

    def waited(kind: str, **name: Any) -> None:
        sagemaker.get_waiter(kind).wait(**name, WaiterConfig=SOON)

    waited("transform_job_completed_or_stopped", TransformJobName=f"{unique}-t")
    with pytest.raises(WaiterError, match='"Failed"'):
        waited("transform_job_completed_or_stopped", TransformJobName=f"{unique}-f")
    waited("processing_job_completed_or_stopped", ProcessingJobName=f"{unique}-p")
    waited("processing_job_completed_or_stopped", ProcessingJobName=f"{unique}-s")
    with pytest.raises(WaiterError, match='"Failed"'):
        waited("processing_job_completed_or_stopped", ProcessingJobName=f"{unique}-e")
    for kind, member in (("transform", "Transform"), ("processing", "Processing"), ("training", "Training")):
        with pytest.raises(WaiterError, match="ValidationException"):
            waited(f"{kind}_job_completed_or_stopped", **{f"{member}JobName": f"{unique}-none"})
