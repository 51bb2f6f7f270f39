"""The AWS API wire: Application Auto Scaling of SageMaker's variants, with real instances, by plain boto3 against a real local cloud.

Sources: Application Auto Scaling API Reference and User Guide; SageMaker Developer Guide, "Automatic scaling of SageMaker AI models".
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.pack.archive import write_archive
from fogbank.provider.resource import ProvisionError
from fogbank.provider.scaled import Targets
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, code_of
from tests.waiting import until_answer

CODE = b"def model_fn(folder):\n    return 1\ndef predict_fn(rows, model):\n    return [[1]]\n"
COUNT = "sagemaker:variant:DesiredInstanceCount"


class Scaled:
    """An endpoint of one variant, and Application Auto Scaling's client bound to it."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.scaling = cloud.client("application-autoscaling")
        self.cloudwatch = cloud.client("cloudwatch")
        self.sagemaker = cloud.client("sagemaker")
        self.which = {
            "ServiceNamespace": "sagemaker", "ResourceId": f"endpoint/{name}/variant/v", "ScalableDimension": COUNT,
        }  # fmt: skip

    def endpoint(self) -> None:
        s3, archive = self.cloud.client("s3"), io.BytesIO()
        write_archive(archive, {"code/inference.py": CODE})
        s3.create_bucket(Bucket=self.name)
        s3.put_object(Bucket=self.name, Key="m.tar.gz", Body=archive.getvalue())
        container = {"Image": "i", "ModelDataUrl": f"s3://{self.name}/m.tar.gz"}
        self.sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": self.name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        self.settled()

    def settled(self) -> dict[str, Any]:
        """The variant, when the endpoint is in service."""
        described = until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda answer: answer["EndpointStatus"] not in {"Creating", "Updating"},
            120,
        )
        assert described["EndpointStatus"] == "InService", described
        variant: dict[str, Any] = described["ProductionVariants"][0]
        return variant

    def count(self) -> int:
        variant = self.settled()
        assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"]
        return int(variant["CurrentInstanceCount"])

    def register(self, least: int = 1, most: int = 3, **extra: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.scaling.register_scalable_target(
            **self.which, MinCapacity=least, MaxCapacity=most, **extra
        )
        return answer

    def load(self, value: float, minutes: int = 1) -> None:
        """A minute of the test's metric, and so on, as time passes."""
        for _ in range(minutes):
            self.cloudwatch.put_metric_data(Namespace=self.name, MetricData=[{"MetricName": "load", "Value": value}])
            self.cloud.advance(60)

    def track(self, **extra: Any) -> dict[str, Any]:
        metric = {"MetricName": "load", "Namespace": self.name, "Statistic": "Average"}
        tracking = {"TargetValue": 10.0, "CustomizedMetricSpecification": metric, **extra}
        answer: dict[str, Any] = self.scaling.put_scaling_policy(
            PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking,
            **self.which,
        )  # fmt: skip
        return answer

    def activities(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.scaling.describe_scaling_activities(**self.which)["ScalingActivities"]
        return found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    cloud = CloudProcess(tmp_path_factory.mktemp("scaling"))
    cloud.start()
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def shared(own: CloudProcess) -> Scaled:
    """An endpoint for tests that leave it as it was."""
    scaled = Scaled(own, "scaled-endpoint")
    scaled.endpoint()
    return scaled


@pytest.fixture
def scaled(shared: Scaled) -> Iterator[Scaled]:
    """It, with one instance and without a target afterwards."""
    yield shared
    if shared.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
        shared.scaling.deregister_scalable_target(**shared.which)
    shared.settled()
    one = [{"VariantName": "v", "DesiredInstanceCount": 1}]
    shared.sagemaker.update_endpoint_weights_and_capacities(EndpointName=shared.name, DesiredWeightsAndCapacities=one)
    shared.settled()


def test_limits_hold_at_once(scaled: Scaled) -> None:
    scaled.register(least=2)
    assert scaled.count() == 2
    [activity] = scaled.activities()
    assert (activity["Cause"], activity["StatusCode"]) == ("minimum capacity was set to 2", "Successful")
    assert activity["Description"] == "Setting desired instance count to 2."
    [target] = scaled.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 3)
    scaled.register(least=1, most=1)
    assert scaled.count() == 1


def test_target_tracking_follows_a_metric_out_and_in(scaled: Scaled) -> None:
    earlier = len(scaled.activities())
    arn = scaled.register(Tags={"team": "ml"})["ScalableTargetARN"]
    assert scaled.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "ml"}
    alarms = [alarm["AlarmName"] for alarm in scaled.track()["Alarms"]]
    assert [name.rpartition("-Alarm")[2].partition("-")[0] for name in alarms] == ["High", "Low"]
    scaled.load(25, minutes=3)
    assert scaled.count() == 3
    [activity] = scaled.activities()[: len(scaled.activities()) - earlier]
    cause = f"monitor alarm {alarms[0]} in state ALARM triggered policy track"
    assert (activity["Cause"], activity["StatusCode"]) == (cause, "Successful")
    scaled.load(1, minutes=17)
    assert scaled.count() == 1
    assert len(scaled.activities()) == earlier + 2
    scaled.scaling.delete_scaling_policy(PolicyName="track", **scaled.which)
    assert scaled.cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-")["MetricAlarms"] == []


