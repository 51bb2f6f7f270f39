"""The AWS API wire: serverless endpoints, by unmodified boto3 against real local clouds.

Sources: botocore's model; the Developer Guide's "Deploy models with Amazon SageMaker Serverless Inference" and its page on monitoring.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.ground.processes import children
from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import archive
from tests.contracts.aws.served import ROLE, code_of
from tests.contracts.aws.servers import below, command_line, server_at
from tests.waiting import until, until_answer

CODE = """
import os, subprocess, sys, time
from pathlib import Path

def model_fn(folder):
    return None

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    if text.startswith("wait "):
        place = Path(text[5:])
        (place / f"asked-{time.time_ns()}").touch()
        while not (place / "go").exists():
            time.sleep(0.01)
    if text.startswith("eat "):
        held = bytearray(int(text[4:]) << 20)
        return str(len(held)), "text/plain"
    if text.startswith("feed "):
        eater = f"import time; held = bytearray(400 << 20); time.sleep(600)  # {text[5:]}"
        eaters = [subprocess.Popen([sys.executable, "-c", eater]) for _ in range(3)]
        (Path(text[5:]) / "eaters").write_text(" ".join(str(each.pid) for each in eaters))
        time.sleep(600)
    return os.environ["SAGEMAKER_BIND_TO_PORT"], "text/plain"
"""
LIMITS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


class Serverless:
    """A model, serverless configurations of it, and endpoints."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.sagemaker = cloud.client("sagemaker")
        cloud.client("s3").create_bucket(Bucket=name)
        cloud.client("s3").put_object(Bucket=name, Key="m.tar.gz", Body=archive(CODE))
        self.model(name)
        self.runtime = cloud.client("sagemaker-runtime")

    def model(self, name: str, **extra: Any) -> str:
        container = {"Image": "i", "ModelDataUrl": f"s3://{self.name}/m.tar.gz"}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container, **extra)
        return name

    def config(self, suffix: str = "", *, variant: dict[str, Any] | None = None, **serverless: Any) -> str:
        config = {"MemorySizeInMB": 1024, "MaxConcurrency": 2, **serverless}
        item = {"VariantName": "v", "ModelName": self.name, **(variant or {"ServerlessConfig": config})}
        name = self.name + suffix
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[item])
        return name

    def endpoint(self, **serverless: Any) -> None:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.config(**serverless))
        assert self.settled()["EndpointStatus"] == "InService"

    def describe(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.name)
        return answer

    def settled(self) -> dict[str, Any]:
        return until_answer(self.describe, lambda answer: answer["EndpointStatus"] not in {"Creating", "Updating"}, 120)

    def ask(self, text: str = "hello") -> str:
        return self.runtime.invoke_endpoint(EndpointName=self.name, Body=text.encode())["Body"].read().decode()  # type: ignore[no-any-return]

    def servers(self) -> list[int]:
        """The processes below the cloud's own."""
        return below(self.cloud)

    def metric(self, name: str, statistic: str = "Sum") -> list[float]:
        self.cloud.admin.call("flush")
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[{"Name": "EndpointName", "Value": self.name}, {"Name": "VariantName", "Value": "v"}],
            StartTime=datetime.now(UTC) - timedelta(minutes=30),
            EndTime=datetime.now(UTC) + timedelta(hours=20),
            Period=60,
            Statistics=[statistic],
        )["Datapoints"]
        return [point[statistic] for point in points]


@pytest.fixture
def serverless(shared_cloud: CloudProcess, unique: str) -> Serverless:
    return Serverless(shared_cloud, unique)


@pytest.fixture
def own(tmp_path: Path, unique: str) -> Iterator[Serverless]:
    """On a cloud of the test's own, whose processes and clock are the test's."""
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    yield Serverless(cloud, unique)
    cloud.stop()


