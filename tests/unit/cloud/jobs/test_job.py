"""Jobs of any kind: whatever happens on the way, they end, and say how."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import STATE, Ground, NoState, Record
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Failed, Key, Runner, Task, Work
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, JobStoppedError
from fogbank.cloud.jobs.processing import COURSE as FAIL
from fogbank.cloud.jobs.processing import PROCESSING_JOB
from tests.fakes.full import EVERY, FullStore

AGAIN = Course(restart="again", start="ProcessingStartTime", end="ProcessingEndTime")
HERE = Scope("us-east-1")
Errand = Callable[[threading.Event], Ending]


class Errands(Jobs[NoState]):
    """Jobs that do what the test says."""

    def __init__(self, ground: Ground, runner: Runner, errand: Errand, course: Course = FAIL) -> None:
        super().__init__(PROCESSING_JOB, course, NoState, replace(ground, runner=runner))
        self.errand = errand

    def work(self, job: Record[NoState], stop: threading.Event) -> Ending:
        return self.errand(stop)

    def ended(self, name: str = "j") -> dict[str, Any]:
        """The job when it has ended."""
        job = self.wait(HERE.region, name)
        assert job
        return job.public

    def statuses(self) -> list[str]:
        return [event.change for event in self.events.since(0)]


def waits(stop: threading.Event) -> Ending:
    assert stop.wait(20)
    raise JobStoppedError


def raises(error: Exception) -> Errand:
    def work(_: threading.Event) -> Ending:
        raise error

    return work


def test_a_job_that_ended_on_a_full_disk_says_so_when_there_is_room_again(tmp_path: Path, runner: Runner) -> None:
    store = FullStore(tmp_path / "full.db")
    clock = Clock(store)
    with closing(store):

        def fills_the_disk(_: threading.Event) -> Ending:
            store.full = EVERY
            return Ending(members={"ExitMessage": "done"})

        jobs = Errands(Ground(store, clock, Events(store, clock), runner), runner, fills_the_disk)
        jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
        assert jobs.ended()["ProcessingJobStatus"] == "InProgress"
        with pytest.raises(sqlite3.OperationalError):
            jobs.settle()
        store.full = range(0)
        jobs.settle()

        job = jobs.ended()
        assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "done")
        store.full = EVERY
        jobs.settle()  # nothing is left to write


def test_a_job_is_done_and_has_its_times(ground: Ground, runner: Runner) -> None:
    jobs = Errands(ground, runner, lambda _: Ending(members={"ExitMessage": "done"}))
    started = jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())

    assert started.public["ProcessingJobStatus"] == "InProgress"
    job = jobs.ended()
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "done")
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"] <= job["LastModifiedTime"]
    assert jobs.statuses() == ["InProgress", "Completed"]
    assert not runner.running(jobs.key(HERE.region, "j"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (JobError("ClientError: no such bucket"), "ClientError: no such bucket"),
        (JobError("x" * 3000), "x" * 1024),
        (KeyError("S3Input"), "InternalServerError: KeyError('S3Input')"),
        (OSError(28, "No space left on device"), "InternalServerError: OSError(28, 'No space left on device')"),
        (ClientError({"Error": {"Code": "X", "Message": "m"}}, "PutMetricData"), "InternalServerError: ClientError("),
        (ApiError("ValidationException", "gone"), "InternalServerError: ApiError('gone')"),
    ],
)
def test_whatever_is_raised_the_job_has_failed_with_the_reason(
    ground: Ground, runner: Runner, error: Exception, reason: str
) -> None:
    jobs = Errands(ground, runner, raises(error))
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())

    job = jobs.ended()
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason)
    assert len(job["FailureReason"]) <= 1024
    assert "ProcessingEndTime" in job


def test_a_job_that_is_stopped(ground: Ground, runner: Runner) -> None:
    jobs = Errands(ground, runner, waits)
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
    jobs.stop_job(HERE, {"ProcessingJobName": "j"})
    jobs.stop_job(HERE, {"ProcessingJobName": "j"})  # asking twice is no error

    assert jobs.ended()["ProcessingJobStatus"] == "Stopped"
    assert jobs.statuses() == ["InProgress", "Stopping", "Stopped"]
    with pytest.raises(ApiError, match="rejected because the processing job is in status Stopped"):
        jobs.stop_job(HERE, {"ProcessingJobName": "j"})


def test_a_stop_wins_over_the_failure_that_it_causes(ground: Ground, runner: Runner) -> None:
    def breaks(stop: threading.Event) -> Ending:
        assert stop.wait(20)
        raise OSError("the instance is gone")

    jobs = Errands(ground, runner, breaks)
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
    jobs.stop_job(HERE, {"ProcessingJobName": "j"})

    job = jobs.ended()
    assert (job["ProcessingJobStatus"], job.get("FailureReason")) == ("Stopped", None)


class LateRunner(Runner):
    """Runs what is submitted when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[Key, Work, Failed | None]] = []

    def submit(self, key: Key, work: Work, failed: Failed | None = None) -> Task:
        self.waiting.append((key, work, failed))
        return Task(key=key)

    def run(self) -> None:
        for key, work, failed in self.waiting:
            super().submit(key, work, failed)


