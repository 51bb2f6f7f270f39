"""Monitors that EventBridge Scheduler carries: their jobs found, run now, and read.

In: a schedule's name; out: the verdict of a processing job of its.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fogbank.contracts.analysis import (
    CREATE_PROCESSING_JOB,
    decoded,
    looked_at,
    over,
    results_uri,
)
from fogbank.contracts.errors import DataError
from fogbank.contracts.monitoring import NO_DATA, AnalyzerSettings, set_aside
from fogbank.contracts.names import job_prefix
from fogbank.contracts.processing import ProcessingRequest
from fogbank.contracts.scheduler import starts
from fogbank.project.calling.clients import Clients
from fogbank.project.monitoring.verdict import Results, Verdict

SHORTEST_S, LONGEST_S = 0.05, 10.0
RUNNING = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A schedule that starts analyses: what it sends, and when it was made."""

    schedule: str
    request: ProcessingRequest
    created: datetime


def scheduled_analysis(clients: Clients, schedule: str) -> Analysis | None:
    """A schedule of EventBridge Scheduler that starts analyses; None where none of that name does.

    Raises ClientError, DataError (`schedule-no-analysis`).
    """
    scheduler = clients("scheduler")
    try:
        found = scheduler.get_schedule(Name=schedule)
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    target = found["Target"]
    if not starts(target["Arn"], CREATE_PROCESSING_JOB):
        return None
    try:
        request = decoded(target.get("Input", ""))
    except ValueError as error:
        cause = f"what the schedule {schedule} sends is no CreateProcessingJob request: {error}"
        raise DataError("schedule-no-analysis", cause, "name the schedule of a MonitoringSchedule") from error
    return Analysis(schedule=schedule, request=request, created=found["CreationDate"].astimezone(UTC))


def analyses(clients: Clients, analysis: Analysis, *, whole: bool) -> Iterator[Verdict]:
    """The verdicts of its jobs, newest first. Raises ClientError."""
    return (_verdict(clients, analysis, job, whole=whole) for job in _jobs(clients, analysis.schedule))


def run_analysis(clients: Clients, analysis: Analysis, end: datetime, progress: Callable[[str], None]) -> Verdict:
    """A job now, up to `end`, over what no job has looked at. Raises ClientError."""
    start = max([analysis.created.replace(microsecond=0), *_seen(clients, analysis.schedule)])
    name = f"{job_prefix(analysis.schedule)}{uuid.uuid4()}"
    clients("sagemaker").create_processing_job(**over(analysis.request, job=name, start=start, end=end).encode())
    return _verdict(clients, analysis, _ended(clients, name, progress))


def _ended(clients: Clients, name: str, progress: Callable[[str], None]) -> Mapping[str, Any]:
    pause = SHORTEST_S
    while True:
        job: Mapping[str, Any] = clients("sagemaker").describe_processing_job(ProcessingJobName=name)
        if job["ProcessingJobStatus"] not in RUNNING:
            return job
        progress(job["ProcessingJobStatus"])
        time.sleep(pause)
        pause = min(pause * 1.1, LONGEST_S)


def _jobs(clients: Clients, schedule: str) -> Iterator[Mapping[str, Any]]:
    """The analyses of a schedule as DescribeProcessingJob tells them, newest first: another's may have names that begin so."""
    sagemaker = clients("sagemaker")
    pages = sagemaker.get_paginator("list_processing_jobs").paginate(
        NameContains=job_prefix(schedule), SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for summary in page["ProcessingJobSummaries"]:
            job = sagemaker.describe_processing_job(ProcessingJobName=summary["ProcessingJobName"])
            settings = _settings(job)
            if settings is not None and settings.schedule == schedule:
                yield job


def _settings(job: Mapping[str, Any]) -> AnalyzerSettings | None:
    try:
        return looked_at(job.get("Environment", {}))
    except (KeyError, ValueError):  # somebody's own job
        return None


def _seen(clients: Clients, schedule: str) -> Iterator[datetime]:
    """The end of the newest window that a job has looked at, or is about to: one that failed or was stopped has not."""
    for job in _jobs(clients, schedule):
        looked = job["ProcessingJobStatus"] in {"InProgress", "Completed"} or NO_DATA in job.get("FailureReason", "")
        settings = _settings(job)
        if looked and settings is not None and settings.end is not None:
            yield settings.end
            return


def _verdict(clients: Clients, analysis: Analysis, job: Mapping[str, Any], *, whole: bool = True) -> Verdict:
    """What a job came to: the word before the colon of its message is the status, as with Model Monitor."""
    status, message = job["ProcessingJobStatus"], job.get("ExitMessage") or ""
    violations = status == "Completed" and message.startswith("CompletedWithViolations:")
    uri = results_uri(ProcessingRequest.described(job))
    results = Results.read(clients, uri, whole=whole) if status == "Completed" else Results()
    settings = _settings(job)
    return Verdict(
        schedule=analysis.schedule,
        status="CompletedWithViolations" if violations else status,
        scheduled=(settings.end if settings else None) or job["CreationTime"],
        reason=job.get("FailureReason", ""),
        results=results,
        aside=set_aside(message),
    )
