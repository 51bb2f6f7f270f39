"""Monitors that EventBridge Scheduler carries: run over what no job has looked at, and read from the window's own folder."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.analysis import CREATE_PROCESSING_JOB, encoded, looked_at, over
from fogbank.contracts.errors import DataError
from fogbank.contracts.monitoring import exit_message
from fogbank.contracts.names import job_prefix
from fogbank.contracts.processing import ProcessingRequest
from fogbank.contracts.scheduler import universal_target
from fogbank.project.monitoring.monitor import history, newest_verdict
from fogbank.project.monitoring.scheduled_monitor import analyses, run_analysis, scheduled_analysis
from tests.unit.contracts.test_analysis import ANALYSIS, NOON

NAME = ANALYSIS.schedule
CREATED = NOON - timedelta(days=2)
VIOLATION = {"feature_name": "age", "constraint_check_type": "data_type_check", "description": "text"}


def job(name: str, end: datetime, status: str = "Completed", schedule: str = NAME, **members: str) -> dict[str, Any]:
    """A job as DescribeProcessingJob tells it."""
    request = over(ANALYSIS.request(), job=name, start=end - timedelta(hours=1), end=end)
    environment = {**(request.environment or {}), "sagemaker_monitoring_schedule_name": schedule}
    return {
        **request.encode(),
        "Environment": environment,
        "ProcessingJobStatus": status,
        "CreationTime": end,
        **members,
    }


@dataclass
class Aws:
    """EventBridge Scheduler with one schedule, SageMaker with its jobs, newest first, and S3."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, object] = field(default_factory=dict)
    target: dict[str, str] = field(
        default_factory=lambda: {
            "Arn": universal_target("aws", CREATE_PROCESSING_JOB), "Input": encoded(ANALYSIS.request())
        }
    )  # fmt: skip
    started: list[ProcessingRequest] = field(default_factory=list)

    class exceptions:  # noqa: N801 - boto3's name
        """What a client may raise."""

        ResourceNotFoundException = LookupError

    def __call__(self, _: str) -> Aws:
        return self

    def get_schedule(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if Name != NAME:
            raise LookupError(Name)
        return {"Name": Name, "Target": self.target, "CreationDate": CREATED}

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "list_processing_jobs"
        return self

    def paginate(self, **query: str) -> list[dict[str, Any]]:
        assert query == {"NameContains": job_prefix(NAME), "SortBy": "CreationTime", "SortOrder": "Descending"}
        return [{"ProcessingJobSummaries": [each]} for each in self.jobs]

    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return next(each for each in self.jobs if each["ProcessingJobName"] == ProcessingJobName)

    def create_processing_job(self, **request: Any) -> None:
        self.started.append(ProcessingRequest.decode(request))
        message = "CompletedWithViolations: Job completed successfully with 1 violations."
        self.jobs.insert(
            0, {**request, "ProcessingJobStatus": "Completed", "ExitMessage": message, "CreationTime": NOON}
        )

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if f"{Bucket}/{Key}" not in self.files:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(json.dumps(self.files[f"{Bucket}/{Key}"]).encode())}


def run(aws: Aws) -> tuple[datetime | None, datetime | None]:
    """Run it now; the window that was asked for."""
    analysis = scheduled_analysis(aws, NAME)
    assert analysis is not None
    run_analysis(aws, analysis, NOON + timedelta(hours=5), lambda _: None)
    [request] = aws.started
    settings = looked_at(request.environment or {})
    assert settings is not None
    return settings.start, settings.end


@pytest.mark.parametrize(
    ("jobs", "since"),
    [
        ([], CREATED),
        ([job("b", NOON), job("a", NOON - timedelta(hours=1))], NOON),
        ([job("b", NOON, "Failed", FailureReason="AlgorithmError: Job inputs had no data")], NOON),
        ([job("b", NOON, "Failed", FailureReason="it broke"), job("a", NOON - timedelta(hours=1))], NOON - timedelta(hours=1)),
        ([job("b", NOON, "Stopped")], CREATED),
        ([job("b", NOON, schedule=f"{NAME}-too")], CREATED),
        ([{"ProcessingJobName": "own", "ProcessingJobStatus": "Completed"}], CREATED),
    ],
)  # fmt: skip
def test_it_looks_at_what_no_job_has_looked_at(jobs: list[dict[str, Any]], since: datetime) -> None:
    assert run(Aws(jobs=jobs)) == (since, NOON + timedelta(hours=5))


def test_a_verdict_is_what_the_newest_job_wrote_to_its_windows_folder() -> None:
    folder = f"bucket/monitor/results/{ANALYSIS.endpoint}/{NAME}/2026/11/25/12"
    files: dict[str, object] = {
        f"{folder}/constraint_violations.json": {"violations": [VIOLATION]},
        f"{folder}/statistics.json": {"version": 0},
    }
    message = exit_message(1, 2, "a.jsonl line 1: it is not JSON")
    aws = Aws(jobs=[job("b", NOON, ExitMessage=message), job("a", NOON - timedelta(hours=1))], files=files)
    analysis = scheduled_analysis(aws, NAME)
    assert analysis is not None
    [verdict, _] = analyses(aws, analysis, whole=True)

    assert (verdict.status, verdict.scheduled) == ("CompletedWithViolations", NOON.astimezone(UTC))
    assert (verdict.violations, verdict.statistics) == ((VIOLATION,), {"version": 0})
    assert str(verdict.document()["set_aside"]).startswith("2 records that cannot be read")
    newest, before = history(aws, NAME, 5)
    assert (newest.violations, newest.statistics, before.status) == ((VIOLATION,), {}, "Completed")
    assert len(history(aws, NAME, 1)) == 1


def test_one_that_never_ran_one_that_is_not_there_and_one_that_starts_something_else() -> None:
    analysis = scheduled_analysis(Aws(), NAME)
    assert analysis is not None
    assert list(analyses(Aws(), analysis, whole=True)) == []
    with pytest.raises(DataError, match="has not run yet"):
        newest_verdict(Aws(), NAME)
    assert scheduled_analysis(Aws(), "nope") is None
    assert scheduled_analysis(Aws(target={"Arn": universal_target("aws", "createTransformJob")}), NAME) is None
    with pytest.raises(DataError) as caught:
        scheduled_analysis(Aws(target={"Arn": universal_target("aws", CREATE_PROCESSING_JOB), "Input": "daily"}), NAME)
    assert caught.value.code == "schedule-no-analysis"