def test_no_process_at_rest_a_cold_start_a_warm_one_and_rest_again(own: Serverless) -> None:
    own.endpoint()
    assert own.servers() == []
    described = own.describe()["ProductionVariants"][0]
    assert described["CurrentServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    assert described["CurrentInstanceCount"] == 0

    first, second = own.ask(), own.ask()
    assert first == second
    assert server_at(own.cloud, int(first)) in own.servers()
    assert len(own.metric("ModelSetupTime")) == 1
    assert max(own.metric("ServerlessConcurrentExecutionsUtilization", "Maximum")) == 0.5
    assert sum(own.metric("Invocations")) == 2
    assert max(own.metric("OverheadLatency", "Maximum")) >= max(own.metric("ModelSetupTime", "Maximum"))
    assert own.metric("InvocationsPerInstance") == []

    own.cloud.advance(60)
    own.ask()
    assert own.ask() == first, "a minute without requests is no rest"
    own.cloud.advance(3600)
    until(lambda: own.servers() == [], 60)
    assert own.ask() != first


def test_one_request_an_instance_and_more_than_may_be_are_throttled(serverless: Serverless, tmp_path: Path) -> None:
    serverless.endpoint()
    with ThreadPoolExecutor(2) as callers:
        held = [callers.submit(serverless.ask, f"wait {tmp_path}") for _ in range(2)]
        until(lambda: len(list(tmp_path.iterdir())) == 2, 120)
        with pytest.raises(ClientError) as caught:
            serverless.ask()
        (tmp_path / "go").touch()
        servers = {each.result(120) for each in held}

    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert len(servers) == 2, "each request had an instance to itself"
    assert max(serverless.metric("ServerlessConcurrentExecutionsUtilization", "Maximum")) == 1.0
    assert serverless.ask() in servers


def test_provisioned_concurrency_is_there_before_the_first_request(own: Serverless) -> None:
    own.endpoint(ProvisionedConcurrency=1)
    [server, *_] = own.servers()
    assert [server_at(own.cloud, int(own.ask())) for _ in range(2)] == [server, server]
    assert sum(own.metric("ServerlessProvisionedConcurrencyInvocations")) == 2
    assert max(own.metric("ServerlessProvisionedConcurrencyUtilization", "Maximum")) == 1.0
    own.cloud.advance(7200)

    wanted = [{"VariantName": "v", "ServerlessUpdateConfig": {"ProvisionedConcurrency": 2, "MaxConcurrency": 3}}]
    own.sagemaker.update_endpoint_weights_and_capacities(EndpointName=own.name, DesiredWeightsAndCapacities=wanted)
    described = own.settled()["ProductionVariants"][0]
    assert described["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 1024,
        "MaxConcurrency": 3,
        "ProvisionedConcurrency": 2,
    }
    assert len(children(own.cloud.address.pid)) == 2

    scaling = own.cloud.client("application-autoscaling")
    which = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{own.name}/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
    }
    scaling.register_scalable_target(**which, MinCapacity=1, MaxCapacity=1)
    assert own.settled()["ProductionVariants"][0]["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 1
    [activity] = scaling.describe_scaling_activities(**which)["ScalingActivities"]
    said = "Successfully set desired provisioned concurrency to 1. Change successfully fulfilled by sagemaker."
    assert (activity["StatusCode"], activity["StatusMessage"]) == ("Successful", said)
    metric = {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"}
    alarms = scaling.put_scaling_policy(
        **which, PolicyName="track", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 0.7, "PredefinedMetricSpecification": metric},
    )["Alarms"]  # fmt: skip
    assert len(alarms) == 2
    elsewhere = {**which, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    refused = code_of(lambda: scaling.register_scalable_target(**elsewhere, MinCapacity=1, MaxCapacity=2))
    assert "doesn't exist" in refused[1]


def test_no_monitor_is_made_of_an_endpoint_that_captures_nothing(serverless: Serverless) -> None:
    serverless.endpoint()
    local = "/opt/ml/processing"
    job = {
        "MonitoringInputs": [{"EndpointInput": {"EndpointName": serverless.name, "LocalPath": f"{local}/input"}}],
        "MonitoringOutputConfig": {
            "MonitoringOutputs": [{"S3Output": {"S3Uri": f"s3://{serverless.name}/m", "LocalPath": f"{local}/output"}}]
        },
        "MonitoringResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
        },
        "MonitoringAppSpecification": {"ImageUri": "local/analyzer"},
        "RoleArn": "arn:aws:iam::123456789012:role/r",
    }
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringJobDefinition": job}
    with pytest.raises(ClientError, match="is serverless: Model Monitor and data capture are not supported there"):
        serverless.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=serverless.name, MonitoringScheduleConfig=config
        )


def test_the_memory_size_is_the_memory_that_there_is(serverless: Serverless) -> None:
    serverless.endpoint()
    assert serverless.ask("eat 300") == str(300 << 20)
    with pytest.raises(ClientError) as caught:
        serverless.ask("eat 1500")

    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert serverless.ask("eat 300") == str(300 << 20), "the endpoint is there for the next"


def test_processes_that_a_handler_starts_count_too(serverless: Serverless, tmp_path: Path) -> None:
    serverless.endpoint()
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(code_of, lambda: serverless.ask(f"feed {tmp_path}"))
        code, said = asked.result(120)

    assert (code, "the container died while it answered" in said) == ("ModelError", True), said
    [eaters] = [file.read_text().split() for file in tmp_path.iterdir()]
    assert len(eaters) == 3
    mark = str(tmp_path).encode()
    until(lambda: not any(word.endswith(mark) for pid in serverless.servers() for word in command_line(pid)), 30)


def test_from_instances_to_serverless_there_is_no_way_and_back_there_is(serverless: Serverless) -> None:
    serverless.endpoint()
    instances = serverless.config("-i", variant={"InstanceType": "ml.m5.large", "InitialInstanceCount": 1})
    serverless.sagemaker.update_endpoint(EndpointName=serverless.name, EndpointConfigName=instances)
    described = serverless.settled()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", instances)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert "CurrentServerlessConfig" not in described["ProductionVariants"][0]
    back = partial(serverless.sagemaker.update_endpoint, EndpointName=serverless.name)

    code, said = code_of(lambda: back(EndpointConfigName=serverless.name))
    assert (code, said.startswith("Cannot update an endpoint on instances to the serverless")) == (
        "ValidationException",
        True,
    )


