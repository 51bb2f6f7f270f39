"""The AWS API wire: asynchronous endpoints, by unmodified boto3 against real local clouds.

Sources: botocore's model of InvokeEndpointAsync; the Developer Guide's "Asynchronous inference".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import archive
from tests.contracts.aws.served import ROLE, code_of
from tests.waiting import until, until_answer

CODE = """
import os, time
from pathlib import Path

def model_fn(folder):
    return None

def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else data.decode()
    if text == "bad":
        raise ValueError("bad input")
    if text.startswith("wait "):
        place = Path(text[5:])
        (place / f"asked-{os.getpid()}-{time.time_ns()}").touch()
        while not (place / "go").exists():
            time.sleep(0.01)
    return f"{text}!", "text/plain"
"""


class Asynchronous:
    """An asynchronous endpoint, a bucket and two topics with a queue behind them."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        self.s3, self.sagemaker = cloud.client("s3"), cloud.client("sagemaker")
        self.s3.create_bucket(Bucket=name)
        self.s3.put_object(Bucket=name, Key="m.tar.gz", Body=archive(CODE))
        container = {"Image": "i", "ModelDataUrl": f"s3://{name}/m.tar.gz"}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        self.queue = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        queue = cloud.client("sqs").get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        self.topics = {}
        for kind in ("SuccessTopic", "ErrorTopic"):
            topic = cloud.client("sns").create_topic(Name=f"{name}-{kind}")["TopicArn"]
            target = queue["Attributes"]["QueueArn"]
            cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=target)
            self.topics[kind] = topic

    def config(self, suffix: str = "", *, most: int = 2, **notified: Any) -> str:
        output = {
            "S3OutputPath": f"s3://{self.name}/out/",
            "S3FailurePath": f"s3://{self.name}/failed",
            "NotificationConfig": {**self.topics, **notified},
        }
        variant = {"VariantName": "v", "ModelName": self.name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=self.name + suffix,
            ProductionVariants=[variant],
            AsyncInferenceConfig={
                "OutputConfig": output,
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": most},
            },
        )
        return self.name + suffix

    def endpoint(self, **config: Any) -> None:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.config(**config))
        assert self.settled()["EndpointStatus"] == "InService"

    def settled(self) -> dict[str, Any]:
        return until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda answer: answer["EndpointStatus"] not in {"Creating", "Updating", "SystemUpdating"},
            120,
        )

    def scale(self, count: int) -> None:
        wanted = [{"VariantName": "v", "DesiredInstanceCount": count}]
        self.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=self.name, DesiredWeightsAndCapacities=wanted
        )
        self.settled()

    def put(self, text: str, key: str = "in/1") -> str:
        self.s3.put_object(Bucket=self.name, Key=key, Body=text.encode())
        return f"s3://{self.name}/{key}"

    def ask(self, **extra: Any) -> dict[str, Any]:
        runtime = self.cloud.client("sagemaker-runtime")
        answer: dict[str, Any] = runtime.invoke_endpoint_async(EndpointName=self.name, **extra)
        return answer

    def read(self, uri: str) -> bytes | None:
        key = uri.removeprefix(f"s3://{self.name}/")
        try:
            body: bytes = self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        return body

    def output(self, answer: dict[str, Any]) -> bytes:
        return until_answer(lambda: self.read(answer["OutputLocation"]), lambda body: body is not None, 60) or b""

    def messages(self, count: int) -> list[dict[str, Any]]:
        """So many messages of outcomes, and no more; the tests that SageMaker sends first are counted apart."""
        told: list[dict[str, Any]] = []
        sqs = self.cloud.client("sqs")

        def receive() -> int:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                told.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return len([each for each in told if each["eventName"] == "InferenceResult"])

        until(lambda: receive() >= count, 60)
        receive()
        self.tests = [each for each in told if each["eventName"] == "TestNotification"]
        return [each for each in told if each["eventName"] == "InferenceResult"]

    def metric(self, name: str, statistic: str = "Sum", *, variant: bool = True) -> list[float]:
        self.cloud.admin.call("flush")
        dimensions = [{"Name": "EndpointName", "Value": self.name}]
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[*dimensions, *([{"Name": "VariantName", "Value": "v"}] if variant else [])],
            StartTime=datetime.now(UTC) - timedelta(minutes=30),
            EndTime=datetime.now(UTC) + timedelta(hours=20),
            Period=60,
            Statistics=[statistic],
        )["Datapoints"]
        return [point[statistic] for point in sorted(points, key=lambda point: point["Timestamp"])]


