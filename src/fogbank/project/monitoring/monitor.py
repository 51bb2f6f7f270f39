"""Monitoring schedules: run now, and judged, whichever carrier they have.

In: a schedule; out: the verdict of its newest execution.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.contracts.monitoring import set_aside
from fogbank.project.calling.clients import Clients, aws_error
from fogbank.project.local.cloud import ProjectCloud
from fogbank.project.monitoring.scheduled_monitor import analyses, run_analysis, scheduled_analysis
from fogbank.project.monitoring.verdict import Results, Verdict, judged, latest, never_ran
from fogbank.project.workplace.events import Steps


def run_monitor(clients: Clients, schedule: str, steps: Steps, *, cloud: ProjectCloud | None, stack: str) -> Verdict:
    """An execution now, over what was captured since the last one. `cloud` is None for a stack on AWS.

    Raises AwsError, CloudError, DataError; `monitor-not-on-demand` for one that SageMaker's Model Monitor carries on AWS.
    """
    with steps(f"monitor {schedule}") as step:
        try:
            analysis = scheduled_analysis(clients, schedule)
            if analysis is not None:
                end = _next_second() if cloud is None else cloud.next_second()
                verdict = run_analysis(clients, analysis, end, step.progress)
            elif cloud is None:
                raise _not_on_demand(schedule, stack)
            else:
                cloud.run_monitor(schedule)
                verdict = next(_executions(clients, schedule))
        except ClientError as error:
            raise aws_error(error) from error
        step.done(verdict.status)
    return judged(verdict)


def newest_verdict(clients: Clients, schedule: str) -> Verdict:
    """The verdict of the newest execution that had data, whatever it is. Raises AwsError, DataError (`monitor-never-ran`)."""
    try:
        found = latest(_verdicts(clients, schedule))
        if found is None:
            raise never_ran(schedule)
        return found
    except ClientError as error:
        raise aws_error(error) from error


def history(clients: Clients, schedule: str, most: int) -> list[Verdict]:
    """Of the newest `most` executions, the newest first, how each ended and what it found, without statistics. Raises AwsError."""
    try:
        return list(islice(_verdicts(clients, schedule, whole=False), most))
    except ClientError as error:
        raise aws_error(error) from error


def _verdicts(clients: Clients, schedule: str, *, whole: bool = True) -> Iterator[Verdict]:
    """Whichever carrier it has, newest first. Raises ClientError."""
    analysis = scheduled_analysis(clients, schedule)
    return analyses(clients, analysis, whole=whole) if analysis else _executions(clients, schedule, whole=whole)


def _executions(clients: Clients, schedule: str, *, whole: bool = True) -> Iterator[Verdict]:
    """Those of a schedule of Model Monitor, newest first. Raises ClientError."""
    sagemaker = clients("sagemaker")
    sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedule)
    pages = sagemaker.get_paginator("list_monitoring_executions").paginate(
        MonitoringScheduleName=schedule, SortBy="ScheduledTime", SortOrder="Descending"
    )
    for page in pages:
        for execution in page["MonitoringExecutionSummaries"]:
            yield _execution(clients, schedule, execution, whole=whole)


def _execution(clients: Clients, schedule: str, execution: Mapping[str, Any], *, whole: bool) -> Verdict:
    """One, with what it wrote. Raises ClientError."""
    sagemaker = clients("sagemaker")
    results, message = Results(), ""
    if "ProcessingJobArn" in execution:
        job = sagemaker.describe_processing_job(ProcessingJobName=execution["ProcessingJobArn"].rpartition("/")[2])
        message = job.get("ExitMessage") or ""
        folder = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        results = Results.read(clients, folder, whole=whole)
    return Verdict(
        schedule=schedule,
        status=execution["MonitoringExecutionStatus"],
        scheduled=execution["ScheduledTime"],
        reason=execution.get("FailureReason", ""),
        results=results,
        aside=set_aside(message),
    )


def _not_on_demand(schedule: str, stack: str) -> DataError:
    """SageMaker's API has no call that runs a monitoring schedule."""
    return DataError(
        "monitor-not-on-demand",
        f"on AWS the monitoring schedule {schedule} is run by its schedule alone",
        f"see its last execution: `fogbank monitor show {schedule} -s {stack}`",
    )


def _next_second() -> datetime:
    """When it has begun: records have whole seconds, and those of the one that runs are not all there."""
    now = datetime.now(UTC)
    end = now.replace(microsecond=0) + timedelta(seconds=1)
    time.sleep((end - now).total_seconds())
    return end
