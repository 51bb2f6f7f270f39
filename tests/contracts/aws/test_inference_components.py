"""Inference components by unmodified boto3: copies as real processes on one endpoint, each asked by its name."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
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
    return json.dumps({"word": os.environ.get("WORD", ""), "pid": f"{os.environ['SAGEMAKER_BIND_TO_PORT']}-{os.getppid()}", "asked": text}), "application/json"
"""
MOVING = {"Creating", "Updating", "Deleting"}


class Hosted:
    """An endpoint for inference components, and components of one script; all names begin with `name`."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.sagemaker, self.s3 = cloud.client("sagemaker"), cloud.client("s3")

    def upload(self) -> None:
        self.s3.create_bucket(Bucket=self.name)
        archive = io.BytesIO()
        write_archive(archive, {"code/inference.py": SAYS.encode()})
        self.s3.put_object(Bucket=self.name, Key="m.tar.gz", Body=archive.getvalue())

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
    hosted.upload()
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


def test_who_has_no_room_or_does_not_start_is_failed_with_the_reason(hosted: Hosted) -> None:
    hosted.endpoint(
        InstanceType="ml.m5.large",
        ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2},
    )
    large = hosted.settled(hosted.create(memory=9000))
    assert (large["InferenceComponentStatus"], large["FailureReason"]) == (
        "Failed",
        "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference component.",
    )
    none = hosted.specification(cores=2)
    none["Container"]["Environment"]["SAGEMAKER_PROGRAM"] = "none.py"
    wanted = {
        "InferenceComponentName": f"{hosted.name}-d",
        "EndpointName": hosted.name,
        "VariantName": "v",
        "RuntimeConfig": {"CopyCount": 2},
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    arn = hosted.sagemaker.create_inference_component(Specification=none, **wanted)["InferenceComponentArn"]
    variant = hosted.settled_endpoint()["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)
    assert "no handler at code/none.py" in hosted.settled(f"{hosted.name}-d")["FailureReason"]
    assert hosted.sagemaker.list_tags(ResourceArn=arn)["Tags"] == wanted["Tags"]
    until_answer(lambda: hosted.settled_endpoint()["ProductionVariants"][0]["DesiredInstanceCount"], lambda n: n == 1)
    base = {**hosted.specification(), "BaseInferenceComponentName": "c"}
    refused = code_of(lambda: hosted.sagemaker.create_inference_component(Specification=base, **wanted))
    assert "BaseInferenceComponentName yet; it is refused, not ignored" in refused[1]


def test_a_streamed_answer_comes_from_the_component(hosted: Hosted) -> None:
    hosted.endpoint()
    name = hosted.create()
    hosted.settled(name)
    stream = hosted.cloud.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName=hosted.name, InferenceComponentName=name, Body=b"x", ContentType="text/csv"
    )
    parts = b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"])
    assert json.loads(parts)["asked"] == "x"


BATCHES = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 600,
        "MaximumExecutionTimeoutInSeconds": 28800,
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "unwell"}]},
}


def test_another_specification_goes_in_batches_over_a_kill_and_back_by_an_alarm(tmp_path: Path) -> None:
    """botocore's documentation of InferenceComponentDeploymentConfig; each batch is watched on the cloud's clock."""
    cloud = CloudProcess(tmp_path)
    cloud.start()
    try:
        hosted = Hosted(cloud, "hosted")
        hosted.upload()
        hosted.endpoint(InstanceType="ml.m5.2xlarge")
        name = hosted.create(copies=2)
        assert hosted.settled(name)["InferenceComponentStatus"] == "InService"
        cloud.client("cloudwatch").put_metric_alarm(
            AlarmName="unwell", Namespace="n", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
        )  # fmt: skip

        def roll(word: str) -> None:
            hosted.sagemaker.update_inference_component(
                InferenceComponentName=name, Specification=hosted.specification(word), DeploymentConfig=BATCHES
            )

        def words(asks: int = 40) -> set[str]:
            return {hosted.invoke(name)["word"] for _ in range(asks)}

        def copies() -> int:
            found = hosted.sagemaker.describe_inference_component(InferenceComponentName=name)
            return int(found["RuntimeConfig"]["CurrentCopyCount"])

        cloud.advance(60)  # the alarm has looked: it is OK
        roll("two")
        until_answer(copies, lambda count: count == 3, 60)
        assert words() == {"one", "two"}
        cloud.kill()
        cloud.start()
        hosted = Hosted(cloud, "hosted")
        until_answer(copies, lambda count: count == 3, 60)
        assert words() == {"one", "two"}
        cloud.advance(1200)
        found = hosted.settled(name)
        assert (found["InferenceComponentStatus"], words()) == ("InService", {"two"})
        assert found["LastDeploymentConfig"] == BATCHES
        assert found["Specification"]["Container"]["Environment"] == {"WORD": "two"}

        roll("three")
        until_answer(copies, lambda count: count == 3, 60)
        unwell = {"AlarmName": "unwell", "StateValue": "ALARM", "StateReason": "a test's"}
        cloud.client("cloudwatch").set_alarm_state(**unwell)
        found = hosted.settled(name)
        assert "CloudWatch alarm(s) [unwell] went into ALARM state" in found["FailureReason"]
        assert (found["InferenceComponentStatus"], words(), copies()) == ("InService", {"two"}, 2)
        cloud.client("cloudwatch").set_alarm_state(**unwell)  # a minute may have passed: it was looked at again
        told = code_of(lambda: roll("four"))
        assert "[unwell] of AutoRollbackConfiguration are in ALARM state" in told[1]
    finally:
        cloud.stop()


def test_copies_are_scaled_from_none_and_a_killed_cloud_has_them_again(tmp_path: Path) -> None:
    """An alarm of NoCapacityInvocationFailures with a step policy, as the Developer Guide's "Scale an endpoint to zero instances" has it."""
    cloud = CloudProcess(tmp_path)
    cloud.start()
    try:
        hosted = Hosted(cloud, "hosted")
        hosted.upload()
        hosted.endpoint()
        name = hosted.create()
        hosted.settled(name)
        scaling, cloudwatch = cloud.client("application-autoscaling"), cloud.client("cloudwatch")
        which = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"inference-component/{name}",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
        }
        scaling.register_scalable_target(**which, MinCapacity=0, MaxCapacity=1)
        step = scaling.put_scaling_policy(
            **which, PolicyName="up", PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ChangeInCapacity", "Cooldown": 60,
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        )  # fmt: skip
        cloudwatch.put_metric_alarm(
            AlarmName="none", AlarmActions=[step["PolicyARN"]], MetricName="NoCapacityInvocationFailures", Namespace="AWS/SageMaker",
            Dimensions=[{"Name": "InferenceComponentName", "Value": name}], Statistic="Sum", Period=60, EvaluationPeriods=1,
            Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="missing",
        )  # fmt: skip
        assert hosted.copies(name, 0)["RuntimeConfig"]["DesiredCopyCount"] == 0
        assert "has no capacity to process this request" in code_of(lambda: hosted.invoke(name))[1]
        cloud.advance(120)
        assert hosted.settled(name)["RuntimeConfig"]["CurrentCopyCount"] == 1
        before = hosted.invoke(name)["pid"]
        tracked = scaling.put_scaling_policy(
            **which, PolicyName="track", PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 1.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"},
            },
        )  # fmt: skip
        assert len(tracked["Alarms"]) == 2
        cloud.kill()
        cloud.start()
        hosted = Hosted(cloud, "hosted")
        answer = hosted.invoke(name)
        assert (answer["word"], answer["pid"] != before) == ("one", True)
        assert hosted.settled(name)["RuntimeConfig"]["CurrentCopyCount"] == 1
        with pytest.raises(ClientError):
            hosted.invoke(name, "die")
        assert hosted.invoke(name)["word"] == "one", "another copy has its place"
        described = cloud.client("application-autoscaling").describe_scaling_activities(**which)["ScalingActivities"]
        assert [each["Description"] for each in described] == ["Setting desired copy count to 1."]
        hosted.sagemaker.delete_endpoint(EndpointName="hosted")
        assert hosted.settled(name)["InferenceComponentStatus"] == "InService"
        hosted.sagemaker.delete_inference_component(InferenceComponentName=name)
        hosted.gone(name)
    finally:
        cloud.stop()