@pytest.fixture
def asynchronous(shared_cloud: CloudProcess, unique: str) -> Asynchronous:
    return Asynchronous(shared_cloud, unique)


@pytest.fixture
def own(tmp_path: Path, unique: str) -> Iterator[Asynchronous]:
    """On a cloud of the test's own, which may be killed, and whose clock may be moved."""
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    yield Asynchronous(cloud, unique)
    cloud.stop()


def test_a_request_is_accepted_and_its_answer_lies_in_s3_and_is_told(asynchronous: Asynchronous) -> None:
    asynchronous.endpoint(IncludeInferenceResponseIn=["SUCCESS_NOTIFICATION_TOPIC"])
    location = asynchronous.put("hello")
    answer = asynchronous.ask(InputLocation=location, ContentType="text/x", Accept="text/plain", InferenceId="mine")
    output = asynchronous.output(answer)
    [message] = asynchronous.messages(1)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"].startswith(f"s3://{asynchronous.name}/out/")
    assert answer["OutputLocation"].endswith(".out")
    assert answer["FailureLocation"].startswith(f"s3://{asynchronous.name}/failed/")
    assert answer["FailureLocation"].endswith("-error.out")
    assert output == b"hello!"
    times = {key: message.pop(key) for key in ("eventTime", "receivedTime")}
    assert all(datetime.fromisoformat(time).tzinfo is not None for time in times.values())
    assert message == {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {
            "contentType": "text/x",
            "accept": "text/plain",
            "endpointName": asynchronous.name,
            "inputLocation": location,
        },
        "responseParameters": {"contentType": "text/plain", "outputLocation": answer["OutputLocation"]},
        "responseBody": {"content": "aGVsbG8h", "encoding": "BASE64"},
        "inferenceId": "mine",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert (
        asynchronous.tests
        == [{"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"}] * 2
    )
    described = asynchronous.settled()["AsyncInferenceConfig"]
    assert described["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 2}


def test_a_body_of_its_own_a_file_name_and_a_folder(asynchronous: Asynchronous) -> None:
    asynchronous.endpoint()
    answer = asynchronous.ask(Body=b"here", Filename="named.txt", S3OutputPathExtension="a/b")

    assert answer["OutputLocation"] == f"s3://{asynchronous.name}/out/a/b/named.txt"
    assert asynchronous.output(answer) == b"here!"
    [message] = asynchronous.messages(1)
    assert message["inferenceId"] == answer["InferenceId"]
    assert "inputLocation" not in message["requestParameters"]


def test_what_fails_is_told_on_the_other_topic_with_the_containers_words_in_s3(asynchronous: Asynchronous) -> None:
    asynchronous.endpoint(IncludeInferenceResponseIn=["ERROR_NOTIFICATION_TOPIC"])
    bad = asynchronous.ask(InputLocation=asynchronous.put("bad"), InferenceId="bad")
    asynchronous.ask(InputLocation=f"s3://{asynchronous.name}/none", InferenceId="none")
    told = {message["inferenceId"]: message for message in asynchronous.messages(2)}

    reason = "ClientError: Received server error (500) from model. See the SageMaker Endpoint logs in your account for more information."
    assert (told["bad"]["invocationStatus"], told["bad"]["failureReason"]) == ("Failed", reason)
    assert told["bad"]["responseParameters"]["failureLocation"] == bad["FailureLocation"]
    assert "responseBody" in told["bad"]
    assert b"bad input" in (asynchronous.read(bad["FailureLocation"]) or b"")
    assert asynchronous.read(bad["OutputLocation"]) is None
    assert "NoSuchKey" in told["none"]["failureReason"]
    assert "responseParameters" not in told["none"]
    assert asynchronous.metric("InvocationFailures") == [2.0]
    assert asynchronous.metric("RequestDownloadFailures") == [1.0]
    assert asynchronous.metric("Invocation5XXErrors") == [1.0]


def test_an_invocation_that_takes_too_long_has_failed(asynchronous: Asynchronous, tmp_path: Path) -> None:
    asynchronous.endpoint()
    asynchronous.ask(Body=f"wait {tmp_path}".encode(), InvocationTimeoutSeconds=1)
    [message] = asynchronous.messages(1)
    (tmp_path / "go").touch()

    assert message["failureReason"].startswith("ClientError: Your invocation timed out while waiting for a response")


def test_each_kind_of_call_has_its_kind_of_endpoint(asynchronous: Asynchronous) -> None:
    asynchronous.endpoint()
    real_time = {
        "VariantName": "v",
        "ModelName": asynchronous.name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    name = f"{asynchronous.name}-rt"
    asynchronous.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[real_time])
    asynchronous.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    asynchronous.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    runtime = asynchronous.cloud.client("sagemaker-runtime")
    ask = partial(runtime.invoke_endpoint_async, EndpointName=asynchronous.name)

    code, said = code_of(lambda: runtime.invoke_endpoint(EndpointName=asynchronous.name, Body=b"x"))
    assert (code, "is asynchronous. Call InvokeEndpointAsync instead" in said) == ("ValidationError", True)
    code, said = code_of(lambda: runtime.invoke_endpoint_async(EndpointName=name, Body=b"x"))
    assert (code, "is not an asynchronous endpoint" in said) == ("ValidationError", True)
    code, said = code_of(lambda: runtime.invoke_endpoint_async(EndpointName="none", Body=b"x"))
    assert (code, said) == ("ValidationError", "Endpoint none of account 123456789012 not found.")
    for given, wrong in (
        ({}, "Exactly one of Body and InputLocation must be given."),
        ({"Body": b"x", "InputLocation": "s3://b/k"}, "Exactly one of Body and InputLocation must be given."),
        ({"Body": b"x" * 128_001}, "The body of 128001 bytes is over the limit of 128000 bytes"),
        ({"Body": b"x", "RequestTTLSeconds": 21601}, "Member must have value less than or equal to 21600"),
        ({"Body": b"x", "InvocationTimeoutSeconds": 3601}, "Member must have value less than or equal to 3600"),
        ({"Body": b"x", "Filename": "a.b.c"}, "satisfy regular expression pattern"),
        ({"InputLocation": "https://h/k"}, "InputLocation must be an S3 URI"),
    ):
        code, said = code_of(lambda given=given: ask(**given))  # type: ignore[misc]  # bound now
        assert (code, wrong in said) == ("ValidationError", True), said


def test_no_more_at_once_than_an_instance_may_have(asynchronous: Asynchronous, tmp_path: Path) -> None:
    asynchronous.endpoint(most=1)
    for _ in range(3):
        asynchronous.ask(Body=f"wait {tmp_path}".encode())
    until(lambda: any(tmp_path.iterdir()), 60)
    sizes = asynchronous.metric("ApproximateBacklogSize", "Maximum", variant=False)
    (tmp_path / "go").touch()
    asynchronous.messages(3)

    assert max(sizes) == 3.0
    assert sum(asynchronous.metric("InvocationsProcesssed")) == 3.0
    assert max(asynchronous.metric("ApproximateBacklogSizePerInstance", "Maximum", variant=False)) == 3.0
    assert max(asynchronous.metric("HasBacklogWithoutCapacity", "Maximum", variant=False)) == 0.0
    assert asynchronous.metric("ApproximateBacklogSize", "Minimum", variant=False)[-1] == 0.0
    for name in ("Invocations", "InvocationsPerInstance", "OverheadLatency"):
        assert asynchronous.metric(name) == [], name
    for name in ("ModelLatency", "ResponseUploadLatency", "TimeInBacklog", "TotalProcessingTime"):
        assert asynchronous.metric(name), name


def test_without_instances_requests_wait_and_are_too_old_by_the_clouds_clock(own: Asynchronous) -> None:
    own.endpoint()
    own.scale(0)
    assert own.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    own.ask(Body=b"late", RequestTTLSeconds=60, InferenceId="late")
    kept = own.ask(Body=b"kept", InferenceId="kept")
    own.cloud.admin.call("advance", seconds=120)
    [message] = own.messages(1)

    assert (message["inferenceId"], message["invocationStatus"]) == ("late", "Failed")
    assert "has expired" in message["failureReason"]
    assert own.metric("ExpiredRequests") == [1.0]
    own.cloud.admin.call("advance", seconds=600)
    assert len(own.metric("HasBacklogWithoutCapacity", "Maximum", variant=False)) >= 12, "each minute has its point"
    assert max(own.metric("HasBacklogWithoutCapacity", "Maximum", variant=False)) == 1.0
    assert max(own.metric("ApproximateAgeOfOldestRequest", "Maximum", variant=False)) >= 60
    own.scale(1)
    assert own.output(kept) == b"kept!"


def test_application_auto_scaling_takes_its_instances_away_and_brings_them_back_for_a_backlog(
    own: Asynchronous,
) -> None:
    own.endpoint()
    scaling = own.cloud.client("application-autoscaling")
    which = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{own.name}/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**which, MinCapacity=0, MaxCapacity=2)
    scaling.put_scheduled_action(
        **which, ScheduledActionName="night", Schedule="rate(1 hour)",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 0},
    )  # fmt: skip
    own.cloud.advance(3600)
    assert own.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 0

    scaling.delete_scheduled_action(**which, ScheduledActionName="night")
    scaling.register_scalable_target(**which, MinCapacity=0, MaxCapacity=2)
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    policy = scaling.put_scaling_policy(
        **which, PolicyName="wake", PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps},
    )  # fmt: skip
    own.cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="wake", Namespace="AWS/SageMaker", MetricName="HasBacklogWithoutCapacity", Statistic="Average",
        Dimensions=[{"Name": "EndpointName", "Value": own.name}], Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold", AlarmActions=[policy["PolicyARN"]],
    )  # fmt: skip
    asked = own.ask(Body=b"woken")
    own.cloud.advance(300)
    assert own.output(asked) == b"woken!"
    assert own.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_what_was_accepted_survives_kill_9_once_each(own: Asynchronous, tmp_path: Path) -> None:
    own.endpoint()
    answers = [own.ask(Body=f"wait {tmp_path}".encode(), InferenceId=f"r{index}") for index in range(6)]
    until(lambda: any(tmp_path.iterdir()), 60)
    own.cloud.kill()
    (tmp_path / "go").touch()
    own.cloud.start()

    assert [own.output(answer) for answer in answers] == [f"wait {tmp_path}!".encode()] * 6
    told = own.messages(6)
    assert sorted(message["inferenceId"] for message in told) == [f"r{index}" for index in range(6)]


