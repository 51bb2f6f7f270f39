"""Monitoring executions: the captured records of a window, the analyzer over them, its verdict as the execution's status.

An execution is a job like any other: whatever goes wrong in it fails it alone, and says why.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from fogbank.cloud.api.control import Operation, Scope
from fogbank.cloud.api.errors import ApiError, in_use, not_found
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, JobStoppedError
from fogbank.cloud.jobs.objects import ObjectError
from fogbank.cloud.jobs.processing import ProcessingJobs
from fogbank.cloud.monitoring.analysis import analysis
from fogbank.cloud.monitoring.captures import Captures, Window
from fogbank.cloud.monitoring.definitions import JobDefinitions
from fogbank.contracts.monitoring import NO_DATA
from fogbank.contracts.status import MONITORING_EXECUTION as TRANSITIONS

SCHEDULE_PATH = "monitoring-schedule"
LOOK_S = 0.1

MONITORING_EXECUTION = Kind(
    path="monitoring-execution",
    stem="MonitoringExecution",
    key="MonitoringExecutionName",
    arn="MonitoringExecutionArn",
    missing=lambda arn: not_found(f"Could not find {arn}."),
    taken=lambda arn: in_use(f"{arn} exists already."),
    listing=Listing(
        operation="ListMonitoringExecutions",
        answer="MonitoringExecutionSummaries",
        name="MonitoringScheduleName",
        status="MonitoringExecutionStatus",
        page_size=10,
    ),
    status="MonitoringExecutionStatus",
    transitions=TRANSITIONS,
    deletable=False,
)
COURSE = Course(restart="fail", first="Pending")


@dataclass(frozen=True, kw_only=True)
class ExecutionState:
    """The window that an execution looks at, in seconds since 1970; None in what earlier versions wrote."""

    start: float | None = None
    end: float | None = None

    def encode(self) -> Document:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Document) -> ExecutionState:
        """From what `encode` gave."""
        return cls(start=document.get("start"), end=document.get("end"))


Execution = Record[ExecutionState]


class Executions(Jobs[ExecutionState]):
    """The executions of every monitoring schedule; `definitions` by MonitoringType."""

    def __init__(
        self,
        ground: Ground,
        *,
        definitions: Mapping[str, JobDefinitions],
        captures: Captures,
        processing: ProcessingJobs,
    ) -> None:
        super().__init__(MONITORING_EXECUTION, COURSE, ExecutionState, ground)
        self._definitions, self._captures, self._processing = definitions, captures, processing

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers: an execution has no Describe, and is stopped by its processing job."""
        return {self.kind.listing.operation: self.summaries}

    def begin(self, schedule: Record[NoState], members: Document, window: Window) -> Execution:
        """A new execution of a schedule, which runs from now on. `members` are those that a schedule gives its executions."""
        public = {"MonitoringScheduleName": schedule.name, "ScheduledTime": window.end.timestamp(), **members}
        state = ExecutionState(start=window.start.timestamp(), end=window.end.timestamp())
        name = f"{schedule.name}/{window.end.timestamp():.6f}/{uuid.uuid4().hex[:8]}"
        return self.start(Scope(schedule.region), name, public, state)

    def of(self, region: str, schedule: str) -> list[Execution]:
        """A schedule's executions, newest first."""
        runs = [run for run in self.all(region) if run.public["MonitoringScheduleName"] == schedule]
        return sorted(runs, key=lambda run: (run.public["ScheduledTime"], run.public["CreationTime"]), reverse=True)

    def work(self, job: Execution, stop: threading.Event) -> Ending:
        """Find the records, let the analyzer look at them, and take its verdict."""
        schedule, endpoint = job.public["MonitoringScheduleName"], job.public["EndpointName"]
        window = window_of(job)
        try:
            definitions = self._definitions[job.public["MonitoringType"]]
            definition = definitions.definition(job.region, job.public["MonitoringJobDefinitionName"])
            files = self._captures.files(job.region, endpoint, window)
        except (ApiError, ObjectError) as error:
            raise JobError(f"ClientError: {error}") from error
        if not files:
            raise JobError(NO_DATA)
        scope = Scope(job.region)
        request = analysis(definition, schedule, endpoint, window, files)
        processing = self._processing.start_for(scope, request, scope.arn(SCHEDULE_PATH, schedule))
        self.change(job.region, job.name, ProcessingJobArn=processing.public["ProcessingJobArn"])
        return verdict(self._await(job.region, processing.name, stop))

    def _await(self, region: str, name: str, stop: threading.Event) -> Document:
        """The processing job when it has ended. Raises JobStoppedError."""
        while not self.runner.wait(self._processing.key(region, name), LOOK_S):
            if stop.is_set():
                break
        job = self._processing.find(region, name)
        if job is None or stop.is_set():
            raise JobStoppedError
        return job.public


def window_of(execution: Execution) -> Window:
    """The window of an execution."""
    end = execution.state.end or execution.public["ScheduledTime"]
    start = end if execution.state.start is None else execution.state.start
    return Window(start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC))


def verdict(job: Document) -> Ending:
    """What an ended processing job makes of its execution: the word before the colon of its message is the status."""
    if job["ProcessingJobStatus"] != "Completed":
        return Ending(status=job["ProcessingJobStatus"], reason=job.get("FailureReason"))
    message = job.get("ExitMessage") or ""
    if message.partition(":")[0] == "CompletedWithViolations":
        return Ending(status="CompletedWithViolations", reason=message)
    return Ending(status="Completed")