def test_invocations_per_instance_without_scaling_in(scaled: Scaled) -> None:
    """The predefined metric is the endpoint's own."""
    scaled.register(most=2)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    policy = {"TargetValue": 5.0, "PredefinedMetricSpecification": metric, "DisableScaleIn": True}
    put = scaled.scaling.put_scaling_policy(
        PolicyName="calls", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=policy, **scaled.which
    )  # fmt: skip
    assert len(put["Alarms"]) == 1
    runtime = scaled.cloud.client("sagemaker-runtime")
    for _ in range(3):
        for _ in range(12):
            runtime.invoke_endpoint(EndpointName=scaled.name, Body=b"1", ContentType="text/csv")
        scaled.cloud.advance(60)
    assert scaled.count() == 2


def test_step_scaling_by_an_alarm_of_ones_own(scaled: Scaled) -> None:
    scaled.register()
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 2},
    ]
    config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": 120}
    arn = scaled.scaling.put_scaling_policy(
        PolicyName="steps", PolicyType="StepScaling", StepScalingPolicyConfiguration=config, **scaled.which
    )["PolicyARN"]
    scaled.cloudwatch.put_metric_alarm(
        AlarmName=f"{scaled.name}-steps", Namespace=scaled.name, MetricName="load", Statistic="Average", Period=60, EvaluationPeriods=1,
        Threshold=50, ComparisonOperator="GreaterThanThreshold", AlarmActions=[arn], TreatMissingData="notBreaching",
    )  # fmt: skip
    scaled.load(55)
    assert scaled.count() == 2
    scaled.load(55)
    assert scaled.count() == 2, "the cooldown holds"
    scaled.load(70)
    assert scaled.count() == 3, "more than what was added is taken at once"
    [policy] = scaled.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == [f"{scaled.name}-steps"]
    scaled.cloudwatch.delete_alarms(AlarmNames=[f"{scaled.name}-steps"])


def test_an_alarm_set_by_hand_scales_by_the_datapoint_that_its_reason_names(scaled: Scaled) -> None:
    """The API reference of SetAlarmState: StateReasonData is what lets a scaling policy take the correct action."""
    scaled.register()
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 2},
    ]
    config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": 0}
    arn = scaled.scaling.put_scaling_policy(
        PolicyName="by-hand", PolicyType="StepScaling", StepScalingPolicyConfiguration=config, **scaled.which
    )["PolicyARN"]
    alarm = f"{scaled.name}-by-hand"
    scaled.cloudwatch.put_metric_alarm(
        AlarmName=alarm, Namespace=scaled.name, MetricName="none", Statistic="Average", Period=60, EvaluationPeriods=1,
        Threshold=50, ComparisonOperator="GreaterThanThreshold", AlarmActions=[arn],
    )  # fmt: skip
    by_hand = {"AlarmName": alarm, "StateReason": "by hand"}
    for reason, count, noted in (
        (None, 1, "Failed to execute action"),
        ({"recentDatapoints": [40.0]}, 1, "Failed to execute action"),
        ({"recentDatapoints": [90.0, 55.0]}, 2, "Successfully executed action"),
    ):
        said = {} if reason is None else {"StateReasonData": json.dumps(reason)}
        scaled.cloudwatch.set_alarm_state(StateValue="ALARM", **by_hand, **said)
        assert scaled.count() == count
        [item] = scaled.cloudwatch.describe_alarm_history(
            AlarmName=alarm, HistoryItemType="Action", MaxRecords=1, ScanBy="TimestampDescending"
        )["AlarmHistoryItems"]
        assert item["HistorySummary"].startswith(noted), item
        scaled.cloudwatch.set_alarm_state(StateValue="OK", **by_hand)
    scaled.cloudwatch.delete_alarms(AlarmNames=[alarm])


