"""Monitoring executions: each ends, alone, by the table, and says why."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.api.resource import STATE
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.jobs.job import JobStoppedError
from fogbank.cloud.jobs.processor import ProcessingContainer
from fogbank.cloud.monitoring.executions import MONITORING_EXECUTION, ExecutionState, verdict, window_of
from fogbank.contracts.status import IllegalTransitionError, step
from tests.fakes.processor import Program, say
from tests.unit.cloud.monitoring.conftest import HERE, Monitors
from tests.unit.cloud.monitoring.requests import definition
from tests.unit.cloud.monitoring.requests import schedule as requested
from tests.waiting import until


def statuses(monitors: Monitors) -> list[str]:
    """What became of executions, in order."""
    return [event.change for event in monitors.ground.events.since(0) if event.topic == "monitoring-execution"]


def test_an_execution_takes_the_analyzers_verdict(monitors: Monitors) -> None:
    window = monitors.hour()
    monitors.capture(window.start)
    run = monitors.schedules.run(monitors.scheduled(), window)

    assert run.public["MonitoringExecutionStatus"] == "Completed"
    assert statuses(monitors) == ["Pending", "InProgress", "Completed"]
    assert window_of(run) == window
    job = monitors.processing.all()[0].public
    assert run.public["ProcessingJobArn"] == job["ProcessingJobArn"]
    assert job["MonitoringScheduleArn"].endswith(":monitoring-schedule/s")


def program(message: str, status: int = 0) -> Program:
    def run(container: ProcessingContainer, _: threading.Event) -> int:
        return say(container, message, status)

    return run


def breaks(*_: Any) -> int:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("analyzer", "status", "reason"),
    [
        (
            program("CompletedWithViolations: 3 violations."),
            "CompletedWithViolations",
            "CompletedWithViolations: 3 violations.",
        ),
        (program("Fine: by me"), "Completed", None),
        (program("x.jsonl line 3: no", 1), "Failed", "AlgorithmError: x.jsonl line 3: no"),
        (breaks, "Failed", "InternalServerError: OSError(28, 'No space left on device')"),
    ],
)
def test_how_the_analyzer_ends(monitors: Monitors, analyzer: Program, status: str, reason: str | None) -> None:
    window, monitors.program = monitors.hour(), analyzer
    monitors.capture(window.start)
    run = monitors.schedules.run(monitors.scheduled(), window).public

    assert (run["MonitoringExecutionStatus"], run.get("FailureReason")) == (status, reason)


def test_a_window_without_records_had_no_data(monitors: Monitors) -> None:
    run = monitors.schedules.run(monitors.scheduled(), monitors.hour()).public

    assert (run["MonitoringExecutionStatus"], run["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert monitors.processing.all() == []


def test_an_endpoint_that_is_deleted_is_the_reason(monitors: Monitors) -> None:
    window, schedule = monitors.hour(), monitors.scheduled()
    monitors.capture(window.start)
    monitors.endpoint_is_there = False
    failed = monitors.schedules.run(schedule, window).public
    monitors.endpoint_is_there = True

    assert failed["FailureReason"] == 'Job inputs had no data: endpoint "ep" is not there, or captures nothing'
    assert monitors.schedules.unseen(schedule, window.end).start <= window.start, "it is looked at when it is back"
    assert monitors.schedules.run(schedule, window).public["MonitoringExecutionStatus"] == "Completed"


def test_a_schedule_is_edited_while_its_execution_runs(monitors: Monitors) -> None:
    window, begun, go_on = monitors.hour(), threading.Event(), threading.Event()

    def holds(container: ProcessingContainer, _: threading.Event) -> int:
        begun.set()
        assert go_on.wait(20)
        return say(container, "Completed: Job completed successfully with no violations.")

    monitors.program = holds
    monitors.capture(window.start)
    schedule = monitors.scheduled("first")
    monitors.definitions.create(HERE, definition("second"))
    task = monitors.ground.runner.submit(("test",), lambda _: monitors.schedules.run(schedule, window))
    assert begun.wait(20)
    monitors.schedules.update(HERE, requested("first", "second"))
    monitors.definitions.delete(HERE, {"JobDefinitionName": "first"})
    go_on.set()

    assert task.ended.wait(20)
    [run] = monitors.executions.all()
    assert run.public["MonitoringExecutionStatus"] == "Completed"
    assert run.public["MonitoringJobDefinitionName"] == "first"
    edited = monitors.schedules.run(monitors.schedules.get(HERE.region, "first"), window).public
    assert (edited["MonitoringJobDefinitionName"], edited["MonitoringExecutionStatus"]) == ("second", "Completed")


def test_a_schedule_is_deleted_while_its_execution_runs(monitors: Monitors) -> None:
    window, begun, go_on = monitors.hour(), threading.Event(), threading.Event()

    def holds(container: ProcessingContainer, _: threading.Event) -> int:
        begun.set()
        assert go_on.wait(20)
        return say(container, "Completed: Job completed successfully with no violations.")

    monitors.program = holds
    monitors.capture(window.start)
    schedule = monitors.scheduled()
    task = monitors.ground.runner.submit(("test",), lambda _: monitors.schedules.run(schedule, window))
    assert begun.wait(20)
    monitors.schedules.delete(HERE, {"MonitoringScheduleName": "s"})
    go_on.set()

    assert task.ended.wait(20)
    assert [run.public["MonitoringExecutionStatus"] for run in monitors.executions.all()] == ["Completed"]


def test_a_definition_that_is_deleted_fails_the_execution_alone(monitors: Monitors) -> None:
    window = monitors.hour()
    monitors.capture(window.start)
    first, second = monitors.scheduled("first"), monitors.scheduled("second")
    monitors.definitions.delete(HERE, {"JobDefinitionName": "first"})

    failed, completed = (monitors.schedules.run(schedule, window).public for schedule in (first, second))
    assert failed["MonitoringExecutionStatus"] == "Failed"
    assert failed["FailureReason"].startswith("ClientError: Could not find job definition arn:aws:sagemaker:us-east-1")
    assert completed["MonitoringExecutionStatus"] == "Completed"


def test_a_bucket_that_is_gone_fails_the_execution_with_s3s_words(monitors: Monitors) -> None:
    schedule = monitors.scheduled()
    del monitors.objects.buckets["b"]
    run = monitors.schedules.run(schedule, monitors.hour()).public

    assert (run["MonitoringExecutionStatus"], run["FailureReason"]) == ("Failed", "ClientError: NoSuchBucket: b")


def waits(_: ProcessingContainer, stop: threading.Event) -> int:
    assert stop.wait(20)
    raise JobStoppedError


def test_stopping_its_processing_job_stops_the_execution(monitors: Monitors) -> None:
    window, monitors.program = monitors.hour(), waits
    monitors.capture(window.start)
    schedule = monitors.scheduled()
    task = monitors.ground.runner.submit(("test",), lambda _: monitors.schedules.run(schedule, window))
    until(lambda: [job.name for job in monitors.processing.all()])
    [job] = monitors.processing.all()
    monitors.processing.stop_job(HERE, {"ProcessingJobName": job.name})

    assert task.ended.wait(20)
    assert statuses(monitors) == ["Pending", "InProgress", "Stopping", "Stopped"]


def test_the_cloud_stops_while_an_execution_runs(monitors: Monitors) -> None:
    own = Runner()
    stopping = Monitors(replace(monitors.ground, runner=own), monitors.folder, waits, monitors.objects)
    window = stopping.hour()
    stopping.capture(window.start)
    schedule = stopping.scheduled()
    own.submit(("test",), lambda _: stopping.schedules.run(schedule, window))
    until(stopping.processing.all)

    assert own.close(20)
    [run], [job] = monitors.executions.all(), monitors.processing.all()
    assert run.public["FailureReason"] == "InternalServerError: the local cloud was stopped while the execution ran"
    assert job.public["FailureReason"] == "InternalServerError: the local cloud was stopped while the job ran"


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Stopping"])
def test_after_kill_9_no_execution_goes_on(monitors: Monitors, status: str) -> None:
    document = {
        "MonitoringScheduleName": "s", "ScheduledTime": 3600.0, "CreationTime": 3600.0, "MonitoringExecutionStatus": status,
        "EndpointName": "ep", "MonitoringType": "DataQuality", "MonitoringJobDefinitionName": "d",
        STATE: {"region": "us-east-1", "id": "s/1"},
    }  # fmt: skip
    monitors.ground.store.put("monitoring-execution", "us-east-1", "s/1", document)  # as version 1 had it
    monitors.executions.resume()

    [run] = monitors.executions.of("us-east-1", "s")
    assert run.public["MonitoringExecutionStatus"] == ("Stopped" if status == "Stopping" else "Failed")
    assert window_of(run).end.timestamp() == 3600.0


def test_a_verdict_is_a_status_that_may_follow() -> None:
    for status in ("Completed", "Failed", "Stopped"):
        for message in (None, "", "Completed: x", "CompletedWithViolations: x", "Else: x"):
            ending = verdict({"ProcessingJobStatus": status, "ExitMessage": message, "FailureReason": "r"})
            if ending.status != "Stopped":
                step(MONITORING_EXECUTION.transitions, "InProgress", ending.status)
    with pytest.raises(IllegalTransitionError):
        step(MONITORING_EXECUTION.transitions, "Completed", "InProgress")


def test_the_window_is_kept() -> None:
    state = ExecutionState(start=1.0, end=2.0)

    assert ExecutionState.decode(state.encode()) == state
