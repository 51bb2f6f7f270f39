"""A verdict is what the newest execution wrote; one that failed is an error, with what to do."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.errors import AwsError, DataError
from fogbank.project.monitoring.monitor import newest_verdict, run_monitor
from fogbank.project.monitoring.verdict import judged
from fogbank.project.workplace.events import Steps, ignore

WHEN = datetime(2026, 11, 25, 12, tzinfo=UTC)
VIOLATION = {"feature_name": "age", "constraint_check_type": "data_type_check", "description": "40 % of it is text"}


@dataclass
class Aws:
    """SageMaker and S3, as far as a verdict asks them."""

    executions: list[dict[str, Any]]
    files: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, _: str) -> Aws:
        return self

    class exceptions:  # noqa: N801 - boto3's name
        """What a client may raise."""

        ResourceNotFoundException = LookupError

    def get_schedule(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        raise LookupError(Name)

    def describe_monitoring_schedule(self, *, MonitoringScheduleName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {}

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "list_monitoring_executions"
        return self

    def paginate(self, **query: Any) -> Iterator[dict[str, Any]]:
        assert query == {
            "MonitoringScheduleName": "churn-quality",
            "SortBy": "ScheduledTime",
            "SortOrder": "Descending",
        }
        for item in self.executions:
            yield {"MonitoringExecutionSummaries": [item]}

    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        uri = f"s3://results/monitor/{ProcessingJobName}"
        return {"ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": uri}}]}}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if f"{Bucket}/{Key}" not in self.files:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(json.dumps(self.files[f"{Bucket}/{Key}"]).encode())}


def execution(status: str, **more: str) -> dict[str, Any]:
    job = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/run-1"
    return {"MonitoringExecutionStatus": status, "ScheduledTime": WHEN, "ProcessingJobArn": job, **more}


def test_a_verdict_is_what_the_execution_wrote() -> None:
    files = {
        "results/monitor/run-1/constraint_violations.json": {"violations": [VIOLATION]},
        "results/monitor/run-1/statistics.json": {"version": 0},
    }
    verdict = judged(newest_verdict(Aws([execution("CompletedWithViolations")], files), "churn-quality"))

    assert (verdict.violations, verdict.statistics) == ((VIOLATION,), {"version": 0})
    assert verdict.document() == {
        "status": "CompletedWithViolations",
        "scheduled": WHEN,
        "violations": [VIOLATION],
    }


def test_what_was_not_written_is_empty() -> None:
    unstarted = execution("Pending")
    del unstarted["ProcessingJobArn"]

    for aws in (Aws([execution("Completed")]), Aws([unstarted])):
        verdict = newest_verdict(aws, "churn-quality")
        assert (verdict.violations, verdict.statistics) == ((), {})


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("Job inputs had no data", "send traffic"),
        ("ClientError: no object lies under s3://b", "send traffic"),
        ("AlgorithmError: no", "fogbank cloud logs"),
    ],
)
def test_an_execution_that_failed_is_an_error_with_the_next_step(reason: str, hint: str) -> None:
    verdict = newest_verdict(Aws([execution("Failed", FailureReason=reason)]), "churn-quality")

    with pytest.raises(DataError) as caught:
        judged(verdict)

    assert caught.value.code == "monitor-failed"
    assert reason in caught.value.cause
    assert hint in caught.value.hint


def test_a_schedule_that_never_ran_and_one_that_is_not_there() -> None:
    class Nothing(Aws):
        def describe_monitoring_schedule(self, *, MonitoringScheduleName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
            raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": "no such schedule"}}, "Describe")

    with pytest.raises(DataError, match="has not run yet"):
        newest_verdict(Aws([]), "churn-quality")
    with pytest.raises(AwsError, match="no such schedule"):
        newest_verdict(Nothing([]), "churn-quality")


def test_what_model_monitor_carries_on_aws_is_run_by_its_schedule_alone() -> None:
    with pytest.raises(DataError) as caught:
        run_monitor(Aws([]), "churn-prod-quality", Steps(ignore), cloud=None, stack="prod")

    assert caught.value.code == "monitor-not-on-demand"
    assert caught.value.hint.endswith("`fogbank monitor show churn-prod-quality -s prod`")


def test_runs_without_data_do_not_hide_the_verdict_before_them() -> None:
    idle = execution("Failed", FailureReason="AlgorithmError: Job inputs had no data")
    aws = Aws([idle, idle, execution("CompletedWithViolations")])

    verdict = newest_verdict(aws, "churn-quality")

    assert (verdict.status, verdict.idle) == ("CompletedWithViolations", 2)
    assert newest_verdict(Aws([idle]), "churn-quality").nothing, "where there is no other it is the one"
