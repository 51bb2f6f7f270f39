"""Jobs: what runs to its end in the background, in one way for all kinds.

In: a kind's row and its `work`; out: jobs that end Completed, Failed with the reason, or Stopped, whatever happens on the way: a
Stop, an error that nobody foresaw, the cloud's own end, `kill -9`.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, in_use, validation
from fogbank.cloud.api.resource import Ground, Kind, Record, Resource, S
from fogbank.cloud.ground.acting import acting
from fogbank.cloud.ground.runner import Key
from fogbank.cloud.ground.store import Document
from fogbank.contracts.status import ended

log = logging.getLogger("fogbank.cloud")
LONGEST_REASON = 1024
INTERRUPTED = "InternalServerError: the local cloud was stopped while the"
"""How the FailureReason begins of a job that the cloud's own end has ended."""


class JobError(Exception):
    """A job's FailureReason."""


class JobStoppedError(Exception):
    """The job leaves off: it was stopped, or the cloud stops."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a job ended: its status, why it failed, and the members that it has since."""

    status: str = "Completed"
    reason: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a kind of job runs. `start` and `end` are the members of those times, `first` the status that it is created with, `running` the one
    that it runs with.

    `restart` is what becomes of a job that was running when the cloud was stopped or killed: it runs `again`, or it has `fail`ed.
    """

    restart: Literal["again", "fail"]
    start: str | None = None
    end: str | None = None
    first: str = "InProgress"
    running: str = "InProgress"


class Jobs(Resource[S]):
    """The jobs of one kind, in every region. A kind adds its `create` and its `work`."""

    def __init__(self, kind: Kind, course: Course, state: type[S], ground: Ground) -> None:
        super().__init__(kind, state, ground)
        self.course = course
        self._unwritten: dict[tuple[str, str], Ending] = {}

    @abstractmethod
    def work(self, job: Record[S], stop: threading.Event) -> Ending:
        """Do what the job is for. Raises JobError, and JobStoppedError soon after `stop` is set."""

    def role(self, job: Record[S]) -> str:
        """The ARN of the role that it works as."""
        return str(job.public.get("RoleArn", ""))

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), f"Stop{self.kind.stem}": self.stop_job}

    def start(self, scope: Scope, name: str, public: Document, state: S) -> Record[S]:
        """A new job, which runs from now on. Raises the kind's `taken`."""
        job = self.add(scope, name, {**public, self._status: self.course.first}, state)
        self._launch(job.region, job.name)
        return job

    def get(self, region: str, name: str) -> Record[S]:
        """The job of a name, in whatever case: ARNs have names in lower case, and clients take them from there. Raises the kind's `missing`."""
        if self.find(region, name) is None:
            lower = name.lower()
            name = next((job.name for job in self.all(region) if job.name.lower() == lower), name)
        return super().get(region, name)

    def wait(self, region: str, name: str) -> Record[S] | None:
        """The job when it has ended; None where it is gone."""
        self.runner.wait(self.key(region, name))
        return self.find(region, name)

    def key(self, region: str, name: str) -> Key:
        """What the runner knows a job by."""
        return (self.kind.path, region, name)

    def stop_job(self, scope: Scope, params: Params) -> Params:
        """Stopping, then Stopped."""
        with self.lock:
            job = self.get(scope.region, params[self.kind.key])
            name, status = job.name, job.public[self._status]
            if ended(self.kind.transitions, status):
                raise validation(f"The request was rejected because the {self._noun} is in status {status}.")
            if status != "Stopping":
                self.move(scope.region, name, "Stopping")
        self.runner.stop(self.key(scope.region, name))
        return {}

    def resume(self) -> None:
        """After a restart: finish stopping what was stopping; what was running runs again, or has failed."""
        for job in self.all():
            status = job.public[self._status]
            if status == "Stopping":
                self._move(job, "Stopped")
            elif not ended(self.kind.transitions, status):
                self._interrupted(job)
                if self.course.restart == "again":
                    self._launch(job.region, job.name)

    def stop_all(self, timeout_s: float) -> bool:
        """Let every job leave off, and wait. False where one did not in time."""
        return self.runner.stop_all((self.kind.path,), timeout_s)

    @property
    def _status(self) -> str:
        return self.kind.status or ""

    @property
    def _noun(self) -> str:
        return self.kind.path.replace("-", " ")

    def settle(self) -> None:
        """Write the endings that the store did not take when they came: it has room again, or they wait for the next call."""
        for (region, name), ending in list(self._unwritten.items()):
            self._end(region, name, ending, closing=False)
            del self._unwritten[region, name]

    def _launch(self, region: str, name: str) -> None:
        def failed(error: Exception) -> None:
            self._conclude(
                region, name, Ending(status="Failed", reason=f"InternalServerError: {error!r}"), closing=False
            )

        self.runner.submit(self.key(region, name), lambda stop: self._run(region, name, stop), failed)

    def _run(self, region: str, name: str, stop: threading.Event) -> None:
        job = self._begin(region, name)
        if job is None:
            return
        try:
            with acting(self.role(job)):
                ending = self.work(job, stop)
        except JobError as error:
            ending = Ending(status="Failed", reason=str(error))
        except JobStoppedError:
            ending = Ending(status="Stopped")
        self._conclude(region, name, ending, closing=stop.is_set())

    def _conclude(self, region: str, name: str, ending: Ending, *, closing: bool) -> None:
        """The end of a job; on a disk that is full it is kept until `settle` can write it."""
        try:
            self._end(region, name, ending, closing=closing)
        except (OSError, sqlite3.Error):
            log.exception("the end of the %s %s is not written yet", self._noun, name)
            if not closing:
                self._unwritten[region, name] = ending

    def _begin(self, region: str, name: str) -> Record[S] | None:
        """The job as it starts to run; None where it was stopped before, or is gone."""
        with self.lock:
            job = self.find(region, name)
            if job is None:
                return None
            if job.public[self._status] == "Stopping":
                self._move(job, "Stopped")
                return None
            times: dict[str, Any] = {self.course.start: self.clock.epoch()} if self.course.start else {}
            if job.public[self._status] != self.course.running:
                return self.move(region, name, self.course.running, **times)
            return self.change(region, name, **times)

    def _end(self, region: str, name: str, ending: Ending, *, closing: bool) -> None:
        with self.lock:
            job = self.find(region, name)
            if job is None:
                return
            if job.public[self._status] == "Stopping":
                self._move(job, "Stopped")
            elif ending.status != "Stopped":
                self._move(job, ending.status, ending.reason, **ending.members)
            elif closing:
                self._interrupted(job)
            else:  # what it waited for was stopped
                self.move(region, name, "Stopping")
                self._move(job, "Stopped")

    def _interrupted(self, job: Record[S]) -> None:
        """The cloud stops, or was killed, while the job runs."""
        if self.course.restart == "fail":
            reason = f"{INTERRUPTED} {self._noun.rpartition(' ')[2]} ran"
            self._move(job, "Failed", reason)

    def _move(self, job: Record[S], status: str, reason: str | None = None, **members: Any) -> None:
        """To a status that is the last."""
        if self.course.end:
            members[self.course.end] = self.clock.epoch()
        self.move(job.region, job.name, status, FailureReason=reason[:LONGEST_REASON] if reason else None, **members)


def unknown_job(arn: str) -> ApiError:
    """The error of a job that is not there: SageMaker answers a ValidationException, whatever its model lists."""
    return validation(f"Could not find requested job with name: {arn.rpartition('/')[2]}")


def job_name_taken(arn: str) -> ApiError:
    """The error of a job's name that is there already."""
    return in_use(
        f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
    )
