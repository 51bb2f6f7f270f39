"""Monitors of every kind, declared, run by both carriers over the same records, told of, changed and gone: by the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fogbank.components import (
    Bias,
    DataCapture,
    Endpoint,
    Explainability,
    ModelQuality,
    ModelService,
    MonitoringSchedule,
    Violations,
)
from fogbank.contracts.capture import CaptureRecord, captured, hour_prefix
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment
from tests.waiting import until_answer

Deploy = Callable[..., Deployment]
DAILY = "cron(0 0 ? * * *)"
CARRIERS = {"scheduler": "s", "model-monitor": "m"}
DAY_S = 24 * 3600


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def kinds(threshold: float) -> dict[str, Any]:
    """A monitor of each kind that reads predictions."""
    return {
        "quality": ModelQuality("BinaryClassification", inference=0, probability=1),
        "bias": Bias({"mean_radius": [threshold]}, inference=0),
        "why": Explainability(inference=1, samples=64),
    }


def program(package: Manifest, topic: str, threshold: float = 14) -> Callable[[], dict[str, Any]]:
    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", force_destroy=True)
        live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture())
        for carrier, letter in CARRIERS.items():
            for name, kind in kinds(threshold).items():
                told = Violations(topic=topic) if name == "quality" else None
                MonitoringSchedule(
                    f"{name}-{letter}", endpoint=live, kind=kind, carrier=carrier, schedule=DAILY, on_violations=told
                )
        return {"bucket": service.bucket}

    return declare


def test_every_kind_by_both_carriers_writes_the_same_files_is_told_of_and_goes(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    sns, sqs = local_cloud.client("sns"), local_cloud.client("sqs")
    topic, queue = sns.create_topic(Name="oncall")["TopicArn"], sqs.create_queue(QueueName="oncall")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    bucket = deploy(program(package, topic), mocks=True).outputs["bucket"]
    now = datetime.fromisoformat(local_cloud.admin.call("status")["time"]).astimezone(UTC)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    local_cloud.advance((noon - now).total_seconds())
    rows = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[1:31]
    put_labelled(local_cloud, bucket, noon + timedelta(minutes=5), rows)
    fired = local_cloud.advance(DAY_S / 2 + 1800)

    assert len(fired) == 6, fired
    for name in kinds(14):
        own, models = (results(local_cloud, bucket, f"{name}-{letter}") for letter in CARRIERS.values())
        assert own, (name, fired)
        assert own == models, name
    assert {"statistics.json", "merge_report.json"} <= {
        key.rpartition("/")[2] for key in results(local_cloud, bucket, "quality-s")
    }
    violated = [
        violation["metric_name"]
        for key, body in results(local_cloud, bucket, "quality-s").items()
        if key.endswith("constraint_violations.json")
        for violation in json.loads(body)["violations"]
    ]
    assert "accuracy" in violated, "the package's own accuracy is the baseline, and every third label is another"
    told = [json.loads(json.loads(body)["Message"])["detail"] for body in messages(sqs, queue, 2)]
    assert {each["ExitMessage"].partition(":")[0] for each in told} == {"CompletedWithViolations"}


def test_a_definition_that_pulumi_aws_lacks_lives_a_whole_life(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    sagemaker = local_cloud.client("sagemaker")

    def watched(threshold: float) -> Callable[[], None]:
        def declare() -> None:
            service = ModelService("churn", package=package, image="local/churn", force_destroy=True)
            live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture())
            kind = Bias({"mean_radius": [threshold]}, inference=0)
            MonitoringSchedule("bias", endpoint=live, kind=kind, carrier="model-monitor", schedule=DAILY)

        return declare

    driver = deploy(watched(14)).driver
    assert driver is not None
    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False
    before = bias_definitions(sagemaker)
    second = deploy(watched(15)).driver
    assert second is not None
    after = bias_definitions(sagemaker)
    assert (len(before), len(after)) == (1, 1)
    assert before != after, "a definition never changes: a new one took its place"
    sagemaker.delete_model_bias_job_definition(JobDefinitionName=after[0])
    assert second.refresh(lambda _: None).changes.get("delete") == 1
    second.up(lambda _: None)
    assert len(bias_definitions(sagemaker)) == 1
    second.destroy(lambda _: None)
    assert bias_definitions(sagemaker) == []


def put_labelled(cloud: CloudProcess, bucket: str, moment: datetime, rows: list[str]) -> None:
    """Captured answers, and labels of which every third is another than the answer."""
    s3, records, truths = cloud.client("s3"), [], []
    for number, row in enumerate(rows):
        answer, probability, *features = row.split(",")
        kinds = (["text/csv"], ["application/json"])
        record = CaptureRecord(
            event_id=f"e{number}",
            time=moment + timedelta(seconds=number),
            input=captured((",".join(features) + "\n").encode(), "text/csv", "INPUT", *kinds),
            output=captured(f"{answer},{probability}\n".encode(), "text/csv", "OUTPUT", *kinds),
        )
        label = answer if number % 3 else str(1 - int(answer))
        truth = {
            "groundTruthData": {"data": label, "encoding": "CSV"},
            "eventMetadata": {"eventId": f"e{number}"},
            "eventVersion": "0",
        }
        records.append(record.line())
        truths.append(json.dumps(truth))
    key = f"{hour_prefix('churn-live', 'AllTraffic', moment)}05-00-000-a.jsonl"
    s3.put_object(Bucket=bucket, Key=f"capture/{key}", Body="\n".join(records).encode())
    s3.put_object(Bucket=bucket, Key=f"truth/{moment:%Y/%m/%d/%H}/a.jsonl", Body="\n".join(truths).encode())


def results(cloud: CloudProcess, bucket: str, schedule: str) -> dict[str, bytes]:
    """What a schedule wrote, by the names below its own folder."""
    s3, prefix = cloud.client("s3"), f"monitor/results/churn-live/{schedule}/"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        item["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found
    }


def messages(sqs: Any, queue: str, count: int) -> list[str]:
    """So many messages of a queue."""
    found: list[str] = []

    def look() -> list[str]:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    return until_answer(look, lambda bodies: len(bodies) >= count)


def bias_definitions(sagemaker: Any) -> list[str]:
    """The names of bias monitors' definitions."""
    listed = sagemaker.list_model_bias_job_definitions()["JobDefinitionSummaries"]
    return [item["MonitoringJobDefinitionName"] for item in listed]
