"""Inference components by unmodified boto3: copies as real processes on one endpoint, each asked by its name."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, code_of
from tests.waiting import until_answer

SAYS = """
import json, os
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    if text == "die":
        import signal
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return json.dumps({"word": os.environ.get("WORD", ""), "pid": os.getppid(), "asked": text}), "application/json"
"""
MOVING = {"Creating", "Updating", "Deleting"}


class Hosted:
    """An endpoint for inference components, and components of one script; all names begin with `name`."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.sagemaker, self.s3 = cloud.client("sagemaker"), cloud.client("s3")
        self.s3.create_bucket(Bucket=name)
        archive = io.BytesIO()
        write_archive(archive, {"code/inference.py": SAYS.encode()})
        self.s3.put_object(Bucket=name, Key="m.tar.gz", Body=archive.getvalue())

    def config(self, suffix: str = "", **variant: Any) -> str:
        item = {"VariantName": "v", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1, **variant}
        name = self.name + suffix
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[item])
        return name

    def endpoint(self, **variant: Any) -> dict[str, Any]:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.config(**variant))
        return self.settled_endpoint()

    def settled_endpoint(self) -> dict[str, Any]:
        return until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda found: found["EndpointStatus"] not in {"Creating", "Updating", "SystemUpdating"},
        )

    def specification(self, word: str = "one", cores: float = 1, memory: int = 1024, **extra: Any) -> dict[str, Any]:
        return {
            "Container": {
                "Image": "i",
                "ArtifactUrl": f"s3://{self.name}/m.tar.gz",
                "Environment": {"WORD": word},
            },
            "ComputeResourceRequirements": {"NumberOfCpuCoresRequired": cores, "MinMemoryRequiredInMb": memory},
            **extra,
        }

    def create(self, suffix: str = "-c", copies: int = 1, **spec: Any) -> str:
        name = self.name + suffix
        self.sagemaker.create_inference_component(
            InferenceComponentName=name, EndpointName=self.name, VariantName="v",
            Specification=self.specification(**spec), RuntimeConfig={"CopyCount": copies},
        )  # fmt: skip
        return name

    def settled(self, name: str) -> dict[str, Any]:
        return until_answer(
            lambda: self.sagemaker.describe_inference_component(InferenceComponentName=name),
            lambda found: found["InferenceComponentStatus"] not in MOVING,
            60,
        )

    def copies(self, name: str, count: int) -> dict[str, Any]:
        self.sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": count}
        )
        return self.settled(name)

    def invoke(self, component: str | None, body: str = "x", **extra: Any) -> Any:
        named = {"InferenceComponentName": component} if component else {}
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.name, Body=body.encode(), ContentType="text/csv", **named, **extra
        )
        return json.loads(answer["Body"].read())

    def total(self, metric: str, component: str) -> float:
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Statistics=["Sum"], Period=3600,
            StartTime=time.time() - 600, EndTime=time.time() + 86400,
            Dimensions=[{"Name": "InferenceComponentName", "Value": component}],
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    def gone(self, name: str) -> None:
        def code() -> str:
            try:
                self.sagemaker.describe_inference_component(InferenceComponentName=name)
            except ClientError as error:
                return str(error.response["Error"]["Message"])
            return ""

        assert "Could not find inference component" in until_answer(code, bool)


@pytest.fixture
def hosted(shared_cloud: CloudProcess, unique: str) -> Iterator[Hosted]:
    hosted = Hosted(shared_cloud, unique)
    yield hosted
    listed = hosted.sagemaker.list_inference_components(NameContains=unique)["InferenceComponents"]
    for each in listed:
        hosted.settled(each["InferenceComponentName"])
        hosted.sagemaker.delete_inference_component(InferenceComponentName=each["InferenceComponentName"])


def test_a_component_lives_as_copies_that_are_asked_by_its_name(hosted: Hosted) -> None:
    variant = hosted.endpoint()["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)
    assert code_of(lambda: hosted.invoke(None))[1].startswith("Inference Component Name header is required")
    name = hosted.create(copies=2)
    other = hosted.create("-d", word="two")
    found = hosted.settled(name)
    assert found["InferenceComponentStatus"] == "InService", found.get("FailureReason")
    assert found["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"] == "i"
    placed = {"InstanceType": "ml.m5.xlarge", "CurrentCopyCount": 2}
    assert found["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2, "PlacementStatus": [placed]}
    assert found["EndpointArn"].endswith(f":endpoint/{hosted.name}")
    hosted.settled(other)

    pids = {hosted.invoke(name)["pid"] for _ in range(20)}
    assert len(pids) == 2, "both copies answer"
    assert hosted.invoke(other)["word"] == "two"
    assert hosted.total("Invocations", name) == 20
    assert hosted.total("InvocationsPerCopy", name) == 10
    logs = hosted.cloud.client("logs").describe_log_streams(logGroupName=f"/aws/sagemaker/InferenceComponents/{name}")
    assert len(logs["logStreams"]) == 2

    listed = hosted.sagemaker.list_inference_components(
        EndpointNameEquals=hosted.name, VariantNameEquals="v", StatusEquals="InService", SortBy="Name", SortOrder="Ascending"
    )["InferenceComponents"]  # fmt: skip
    assert [each["InferenceComponentName"] for each in listed] == [name, other]
    assert hosted.sagemaker.list_inference_components(EndpointNameEquals="none")["InferenceComponents"] == []

    hosted.sagemaker.delete_inference_component(InferenceComponentName=other)
    hosted.gone(other)
    assert "not found" in code_of(lambda: hosted.invoke(other))[1]