def test_a_job_that_is_stopped_before_it_began_never_begins(ground: Ground) -> None:
    runner = LateRunner()
    jobs = Errands(ground, runner, raises(AssertionError("it began")))
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
    jobs.stop_job(HERE, {"ProcessingJobName": "j"})
    runner.run()

    job = jobs.ended()
    assert (job["ProcessingJobStatus"], "ProcessingStartTime" in job) == ("Stopped", False)
    assert runner.close(5)


def test_what_a_job_waited_for_was_stopped(ground: Ground, runner: Runner) -> None:
    jobs = Errands(ground, runner, lambda _: Ending(status="Stopped"))
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
    jobs.ended()

    assert jobs.statuses() == ["InProgress", "Stopping", "Stopped"]


def test_names(ground: Ground, runner: Runner) -> None:
    jobs = Errands(ground, runner, lambda _: Ending())
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())

    with pytest.raises(ApiError) as taken:
        jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
    with pytest.raises(ApiError) as missing:
        jobs.describe(HERE, {"ProcessingJobName": "k"})
    assert (taken.value.code, missing.value.code) == ("ResourceInUse", "ValidationException")
    assert "Could not find requested job with name: k" in missing.value.message


def test_the_cloud_stops_while_jobs_run(ground: Ground) -> None:
    first = Runner()
    Errands(ground, first, waits, FAIL).start(HERE, "fails", {"ProcessingJobName": "fails"}, NoState())
    Errands(ground, first, waits, AGAIN).start(HERE, "again", {"ProcessingJobName": "again"}, NoState())
    assert first.close(20)

    second = Runner()
    jobs = Errands(ground, second, lambda _: Ending(), AGAIN)
    assert jobs.ended("fails")["ProcessingJobStatus"] == "Failed"
    assert jobs.ended("again")["ProcessingJobStatus"] == "InProgress"
    jobs.resume()
    assert jobs.ended("again")["ProcessingJobStatus"] == "Completed"
    assert second.close(20)


@pytest.mark.parametrize(
    ("course", "status", "last", "reason"),
    [
        (FAIL, "InProgress", "Failed", "InternalServerError: the local cloud was stopped while the job ran"),
        (AGAIN, "InProgress", "Completed", None),
        (FAIL, "Stopping", "Stopped", None),
        (AGAIN, "Stopping", "Stopped", None),
        (FAIL, "Completed", "Completed", None),
        (AGAIN, "Failed", "Failed", None),
    ],
)
def test_after_kill_9_no_job_is_in_progress(
    ground: Ground, runner: Runner, course: Course, status: str, last: str, reason: str | None
) -> None:
    document = {
        "ProcessingJobName": "j",
        "ProcessingJobStatus": status,
        STATE: {"region": HERE.region},
    }  # as version 1 had it
    ground.store.put(PROCESSING_JOB.path, HERE.region, "j", document)
    jobs = Errands(ground, runner, lambda _: Ending(), course)
    jobs.resume()

    job = jobs.ended()
    assert (job["ProcessingJobStatus"], job.get("FailureReason")) == (last, reason)


def test_a_reset_ends_what_runs(ground: Ground, runner: Runner) -> None:
    jobs = Errands(ground, runner, waits, AGAIN)
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())

    assert jobs.stop_all(20)
    ground.store.reset()
    assert jobs.wait(HERE.region, "j") is None
    jobs.errand = lambda _: Ending()
    jobs.start(HERE, "j", {"ProcessingJobName": "j"}, NoState())
    assert jobs.ended()["ProcessingJobStatus"] == "Completed"
