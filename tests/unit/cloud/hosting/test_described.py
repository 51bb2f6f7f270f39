"""What DescribeEndpoint says of variants and of what is under way, as a table; each answer fits botocore's shape."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.check import check_output
from fogbank.cloud.api.control import service_model
from fogbank.cloud.api.resource import Record
from fogbank.cloud.hosting.deployment import Deployment, EndpointState
from fogbank.cloud.hosting.described import described
from fogbank.cloud.hosting.rollout import Rollout, Step, create, replacement, resize
from fogbank.cloud.hosting.stages import Running

IMAGE = "registry/m@sha256:" + "0" * 64
CONFIG: dict[str, Any] = {
    "EndpointConfigName": "c",
    "ProductionVariants": [
        {
            "VariantName": "v",
            "ModelName": "m",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 4,
            "InitialVariantWeight": 2.0,
            "RoutingConfig": {"RoutingStrategy": "RANDOM"},
        }
    ],
}
LIVE = Deployment.of(CONFIG, {"m": {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE}}}, 7.0)
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 60,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 30,
    }
}


def describe(status: str, running: Running | None = None, **state: Any) -> dict[str, Any]:
    public = {
        "EndpointName": "e",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e",
        "EndpointStatus": status,
        "EndpointConfigName": "c",
        "CreationTime": 1.0,
        "LastModifiedTime": 2.0,
    }
    record = Record(region="us-east-1", name="e", public=public, state=EndpointState(**state))
    answer = described(record, running or Running())
    shape = service_model().operation_model("DescribeEndpoint").output_shape
    return check_output("DescribeEndpoint", answer, shape)


def rollout(steps: tuple[Step, ...], at: int = 0, **changes: Any) -> Rollout:
    return Rollout(steps=steps, started=3.0, since=4.0, at=at, **changes)


def test_serverless_has_limits_and_no_instances_that_anybody_sees() -> None:
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
    variant = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": config}
    live = Deployment.of({**CONFIG, "ProductionVariants": [variant]}, LIVE.models, 7.0)
    warm = Running(live={"v": 2})
    [answer] = describe("InService", warm, live=live)["ProductionVariants"]
    more = live.changed({}, {}, {"v": {**config, "MaxConcurrency": 9}})
    [changing] = describe("Updating", warm, live=live, pending=more, rollout=rollout(resize()))["ProductionVariants"]
    pending = describe("Creating", pending=live, rollout=rollout(create()))["PendingDeploymentSummary"]

    assert (answer["CurrentInstanceCount"], answer["CurrentServerlessConfig"]) == (0, config)
    assert not {"DesiredInstanceCount", "DesiredServerlessConfig", "VariantStatus"} & answer.keys()
    assert changing["DesiredServerlessConfig"]["MaxConcurrency"] == 9
    assert pending["ProductionVariants"][0]["CurrentServerlessConfig"] == config


def test_an_asynchronous_endpoint_says_how_it_is_asked() -> None:
    config = {"OutputConfig": {"S3OutputPath": "s3://b/o"}}
    live = Deployment.of({**CONFIG, "AsyncInferenceConfig": config}, LIVE.models, 7.0)

    assert describe("InService", live=live)["AsyncInferenceConfig"] == config


def test_in_service() -> None:
    answer = describe("InService", Running(live={"v": 4}), live=LIVE)

    assert answer["ProductionVariants"] == [
        {
            "VariantName": "v",
            "DeployedImages": [{"SpecifiedImage": IMAGE, "ResolvedImage": IMAGE, "ResolutionTime": 7.0}],
            "CurrentWeight": 2.0,
            "DesiredWeight": 2.0,
            "CurrentInstanceCount": 4,
            "DesiredInstanceCount": 4,
            "RoutingConfig": {"RoutingStrategy": "RANDOM"},
        }
    ]
    assert "PendingDeploymentSummary" not in answer
    assert "DataCaptureConfig" not in answer


def test_creating_has_no_variant_that_serves_and_counts_what_runs() -> None:
    answer = describe("Creating", Running(pending={"v": 1}), pending=LIVE, rollout=rollout(create()))

    assert "ProductionVariants" not in answer
    pending = answer["PendingDeploymentSummary"]
    assert (pending["EndpointConfigName"], pending["StartTime"]) == ("c", 3.0)
    [variant] = pending["ProductionVariants"]
    assert (variant["InstanceType"], variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (
        "ml.m5.large",
        1,
        4,
    )
    assert variant["VariantStatus"] == [
        {"Status": "Creating", "StatusMessage": "Launching 4 instance(s).", "StartTime": 4.0}
    ]


@pytest.mark.parametrize(
    ("at", "changes", "status", "message"),
    [
        (0, {}, "Creating", "Launching 4 instance(s)."),
        (1, {}, "ActivatingTraffic", "Activating traffic on canary capacity of 1 instance(s)."),
        (2, {}, "Baking", "Baking for 60 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)."),
        (3, {}, "ActivatingTraffic", "Activating traffic on full capacity of 4 instance(s)."),
        (4, {}, "Baking", "Baking for 30 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 instance(s)."),
        (2, {"reason": "why"}, "Deleting", "Terminating 4 instance(s)."),
    ],
)  # fmt: skip
def test_each_step_of_an_update(at: int, changes: dict[str, Any], status: str, message: str) -> None:
    under_way = rollout(replacement(CANARY, [4]), at, **changes)
    answer = describe("Updating", Running(live={"v": 4}, pending={"v": 4}), live=LIVE, pending=LIVE, rollout=under_way)

    [variant] = answer["PendingDeploymentSummary"]["ProductionVariants"]
    assert (variant["VariantStatus"][0]["Status"], variant["VariantStatus"][0]["StatusMessage"]) == (status, message)
    assert "VariantStatus" not in answer["ProductionVariants"][0]


@pytest.mark.parametrize(("count", "way"), [(6, "out"), (2, "in")])
def test_other_counts_are_no_new_configuration(count: int, way: str) -> None:
    pending = LIVE.changed({"v": 9.0}, {"v": count})
    answer = describe("Updating", Running(live={"v": 4}), live=LIVE, pending=pending, rollout=rollout(resize()))

    [variant] = answer["ProductionVariants"]
    assert "PendingDeploymentSummary" not in answer
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (4, count)
    assert (variant["CurrentWeight"], variant["DesiredWeight"]) == (9.0, 9.0)
    assert variant["VariantStatus"][0]["StatusMessage"] == f"Scaling {way} desired instance count to {count}."


def test_deleting_and_a_tag_that_nobody_resolves() -> None:
    tagged = Deployment.of(CONFIG, {"m": {"ModelName": "m", "Containers": [{"Image": "registry/m:1"}]}}, 7.0)
    answer = describe("Deleting", Running(live={"v": 2}), live=tagged)

    [variant] = answer["ProductionVariants"]
    assert variant["DeployedImages"] == [{"SpecifiedImage": "registry/m:1"}]
    assert variant["VariantStatus"] == [
        {"Status": "Deleting", "StatusMessage": "Terminating 2 instance(s).", "StartTime": 2.0}
    ]


@pytest.mark.parametrize("enabled", [True, False])
def test_capture(*, enabled: bool) -> None:
    capture = {
        "EnableCapture": enabled,
        "InitialSamplingPercentage": 10,
        "DestinationS3Uri": "s3://b/c",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    live = Deployment.of({**CONFIG, "DataCaptureConfig": capture}, {}, 0)

    assert describe("InService", live=live)["DataCaptureConfig"] == {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": 10,
        "DestinationS3Uri": "s3://b/c",
        "KmsKeyId": "",
    }
