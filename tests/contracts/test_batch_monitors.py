"""Monitors of what a BatchTransform captured: every kind by both carriers over the same jobs, and a whole life by the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fogbank.components import (
    BatchTransform,
    Bias,
    DataProcessing,
    DataQuality,
    Explainability,
    ModelQuality,
    ModelService,
    MonitoringSchedule,
    Once,
)
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment
from tests.contracts.test_carriers import at_noon
from tests.contracts.test_monitor_kinds import CARRIERS, DAILY, DAY_S

Deploy = Callable[..., Deployment]
ROWS = 24


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def kinds(columns: int, threshold: float) -> dict[str, Any]:
    """A monitor of each kind: the answer comes behind the row's own columns."""
    return {
        "data": DataQuality(),
        "quality": ModelQuality("BinaryClassification", inference=columns, probability=columns + 1),
        "bias": Bias({"mean_radius": [threshold]}, inference=columns),
        "why": Explainability(inference=1, samples=32),
    }


def program(package: Manifest, bucket: str, threshold: float = 14, **batch: Any) -> Callable[[], dict[str, Any]]:
    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", bucket=bucket)
        scores = BatchTransform(
            "scores", service=service, processing=DataProcessing(join_source="Input"), capture_prefix="batch/captured/",
            inference_ids=True, **{"schedule": Once(), **batch},
        )  # fmt: skip
        for carrier, letter in CARRIERS.items():
            for name, kind in kinds(len(package.package.input.names), threshold).items():
                MonitoringSchedule(f"{name}-{letter}", batch=scores, kind=kind, carrier=carrier, schedule=DAILY)
        return {"job": scores.job_name}

    return declare


def test_every_kind_by_both_carriers_writes_the_same_files_of_a_batch(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig, unique: str
) -> None:
    s3, moment = local_cloud.client("s3"), at_noon(local_cloud)
    lines = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[1 : ROWS + 1]
    features = [line.split(",", 2)[2] for line in lines]
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="batch/in/rows.csv", Body="\n".join(features).encode() + b"\n")
    deploy(program(package, unique), mocks=True)
    answers = s3.get_object(Bucket=unique, Key="batch/out/rows.csv.out")["Body"].read().decode().splitlines()
    truths = [truth(line.split(",")[-2], number % 2) for number, line in enumerate(answers)]
    s3.put_object(Bucket=unique, Key=f"truth/{moment:%Y/%m/%d/%H}/a.jsonl", Body="\n".join(truths).encode())
    fired = local_cloud.advance(DAY_S / 2 + 1800)

    assert len(answers) == ROWS
    assert len(fired) == 8, fired
    found = {name: [results(s3, unique, f"{name}-{letter}") for letter in CARRIERS.values()] for name in kinds(30, 14)}
    for name, (own, models) in found.items():
        assert own, (name, fired)
        assert own == models, name
    [statistics] = [json.loads(body) for key, body in found["data"][0].items() if key.endswith("statistics.json")]
    assert [item["name"] for item in statistics["features"]] == list(package.package.input.names)
    [violated] = [json.loads(body) for key, body in found["data"][0].items() if key.endswith("violations.json")]
    assert {item["constraint_check_type"] for item in violated["violations"]} <= {"baseline_drift_check"}
    [judged] = [json.loads(body) for key, body in found["quality"][0].items() if key.endswith("violations.json")]
    assert "accuracy" in {item["metric_name"] for item in judged["violations"]}, "every second label is another"


def test_monitors_of_a_batch_live_a_whole_life(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, unique: str
) -> None:
    local_cloud.client("s3").create_bucket(Bucket=unique)
    nightly: dict[str, Any] = {"schedule": "cron(0 2 * * ? *)"}
    driver = deploy(program(package, unique, **nightly)).driver
    assert driver is not None
    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False
    sagemaker = local_cloud.client("sagemaker")
    schedules = {
        name["MonitoringScheduleName"] for name in sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    }
    assert schedules == {f"{name}-m" for name in kinds(30, 14)}
    before = sagemaker.list_model_bias_job_definitions()["JobDefinitionSummaries"]
    changed = deploy(program(package, unique, threshold=15, **nightly)).driver
    after = sagemaker.list_model_bias_job_definitions()["JobDefinitionSummaries"]
    assert len(before) == len(after) == 1
    assert before != after
    assert changed is not None
    changed.destroy(lambda _: None)
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []
    assert sagemaker.list_data_quality_job_definitions()["JobDefinitionSummaries"] == []
    assert local_cloud.client("scheduler").list_schedules()["Schedules"] == []


def truth(inference_id: str, label: int) -> str:
    """A line of ground truth."""
    data = {"data": str(label), "encoding": "CSV"}
    return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": inference_id}, "eventVersion": "0"})


def results(s3: Any, bucket: str, schedule: str) -> dict[str, bytes]:
    """What a schedule wrote, by the names below its own folder."""
    prefix = f"monitor/results/{schedule}/"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        item["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found
    }