def test_a_model_that_does_not_load_is_told_to_who_asks(serverless: Serverless) -> None:
    broken = serverless.model(f"{serverless.name}-broken", EnableNetworkIsolation=False)
    serverless.cloud.client("s3").put_object(Bucket=serverless.name, Key="m.tar.gz", Body=b"not an archive")
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    item = {"VariantName": "v", "ModelName": broken, "ServerlessConfig": config}
    serverless.sagemaker.create_endpoint_config(EndpointConfigName=broken, ProductionVariants=[item])
    serverless.sagemaker.create_endpoint(EndpointName=broken, EndpointConfigName=broken)
    waiter = serverless.sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=broken, WaiterConfig={"Delay": 1})

    code, said = code_of(lambda: serverless.runtime.invoke_endpoint(EndpointName=broken, Body=b"x"))
    assert (code, "is not a gzip tar archive" in said) == ("ModelError", True)


EXCLUDED = "is not supported when specifying a ServerlessConfig."
CAPTURE = {
    "InitialSamplingPercentage": 1,
    "DestinationS3Uri": "s3://b/k",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


@pytest.mark.parametrize(
    ("limits", "variant", "members", "said"),
    [
        ({"MemorySizeInMB": 1500}, {}, {}, "Value '1500' at 'MemorySizeInMB' failed to satisfy constraint: Member"),
        ({"MemorySizeInMB": 7168}, {}, {}, "Member must have value less than or equal to 6144"),
        ({"MaxConcurrency": 201}, {}, {}, "Member must have value less than or equal to 200"),
        ({"ProvisionedConcurrency": 3}, {}, {}, "(3) must be less than or equal to MaxConcurrency (2)."),
        ({}, VARIANT, {}, f"InstanceType {EXCLUDED}"),
        ({}, {"VolumeSizeInGB": 5}, {}, f"VolumeSizeInGB {EXCLUDED}"),
        ({}, {}, {"AsyncInferenceConfig": {"OutputConfig": {}}}, f"AsyncInferenceConfig {EXCLUDED}"),
        ({}, {}, {"EnableNetworkIsolation": True}, f"EnableNetworkIsolation {EXCLUDED}"),
        ({}, {}, {"DataCaptureConfig": CAPTURE}, f"DataCaptureConfig {EXCLUDED}"),
    ],
)
def test_what_serverless_cannot_have_is_refused(
    serverless: Serverless, limits: dict[str, int], variant: dict[str, Any], members: dict[str, Any], said: str
) -> None:
    item = {"VariantName": "v", "ModelName": serverless.name, "ServerlessConfig": {**LIMITS, **limits}, **variant}
    create = partial(serverless.sagemaker.create_endpoint_config, EndpointConfigName=serverless.name)

    code, message = code_of(lambda: create(ProductionVariants=[item], **members))
    assert (code, said in message) == ("ValidationException", True), message


def test_a_serverless_variant_is_the_only_one(serverless: Serverless) -> None:
    item = {"VariantName": "v", "ModelName": serverless.name, "ServerlessConfig": LIMITS}
    other = {**VARIANT, "VariantName": "w", "ModelName": serverless.name}
    create = partial(serverless.sagemaker.create_endpoint_config, EndpointConfigName=serverless.name)

    assert code_of(lambda: create(ProductionVariants=[item, other])) == (
        "ValidationException",
        f"More than one production variant {EXCLUDED}",
    )


def test_a_model_with_a_vpc_or_without_networks_is_not_for_serverless(serverless: Serverless) -> None:
    isolated = serverless.model(f"{serverless.name}-isolated", EnableNetworkIsolation=True)
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    variant = {"VariantName": "v", "ModelName": isolated, "ServerlessConfig": config}
    create = partial(serverless.sagemaker.create_endpoint_config, EndpointConfigName=isolated)

    code, message = code_of(lambda: create(ProductionVariants=[variant]))
    assert (code, message) == (
        "ValidationException",
        "EnableNetworkIsolation of the model is not supported when specifying a ServerlessConfig.",
    )


def test_two_hundred_at_rest_cost_no_process_and_come_up_again_in_no_time(own: Serverless) -> None:
    config = own.config()
    for number in range(200):
        own.sagemaker.create_endpoint(EndpointName=f"{own.name}-{number}", EndpointConfigName=config)

    def statuses() -> set[str]:
        pages = own.sagemaker.get_paginator("list_endpoints").paginate(NameContains=own.name)
        return {endpoint["EndpointStatus"] for page in pages for endpoint in page["Endpoints"]}

    until(lambda: statuses() == {"InService"}, 120)
    assert own.servers() == []
    own.cloud.kill()
    own.cloud.start()
    own.sagemaker = own.cloud.client("sagemaker")
    until(lambda: statuses() == {"InService"}, 120)
    assert own.servers() == []
    runtime = own.cloud.client("sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName=f"{own.name}-7", Body=b"x")["Body"].read().isdigit()
