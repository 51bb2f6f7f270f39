"""Models of several containers, by unmodified boto3: a request through all of them, or to the one that it names."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.ground.processes import tree
from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, code_of
from tests.waiting import until, until_answer

PREPARES = """
import json, os
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    if text == "bad":
        raise ValueError("cannot be prepared")
    return json.dumps({"prepared": text, "type": content_type, "accept": accept}), "application/json"
"""
SCORES = """
import json
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    if text == "die":
        import os, signal
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return json.dumps({"asked": json.loads(text), "type": content_type, "accept": accept}), "application/json"
"""


class Account:
    """A bucket with two scripts; models and an endpoint of them, all called `name`."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.sagemaker, self.s3 = cloud.client("sagemaker"), cloud.client("s3")
        self.s3.create_bucket(Bucket=name)
        for key, code in (("prepares", PREPARES), ("scores", SCORES)):
            archive = io.BytesIO()
            write_archive(archive, {"code/inference.py": code.encode()})
            self.s3.put_object(Bucket=name, Key=f"{key}.tar.gz", Body=archive.getvalue())

    def container(self, key: str, **extra: Any) -> dict[str, Any]:
        return {"Image": key, "ModelDataUrl": f"s3://{self.name}/{key}.tar.gz", **extra}

    def model(self, *containers: Mapping[str, Any], **extra: Any) -> None:
        self.sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=ROLE, Containers=list(containers), **extra)

    def config(self, **extra: Any) -> None:
        variant = {"VariantName": "v", "ModelName": self.name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[variant], **extra)

    def endpoint(self) -> dict[str, Any]:
        self.config()
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        return self.settled()

    def settled(self) -> dict[str, Any]:
        moving = {"Creating", "Updating", "RollingBack", "SystemUpdating"}
        return until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda answer: answer["EndpointStatus"] not in moving,
            120,
        )

    def invoke(self, body: str = "1,2", **extra: Any) -> Any:
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.name, Body=body.encode(), ContentType="text/csv", **extra
        )
        return json.loads(answer["Body"].read())

    def total(self, metric: str, **container: str) -> float:
        names = {"EndpointName": self.name, "VariantName": "v", **container}
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Statistics=["Sum"], Period=3600,
            StartTime=time.time() - 600, EndTime=time.time() + 600,
            Dimensions=[{"Name": key, "Value": value} for key, value in names.items()],
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))


@pytest.fixture
def account(shared_cloud: CloudProcess, unique: str) -> Account:
    return Account(shared_cloud, unique)


def test_a_request_passes_every_container_and_each_is_measured(account: Account) -> None:
    account.model(account.container("prepares"), account.container("scores"))
    described = account.endpoint()
    assert described["EndpointStatus"] == "InService", described
    images = [image["SpecifiedImage"] for image in described["ProductionVariants"][0]["DeployedImages"]]
    assert images == ["prepares", "scores"]

    answer = account.invoke(Accept="text/plain")
    assert answer["asked"]["prepared"] == "1,2"
    assert (answer["asked"]["type"], answer["type"]) == ("text/csv", "application/json")
    assert answer["accept"] == "text/plain"
    assert answer["asked"]["accept"] != "text/plain", "what the caller accepts is for the last"
    for name in ("container-1", "container-2"):
        assert account.total("ContainerLatency", ContainerName=name) > 0
    assert account.total("Invocations") == 1
    assert "is not a direct invocation endpoint" in code_of(lambda: account.invoke(TargetContainerHostname="a"))[1]
    assert "is not a multi-model endpoint" in code_of(lambda: account.invoke(TargetModel="m.tar.gz"))[1]


def test_a_container_that_fails_is_named_and_one_that_dies_is_replaced_with_the_others(account: Account) -> None:
    account.model(
        account.container("prepares", ContainerHostname="first"),
        account.container("scores", ContainerHostname="second"),
    )
    account.endpoint()
    with pytest.raises(ClientError) as caught:
        account.invoke("bad")
    assert caught.value.response["OriginalStatusCode"] == 500
    assert "Received server error (500) from first with message" in caught.value.response["Error"]["Message"]
    logs = account.cloud.folder / "logs" / "endpoints" / "us-east-1" / account.name / "v"
    assert "cannot be prepared" in next(iter(logs.glob("*/first.log"))).read_text()
    assert {path.name for path in logs.glob("*/*.log")} == {"first.log", "second.log"}
    [instance] = {path.parent.name for path in logs.glob("*/first.log")}
    kept, group = account.cloud.client("logs"), f"/aws/sagemaker/Endpoints/{account.name}"
    streams = kept.describe_log_streams(logGroupName=group)["logStreams"]
    assert f"v/{instance}/first" in {stream["logStreamName"] for stream in streams}
    assert kept.filter_log_events(logGroupName=group, filterPattern='"cannot be prepared"')["events"]


