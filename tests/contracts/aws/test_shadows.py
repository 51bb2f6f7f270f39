"""Shadow variants with real processes, by unmodified boto3."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import ECHO, Scripted
from tests.contracts.aws.served import code_of
from tests.waiting import until, until_answer

FAILS = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    raise ValueError("a shadow's failure")
"""


def test_a_shadow_hears_what_is_asked_is_counted_and_captured_and_its_failure_hurts_nobody(
    shared_cloud: CloudProcess, unique: str
) -> None:
    names = {
        "v": Scripted.made(shared_cloud, unique, ECHO).name,
        "s": Scripted.made(shared_cloud, f"{unique}s", FAILS).name,
    }
    sagemaker = shared_cloud.client("sagemaker")

    def variant(name: str) -> dict[str, Any]:
        return {"VariantName": name, "ModelName": names[name], "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}

    sagemaker.create_endpoint_config(
        EndpointConfigName=unique, ProductionVariants=[variant("v")], ShadowProductionVariants=[variant("s")]
    )
    assert sagemaker.describe_endpoint_config(EndpointConfigName=unique)["ShadowProductionVariants"] == [variant("s")]
    sagemaker.create_endpoint(EndpointName=unique, EndpointConfigName=unique)
    described = until_answer(
        lambda: sagemaker.describe_endpoint(EndpointName=unique),
        lambda found: found["EndpointStatus"] != "Creating",
        120,
    )
    assert described["EndpointStatus"] == "InService", described
    assert described["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 1
    runtime = shared_cloud.client("sagemaker-runtime")

    def total(metric: str, name: str) -> float:
        points = shared_cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Statistics=["Sum"], Period=3600,
            StartTime=time.time() - 600, EndTime=time.time() + 600,
            Dimensions=[{"Name": "EndpointName", "Value": unique}, {"Name": "VariantName", "Value": name}],
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    for _ in range(4):
        answer = runtime.invoke_endpoint(EndpointName=unique, Body=b"1,2", ContentType="text/csv")
        assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (b"1,2", "v")
    until(lambda: (total("Invocations", "v"), total("Invocations", "s")) == (4, 4))
    assert (total("Invocation5XXErrors", "v"), total("Invocation5XXErrors", "s")) == (0, 4)
    assert (
        code_of(partial(runtime.invoke_endpoint, EndpointName=unique, Body=b"", TargetVariant="s"))[0]
        == "ValidationError"
    )