def test_a_cloud_that_is_killed_again_and_again_tells_each_outcome_once(own: Asynchronous) -> None:
    own.endpoint()
    answers = []
    for turn in range(3):
        answers += [own.ask(Body=f"{turn}-{index}".encode(), InferenceId=f"{turn}-{index}") for index in range(10)]
        own.cloud.kill()
        own.cloud.start()
        own.s3 = own.cloud.client("s3")
    told = own.messages(30)

    assert [own.output(answer) for answer in answers] == [
        f"{turn}-{index}!".encode() for turn in range(3) for index in range(10)
    ]
    assert sorted(message["inferenceId"] for message in told) == sorted(
        f"{turn}-{index}" for turn in range(3) for index in range(10)
    )


def test_a_stop_and_a_reset_do_not_wait_for_what_takes_an_hour(own: Asynchronous, tmp_path: Path) -> None:
    own.endpoint()
    kept = own.ask(Body=f"wait {tmp_path}".encode())
    until(lambda: any(tmp_path.iterdir()), 60)
    own.cloud.stop()
    asked = len(list(tmp_path.iterdir()))
    own.cloud.start()
    own.s3 = own.cloud.client("s3")
    until(lambda: len(list(tmp_path.iterdir())) > asked, 60)
    own.cloud.admin.call("reset")
    assert own.cloud.client("sagemaker").list_endpoints()["Endpoints"] == []

    again = Asynchronous(own.cloud, f"{own.name}-2")
    again.endpoint()
    assert again.output(again.ask(Body=b"new")) == b"new!"
    assert kept["OutputLocation"].startswith(f"s3://{own.name}/")


def test_what_waits_for_an_endpoint_that_is_deleted_is_not_the_next_ones(own: Asynchronous) -> None:
    own.endpoint()
    own.scale(0)
    lost = own.ask(Body=b"lost")
    own.sagemaker.delete_endpoint(EndpointName=own.name)
    own.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=own.name, WaiterConfig={"Delay": 1})
    own.sagemaker.create_endpoint(EndpointName=own.name, EndpointConfigName=own.name)
    own.settled()
    found = own.ask(Body=b"found")

    assert own.output(found) == b"found!"
    assert own.read(lost["OutputLocation"]) is None
    assert len(own.messages(1)) == 1
