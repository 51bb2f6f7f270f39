"""A month of monitoring by both carriers: EventBridge Scheduler with fogbank's analyzer, and Model Monitor, write the same files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fogbank.components import DataCapture, Endpoint, ModelService, MonitoringSchedule
from fogbank.contracts.capture import CaptureRecord, captured, hour_prefix
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment

Deploy = Callable[..., Deployment]
DAYS = 30
DAILY = "cron(0 0 ? * * *)"
CARRIERS = ("scheduler", "model-monitor")


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def program(package: Manifest) -> Callable[[], dict[str, Any]]:
    """An endpoint, watched once a day by each carrier."""

    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", force_destroy=True)
        live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture(sampling=100))
        for carrier in CARRIERS:
            MonitoringSchedule(carrier, endpoint=live, carrier=carrier, schedule=DAILY)
        return {"bucket": service.bucket}

    return declare


def test_a_month_by_both_carriers_is_the_same_file_by_file(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    noon = at_noon(local_cloud)
    bucket = deploy(program(package), mocks=True).outputs["bucket"]
    rows = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[1:61]
    put_month(local_cloud, bucket, noon, rows)
    fired = local_cloud.advance(timedelta(days=DAYS).total_seconds())

    own, models = (results(local_cloud, bucket, carrier) for carrier in CARRIERS)
    assert len(fired) == 2 * DAYS
    assert own == models
    violations = [json.loads(body)["violations"] for name, body in own.items() if name.endswith("violations.json")]
    assert len(violations) == DAYS - 1, "on one day there was no traffic"
    assert sum(bool(each) for each in violations) == DAYS // 2
    assert sum(name.endswith("bad_records.json") for name in own) == 1
    streams = [json.loads(own[name]) for name in sorted(own) if name.endswith("stream.json")]
    assert [each["windows"] for each in streams] == list(range(1, DAYS)), "each goes on from the one before"
    assert {each["since"] for each in streams} == {streams[0]["since"]}
    assert [bool(each["shifted"]) for each in streams] == [day >= DAYS // 2 for day in range(DAYS) if day != 9]
    failed = [item for item in fired if "Failed" in item["result"]]
    assert len(failed) == 2
    assert all("Job inputs had no data" in item["result"] for item in failed)


def test_two_instances_write_the_files_of_one_by_both_carriers(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", force_destroy=True)
        live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture(sampling=100))
        for carrier in CARRIERS:
            MonitoringSchedule(f"{carrier}-2", endpoint=live, carrier=carrier, schedule=DAILY, instance_count=2)
        MonitoringSchedule("one", endpoint=live, schedule=DAILY)
        return {"bucket": service.bucket}

    noon = at_noon(local_cloud)
    bucket = deploy(declare, mocks=True).outputs["bucket"]
    rows = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[1:61]
    for day in range(2):
        for part in range(3):
            moment = noon + timedelta(days=day, hours=5)
            lines = [record(moment, f"{9 * day or ''}{row}") for row in rows[20 * part : 20 * (part + 1)]]
            key = f"capture/{hour_prefix('churn-live', 'AllTraffic', moment)}05-00-00{part}-{day}.jsonl"
            local_cloud.client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    local_cloud.advance(timedelta(days=2).total_seconds())

    one, *several = (results(local_cloud, bucket, name) for name in ("one", *(f"{carrier}-2" for carrier in CARRIERS)))
    jobs = local_cloud.client("sagemaker").list_processing_jobs(MaxResults=100)["ProcessingJobSummaries"]
    counts = [
        local_cloud.client("sagemaker").describe_processing_job(ProcessingJobName=job["ProcessingJobName"])[
            "ProcessingResources"
        ]["ClusterConfig"]["InstanceCount"]
        for job in jobs
    ]
    assert (len(one), sorted(counts)) == (10, [1, 1, 2, 2, 2, 2])
    assert several == [one, one]


def at_noon(cloud: CloudProcess) -> datetime:
    """Move the clock to tomorrow's noon: no midnight comes between a test's own steps."""
    now = datetime.fromisoformat(cloud.admin.call("status")["time"]).astimezone(UTC)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    cloud.advance((noon - now).total_seconds())
    return noon


def put_month(cloud: CloudProcess, bucket: str, noon: datetime, rows: list[str]) -> None:
    """Captured records: drifting from the middle of the month on, none on the tenth day, and on the third a line that is none."""
    for day in range(DAYS):
        moment = noon + timedelta(days=day, hours=5)
        shift = "" if day < DAYS // 2 else "9"
        lines = [record(moment + timedelta(seconds=number), shift + row) for number, row in enumerate(rows)]
        torn = ["{"] if day == 2 else []
        if day != 9:
            key = f"capture/{hour_prefix('churn-live', 'AllTraffic', moment)}05-00-000-{day}.jsonl"
            cloud.client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join([*lines, *torn]).encode())


def record(moment: datetime, row: str) -> str:
    """A captured request with its answer."""
    label, *features = row.split(",")
    kinds = (["text/csv"], ["application/json"])
    return CaptureRecord(
        event_id="e",
        time=moment,
        input=captured((",".join(features) + "\n").encode(), "text/csv", "INPUT", *kinds),
        output=captured(f"{label}\n".encode(), "text/csv", "OUTPUT", *kinds),
    ).line()


def results(cloud: CloudProcess, bucket: str, schedule: str) -> dict[str, bytes]:
    """What a schedule wrote, by the names below its own folder."""
    s3, prefix = cloud.client("s3"), f"monitor/results/churn-live/{schedule}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
