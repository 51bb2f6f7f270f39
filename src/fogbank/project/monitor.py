"""Monitoring schedules: run now, and judged.

In: a schedule; out: the verdict of its newest execution.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.contracts.monitoring import STATISTICS, VIOLATIONS
from fogbank.ground.aws import join_key, split_uri
from fogbank.project.clients import Clients, aws_error
from fogbank.project.cloud import ProjectCloud
from fogbank.project.events import Steps


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How an execution ended. `violations` are SageMaker's own; both are empty where it wrote none."""

    schedule: str
    status: str
    scheduled: datetime
    reason: str
    violations: tuple[Mapping[str, str], ...]
    statistics: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The verdict as JSON has it."""
        return {"status": self.status, "scheduled": self.scheduled, "violations": list(self.violations)}


def run_monitor(cloud: ProjectCloud, schedule: str, steps: Steps) -> Verdict:
    """An execution now, over what was captured since the last one. Raises AwsError, CloudError, DataError."""
    with steps(f"monitor {schedule}") as step:
        cloud.run_monitor(schedule)
        verdict = newest_verdict(cloud.client, schedule)
        step.done(verdict.status)
    return judged(verdict)


def newest_verdict(clients: Clients, schedule: str) -> Verdict:
    """The verdict of the newest execution, whatever it is. Raises AwsError, DataError (`monitor-never-ran`)."""
    try:
        executions = clients("sagemaker").list_monitoring_executions(
            MonitoringScheduleName=schedule, SortBy="ScheduledTime", SortOrder="Descending", MaxResults=1
        )["MonitoringExecutionSummaries"]
        if not executions:
            raise DataError(
                "monitor-never-ran",
                f"the monitoring schedule {schedule} has not run yet",
                f"run `fogbank monitor run {schedule}`",
            )
        [execution] = executions
        files = _files(clients, execution)
    except ClientError as error:
        raise aws_error(error) from error
    return Verdict(
        schedule=schedule,
        status=execution["MonitoringExecutionStatus"],
        scheduled=execution["ScheduledTime"],
        reason=execution.get("FailureReason", ""),
        violations=tuple(files[VIOLATIONS].get("violations", [])),
        statistics=files[STATISTICS],
    )


def refuse_on_demand(schedule: str, stack: str) -> None:
    """Raises DataError: SageMaker's API has no call that runs a monitoring schedule."""
    raise DataError(
        "monitor-not-on-demand",
        f"on AWS the monitoring schedule {schedule} is run by its schedule alone",
        f"see its last execution: `fogbank monitor show {schedule} -s {stack}`",
    )


def judged(verdict: Verdict) -> Verdict:
    """A verdict of an execution that came to one. Raises DataError (`monitor-failed`)."""
    if verdict.status == "Failed":
        reason = verdict.reason or "no reason was given"
        raise DataError(
            "monitor-failed",
            f"the execution failed: {reason}",
            "send traffic to the endpoint first" if "no data" in reason else "see `fogbank cloud logs`",
        )
    return verdict


def _files(clients: Clients, execution: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the execution's processing job wrote, by name."""
    if "ProcessingJobArn" not in execution:
        return {VIOLATIONS: {}, STATISTICS: {}}
    name = execution["ProcessingJobArn"].rpartition("/")[2]
    job = clients("sagemaker").describe_processing_job(ProcessingJobName=name)
    uri = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    return {file: _document(clients, uri, file) for file in (VIOLATIONS, STATISTICS)}


def _document(clients: Clients, folder: str, file: str) -> dict[str, Any]:
    """A JSON document of a folder in S3; empty where it is not there."""
    bucket, prefix = split_uri(folder)
    try:
        reply = clients("s3").get_object(Bucket=bucket, Key=join_key(prefix, file))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return {}
        raise
    document: dict[str, Any] = json.loads(reply["Body"].read())
    return document