def test_a_container_is_asked_alone_where_the_model_says_so(account: Account) -> None:
    account.model(
        account.container("prepares", ContainerHostname="first"),
        account.container("scores", ContainerHostname="second"),
        InferenceExecutionConfig={"Mode": "Direct"},
    )
    assert account.sagemaker.describe_model(ModelName=account.name)["InferenceExecutionConfig"] == {"Mode": "Direct"}
    account.endpoint()

    assert account.invoke(TargetContainerHostname="first")["prepared"] == "1,2"
    assert account.invoke("{}", TargetContainerHostname="second")["asked"] == {}
    stream = account.cloud.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName=account.name, Body=b"x", ContentType="text/csv", TargetContainerHostname="first"
    )
    assert json.loads(b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]))["prepared"] == "x"
    with pytest.raises(ClientError, match="from second with message"):
        account.invoke("die", TargetContainerHostname="second")
    assert account.invoke(TargetContainerHostname="first")["prepared"] == "1,2"
    assert "TargetContainerHostname is required" in code_of(account.invoke)[1]
    assert code_of(lambda: account.invoke(TargetContainerHostname="none"))[0] == "ValidationError"
    assert account.total("Invocations", ContainerName="first") == 3
    assert account.total("Invocation5XXErrors", ContainerName="second") >= 1


def test_an_endpoint_moves_to_a_pipeline_and_one_that_does_not_start_names_its_container(account: Account) -> None:
    single = f"{account.name}-single"
    account.sagemaker.create_model(ModelName=single, PrimaryContainer=account.container("prepares"))
    variant = {"VariantName": "v", "ModelName": single, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    account.sagemaker.create_endpoint_config(EndpointConfigName=single, ProductionVariants=[variant])
    account.sagemaker.create_endpoint(EndpointName=account.name, EndpointConfigName=single)
    account.settled()
    account.model(account.container("prepares"), account.container("scores"))
    account.config()
    account.sagemaker.update_endpoint(EndpointName=account.name, EndpointConfigName=account.name)
    account.settled()
    assert account.invoke()["asked"]["prepared"] == "1,2"

    bad = f"{account.name}-bad"
    account.sagemaker.create_model(ModelName=bad, Containers=[account.container("prepares"), account.container("none")])
    variant["ModelName"] = bad
    account.sagemaker.create_endpoint_config(EndpointConfigName=bad, ProductionVariants=[variant])
    account.sagemaker.update_endpoint(EndpointName=account.name, EndpointConfigName=bad)
    found = account.settled()
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", account.name)
    assert found["FailureReason"].startswith("production variant v: container container-2: model data s3://")
    assert account.invoke()["asked"]["prepared"] == "1,2"


def test_a_transform_job_goes_through_a_pipeline_and_not_through_what_needs_a_name(account: Account) -> None:
    account.model(account.container("prepares"), account.container("scores"))
    account.s3.put_object(Bucket=account.name, Key="in/a", Body=b"1,2\n")
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.name}/in/"}}}
    job = {
        "TransformJobName": account.name, "ModelName": account.name,
        "TransformInput": {**source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"s3://{account.name}/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }  # fmt: skip
    account.sagemaker.create_transform_job(**job)
    ended = until_answer(
        lambda: account.sagemaker.describe_transform_job(TransformJobName=account.name),
        lambda found: found["TransformJobStatus"] not in {"InProgress", "Stopping"},
        120,
    )
    assert ended["TransformJobStatus"] == "Completed", ended
    assert json.loads(account.s3.get_object(Bucket=account.name, Key="out/a.out")["Body"].read())["asked"]

    direct = f"{account.name}-direct"
    containers = [account.container("prepares", ContainerHostname=host) for host in ("a", "b")]
    account.sagemaker.create_model(ModelName=direct, Containers=containers, InferenceExecutionConfig={"Mode": "Direct"})
    refused = partial(
        account.sagemaker.create_transform_job, **{**job, "TransformJobName": direct, "ModelName": direct}
    )
    assert "names neither a model nor a container" in code_of(refused)[1]


def test_a_killed_cloud_brings_its_pipeline_again_and_no_container_outlives_it(unique: str, tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    try:
        account = Account(cloud, unique)
        account.model(account.container("prepares"), account.container("scores"))
        account.endpoint()
        processes = list(tree(int(cloud.admin.call("status")["pid"])))[1:]
        assert len(processes) > 2
        cloud.kill()
        cloud.start()
        until(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))
        account.settled()
        assert account.invoke()["asked"]["prepared"] == "1,2"
    finally:
        cloud.stop()