def test_scheduled_actions_and_suspension(scaled: Scaled) -> None:
    scaled.register(SuspendedState={"DynamicScalingOutSuspended": True})
    scaled.track()
    scaled.load(25, minutes=3)
    assert scaled.count() == 1, "scaling out is suspended"
    for name, minutes, least in (("up", 4, 2), ("down", 60, 1)):
        scaled.scaling.put_scheduled_action(
            ScheduledActionName=name, Schedule=f"rate({minutes} minutes)", StartTime=scaled_time(scaled) + timedelta(minutes=minutes),
            ScalableTargetAction={"MinCapacity": least, "MaxCapacity": 2 if least == 2 else 1}, **scaled.which,
        )  # fmt: skip
    scaled.cloud.advance(300)
    assert scaled.count() == 2
    assert "by scheduled action up" in scaled.activities()[0]["Cause"]
    names = [
        item["ScheduledActionName"]
        for item in scaled.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    ]
    assert names == ["down", "up"]
    scaled.scaling.deregister_scalable_target(**scaled.which)
    assert scaled.scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []


def scaled_time(scaled: Scaled) -> datetime:
    """The cloud's time."""
    return datetime.fromisoformat(scaled.cloud.admin.call("status")["time"]).astimezone(UTC)


def test_a_day_under_a_curve_is_the_same_day_twice(scaled: Scaled) -> None:
    """The metric of a whole day is there; the clock is moved over it."""
    scaled.register(most=3)
    scaled.track(ScaleInCooldown=600, ScaleOutCooldown=60)
    days = []
    for _ in range(2):
        start = (scaled_time(scaled) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        scaled.cloud.advance((start - scaled_time(scaled)).total_seconds())
        curve = [25 if 8 * 60 <= minute < 18 * 60 else 1 for minute in range(24 * 60)]
        data = [
            {"MetricName": "load", "Value": value, "Timestamp": start + timedelta(minutes=minute)}
            for minute, value in enumerate(curve)
        ]
        for first in range(0, len(data), 500):
            scaled.cloudwatch.put_metric_data(Namespace=scaled.name, MetricData=data[first : first + 500])
        scaled.cloud.advance(86400 - 60)
        scaled.settled()
        found = [each for each in scaled.activities() if each["StartTime"] >= start]
        days.append([((each["StartTime"] - start).total_seconds() // 60, each["Description"]) for each in found])
    assert days[0] == days[1]
    assert [description[-2:] for _, description in reversed(days[0])] == ["3.", "1."]


def test_what_instances_use_is_measured(scaled: Scaled) -> None:
    """Developer Guide, "SageMaker AI jobs and endpoint metrics": percent, by endpoint and variant."""
    dimensions = [{"Name": "EndpointName", "Value": scaled.name}, {"Name": "VariantName", "Value": "v"}]
    now = scaled_time(scaled)
    for name in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        points = until_answer(
            lambda name=name: scaled.cloudwatch.get_metric_statistics(  # type: ignore[misc]  # bound now
                Namespace="/aws/sagemaker/Endpoints", MetricName=name, Dimensions=dimensions, Statistics=["Average"], Period=60,
                StartTime=now - timedelta(hours=20), EndTime=now + timedelta(hours=1),
            )["Datapoints"],
            lambda points: points,
            90,
        )  # fmt: skip
        assert points[0]["Unit"] == "Percent"
        assert points[0]["Average"] >= 0


def test_what_is_refused(scaled: Scaled) -> None:
    register = scaled.scaling.register_scalable_target
    gone = {**scaled.which, "ResourceId": "endpoint/gone/variant/v"}
    serverless = {**scaled.which, "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
    for call, code, words in (
        (lambda: register(**gone, MinCapacity=1, MaxCapacity=2), "ValidationException", "doesn't exist"),
        (
            lambda: register(**serverless, MinCapacity=1, MaxCapacity=2),
            "ValidationException",
            "has no provisioned concurrency",
        ),
        (
            lambda: register(
                **{**scaled.which, "ScalableDimension": "sagemaker:variant:Other"}, MinCapacity=1, MaxCapacity=2
            ),
            "ValidationException",
            "enum value set",
        ),
        (lambda: scaled.register(least=3, most=2), "ValidationException", "less than minimum"),
        (lambda: scaled.register(least=0), "ValidationException", "less than 1"),
        (scaled.track, "ObjectNotFoundException", "No scalable target found"),
    ):
        told, message = code_of(call)
        assert (told, words in message) == (code, True), message
    assert scaled.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_a_target_stays_on_its_instance_type_until_it_is_deregistered(scaled: Scaled) -> None:
    """Developer Guide, "Update endpoints that use auto scaling": an update that changes it, or takes the variant away, fails."""
    scaled.register()

    def moved(**members: Any) -> str | None:
        variant = {
            "VariantName": "v", "ModelName": scaled.name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **members,
        }  # fmt: skip
        config = f"{scaled.name}-{len(scaled.sagemaker.list_endpoint_configs()['EndpointConfigs'])}"
        scaled.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
        try:
            scaled.sagemaker.update_endpoint(EndpointName=scaled.name, EndpointConfigName=config)
        except ClientError as error:
            return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
        scaled.settled()
        return None

    refused = (
        'ValidationException: The variant(s) "[v]" must be deregistered as scalable targets with AWS Auto Scaling before they can be '
        "removed or have their instance type updated."
    )
    assert moved(InstanceType="ml.m5.xlarge") == refused
    assert moved(VariantName="w") == refused
    assert moved(InitialInstanceCount=2) is None
    scaled.scaling.deregister_scalable_target(**scaled.which)
    assert moved(InstanceType="ml.m5.xlarge") is None
    assert moved() is None


def test_what_scales_steps_aside_while_its_endpoint_moves(scaled: Scaled, own: CloudProcess) -> None:
    scaled.register(Tags={"team": "fraud"})
    scaled.track()
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    step = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    first = scaled.scaling.put_scaling_policy(
        PolicyName="step", PolicyType="StepScaling", StepScalingPolicyConfiguration=step, **scaled.which
    )["PolicyARN"]
    alarm = {
        "AlarmName": f"{scaled.name}-waits", "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    scaled.cloudwatch.put_metric_alarm(**alarm, AlarmActions=[first])
    action = {"Schedule": "rate(5 days)", "ScalableTargetAction": {"MinCapacity": 1}}
    scaled.scaling.put_scheduled_action(ScheduledActionName="s", **action, **scaled.which)

    def registered() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = scaled.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")[
            "ScalableTargets"
        ]
        return found

    def rolled_back(targets: Targets) -> None:
        with targets.aside(scaled.name, {"v"}, lambda: {"v"}):
            raise ProvisionError("rolled back")

    [before] = registered()
    with Targets(own.client).aside(scaled.name, {"v"}, lambda: {"v"}):
        assert registered() == []
    [after] = registered()
    kept = ("MinCapacity", "MaxCapacity", "SuspendedState")
    assert [after[key] for key in kept] == [before[key] for key in kept]
    assert scaled.scaling.list_tags_for_resource(ResourceARN=after["ScalableTargetARN"])["Tags"] == {"team": "fraud"}
    policies = {
        each["PolicyName"]: each for each in scaled.scaling.describe_scaling_policies(**scaled.which)["ScalingPolicies"]
    }
    assert policies.keys() == {"track", "step"}
    [waits] = scaled.cloudwatch.describe_alarms(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"]
    assert waits["AlarmActions"] == [policies["step"]["PolicyARN"]] != [first]
    assert [
        each["ScheduledActionName"]
        for each in scaled.scaling.describe_scheduled_actions(**scaled.which)["ScheduledActions"]
    ] == ["s"]

    with pytest.raises(ProvisionError, match=r"^rolled back$"):
        rolled_back(Targets(own.client))
    assert len(registered()) == 1, "what was rolled back scales on"
    with Targets(own.client).aside(scaled.name, {"v"}, frozenset):
        pass
    assert registered() == [], "a variant that went does not come back"
    scaled.cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])


def test_what_scales_goes_with_its_endpoint(own: CloudProcess) -> None:
    """Developer Guide, "Delete endpoints configured for auto scaling": deregistered, and nobody is told."""
    scaled = Scaled(own, "scaled-and-gone")
    scaled.endpoint()
    scaled.register()
    scaled.track()
    scaled.sagemaker.delete_endpoint(EndpointName=scaled.name)
    until_answer(
        lambda: own.client("sagemaker").list_endpoints(NameContains=scaled.name)["Endpoints"],
        lambda found: not found,
        60,
    )

    names = {"ServiceNamespace": "sagemaker", "ResourceId": scaled.which["ResourceId"]}
    assert scaled.scaling.describe_scaling_policies(**names)["ScalingPolicies"] == []
    scaled.sagemaker.create_endpoint(EndpointName=scaled.name, EndpointConfigName=scaled.name)
    ids = [scaled.which["ResourceId"]]
    found = scaled.scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=ids)
    assert found["ScalableTargets"] == []
    prefix = f"TargetTracking-{ids[0]}"
    assert scaled.cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"] == []


def test_targets_survive_a_kill_and_other_namespaces_are_motos(tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path)
    cloud.start()
    try:
        scaled = Scaled(cloud, "survivor")
        scaled.endpoint()
        scaled.register()
        scaled.track()
        table = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": "table/t",
            "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        }
        scaled.scaling.register_scalable_target(**table, MinCapacity=1, MaxCapacity=5)
        cloud.kill()
        cloud.start()
        scaled = Scaled(cloud, "survivor")
        until_answer(
            lambda: scaled.sagemaker.describe_endpoint(EndpointName="survivor"),
            lambda answer: answer["EndpointStatus"] == "InService",
            120,
        )
        scaled.load(25, minutes=3)
        assert scaled.count() == 3
        assert len(scaled.scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]) == 1
    finally:
        cloud.stop()
