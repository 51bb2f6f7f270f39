"""Monitoring executions: the captured records of a window, the analyzer over them, its verdict as the execution's status.

An execution is a job like any other: whatever goes wrong in it fails it alone, and says why.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from fogbank.cloud.api.control import Operation, Scope
from fogbank.cloud.api.errors import ApiError, in_use, not_found
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, JobStoppedError
from fogbank.cloud.jobs.objects import ObjectError
from fogbank.cloud.jobs.processing import ProcessingJobs
from fogbank.cloud.monitoring.analysis import Asked, analysis, merge
from fogbank.cloud.monitoring.captures import CaptureFile, Captures, Window
from fogbank.cloud.monitoring.definitions import JobDefinitions
from fogbank.cloud.monitoring.offsets import span
from fogbank.contracts.monitoring import NO_DATA
from fogbank.contracts.processing import ProcessingRequest
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
    definition: Document | None = None
    """The schedule's own definition, where it has no other."""

    def encode(self) -> Document:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Document) -> ExecutionState:
        """From what `encode` gave."""
        return cls(start=document.get("start"), end=document.get("end"), definition=document.get("definition"))


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

    def begin(
        self,
        region: str,
        schedule: str,
        members: Document,
        window: Window,
        scheduled: datetime,
        definition: Document | None,
    ) -> Execution:
        """A new execution of a schedule, which runs from now on. `members` are those that a schedule gives its executions."""
        public = {"MonitoringScheduleName": schedule, "ScheduledTime": scheduled.timestamp(), **members}
        state = ExecutionState(start=window.start.timestamp(), end=window.end.timestamp(), definition=definition)
        with self.lock:  # names are counted, not drawn: the same schedules over the same time have the same
            earlier = sum(run.public["ScheduledTime"] == scheduled.timestamp() for run in self.of(region, schedule))
            name = f"{schedule}/{scheduled.timestamp():.6f}/{earlier:08d}"
            return self.start(Scope(region), name, public, state)

    def of(self, region: str, schedule: str) -> list[Execution]:
        """A schedule's executions, newest first."""
        runs = [run for run in self.all(region) if run.public["MonitoringScheduleName"] == schedule]
        return sorted(runs, key=lambda run: (run.public["ScheduledTime"], run.public["CreationTime"]), reverse=True)

    def work(self, job: Execution, stop: threading.Event) -> Ending:
        """Find the records, let the analyzer look at them, and take its verdict."""
        try:
            asked = self._asked(job)
            files = self._files(job.region, asked)
            if files and asked.kind.labelled:
                files = self._merged(job, asked, files, stop)
        except (ApiError, ObjectError) as error:
            raise JobError(f"ClientError: {error}") from error
        if not files:
            raise JobError(self._nothing(job.region, asked))
        return verdict(self._ended(job, analysis(asked, files), stop))

    def _asked(self, job: Execution) -> Asked:
        """Raises ApiError where the definition is gone."""
        definitions = self._definitions[job.public["MonitoringType"]]
        inline = job.state.definition
        definition = (
            definitions.read(inline)
            if inline
            else definitions.definition(job.region, job.public["MonitoringJobDefinitionName"])
        )
        own = window_of(job)
        window = Window(start=own.start + span(definition.start_offset), end=own.end + span(definition.end_offset))
        end = Window(start=own.start, end=datetime.fromtimestamp(job.public["ScheduledTime"], UTC))
        schedule, endpoint = job.public["MonitoringScheduleName"], job.public.get("EndpointName", "")
        execution = f"{job.name}/{job.public['CreationTime']!r}"
        return Asked.of(definitions.monitor, definition, schedule, endpoint, end, window, execution)

    def _files(self, region: str, asked: Asked) -> list[CaptureFile]:
        """What an execution looks at. Raises ObjectError."""
        if asked.definition.captured_uri:
            return self._captures.manifests(asked.definition.captured_uri, asked.kind.batch_side, asked.window)
        return self._captures.files(region, asked.endpoint, asked.window)

    def _nothing(self, region: str, asked: Asked) -> str:
        """Why there is nothing to look at: SageMaker's words, and more where the endpoint is not there any more."""
        if asked.definition.captured_uri or self._captures.captured(region, asked.endpoint):
            return NO_DATA
        return f'{NO_DATA}: endpoint "{asked.endpoint}" is not there, or captures nothing'

    def _merged(
        self, job: Execution, asked: Asked, files: Sequence[CaptureFile], stop: threading.Event
    ) -> list[CaptureFile]:
        """The files of captured records with their labels: those uploaded from the window on until the scheduled time.

        Raises JobError where the merge failed, JobStoppedError, ObjectError.
        """
        uploaded = Window(start=asked.window.start, end=asked.end.end)
        labels = self._captures.labels(asked.definition.ground_truth_uri or "", uploaded)
        if not labels:
            raise JobError(
                f"{NO_DATA}: there is no ground truth below {asked.definition.ground_truth_uri} for the window's hours"
            )
        before = {file.uri for file in self._captures.below(asked.merged)}
        merged = verdict(self._ended(job, merge(asked, files, labels), stop))
        if merged.status != "Completed":
            raise JobError(merged.reason or "the ground truth merge failed")
        return [file for file in self._captures.below(asked.merged) if file.uri not in before]

    def _ended(self, job: Execution, request: ProcessingRequest, stop: threading.Event) -> Document:
        """An execution's processing job when it has ended. Raises JobStoppedError."""
        scope = Scope(job.region)
        arn = scope.arn(SCHEDULE_PATH, job.public["MonitoringScheduleName"])
        processing = self._processing.start_for(scope, request, arn)
        self.change(job.region, job.name, ProcessingJobArn=processing.public["ProcessingJobArn"])
        return self._await(job.region, processing.name, stop)

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
