"""Where the failures of schedules go: a queue of their own, by a dead letter and by a rule on jobs that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fogbank.components import BatchTransform, DataCapture, Endpoint, Failures, ModelService, MonitoringSchedule
from fogbank.components.failures import pattern, queue_policy
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.names import job_prefix
from fogbank.testing import CloudProcess, Deployment
from tests.waiting import until_answer

Deploy = Callable[..., Deployment]


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def test_what_a_schedule_could_not_start_lies_in_its_queue(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    topic = local_cloud.client("sns").create_topic(Name="oncall")["TopicArn"]

    def program() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="i", force_destroy=True)
        live = Endpoint("live", service=service, capture=DataCapture())
        BatchTransform("nightly", service=service, schedule="cron(0 2 * * ? *)", failures=Failures(topic=topic))
        MonitoringSchedule("quality", endpoint=live, failures=Failures(keep_days=1))
        return {"model": service.model_name}

    deployed = deploy(program)
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)
    local_cloud.client("sagemaker").delete_model(ModelName=deployed.outputs["model"])
    fired = {item["name"]: item["result"] for item in local_cloud.advance(24 * 3600 + 60)}
    assert "sent to the dead-letter queue nightly-failures" in fired["EventBridge schedule nightly"]

    sqs, events = local_cloud.client("sqs"), local_cloud.client("events")
    (url,) = sqs.list_queues(QueueNamePrefix="nightly-failures")["QueueUrls"]
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert "Could not find model" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert json.loads(message["Body"])["ModelName"] == deployed.outputs["model"]
    (rule,) = events.list_rules(NamePrefix="nightly-failed")["Rules"]
    arns = {target["Arn"] for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]}
    assert topic in arns
    assert len(arns) == 2
    assert json.loads(rule["EventPattern"]) == json.loads(pattern("Transform", job_prefix("nightly")))


def test_a_job_that_fails_is_told_to_the_queue(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, unique: str
) -> None:
    def program() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="i", force_destroy=True)
        BatchTransform("nightly", service=service, schedule="cron(0 0 1 1 ? 2099)", failures=Failures())
        return {"model": service.model_name}

    model = deploy(program).outputs["model"]
    s3, sagemaker, sqs = (local_cloud.client(name) for name in ("s3", "sagemaker", "sqs"))
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="in/rows.csv", Body=b"these,are,no,numbers\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{unique}/in/"}}
    job = f"{job_prefix('nightly')}1"
    sagemaker.create_transform_job(
        TransformJobName=job, ModelName=model, TransformOutput={"S3OutputPath": f"s3://{unique}/out"},
        TransformInput={"DataSource": source, "ContentType": "text/csv"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )  # fmt: skip
    (url,) = sqs.list_queues(QueueNamePrefix="nightly-failures")["QueueUrls"]
    (message,) = until_answer(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []), len)
    event = json.loads(message["Body"])

    assert (event["source"], event["detail"]["TransformJobName"]) == ("aws.sagemaker", job)
    assert "row 1" in event["detail"]["FailureReason"]


def test_the_events_are_those_of_a_schedules_own_jobs_that_failed() -> None:
    assert json.loads(pattern("Processing", "churn-quality-")) == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Processing Job State Change"],
        "detail": {"ProcessingJobStatus": ["Failed"], "ProcessingJobName": [{"prefix": "churn-quality-"}]},
    }
    statement = json.loads(queue_policy("q", "r"))["Statement"][0]
    assert (statement["Resource"], statement["Condition"]) == ("q", {"ArnEquals": {"aws:SourceArn": "r"}})


def test_what_cannot_be_is_refused(deploy: Deploy, package: Manifest) -> None:
    with pytest.raises(ValueError, match="keep_days must be 1 to 14"):
        Failures(keep_days=15)

    def program() -> None:
        service = ModelService("churn", package=package, image="i")
        live = Endpoint("live", service=service, capture=DataCapture())
        MonitoringSchedule("quality", endpoint=live, carrier="model-monitor", failures=Failures())

    with pytest.raises(ValueError, match="failures are the scheduler's"):
        deploy(program, mocks=True)
