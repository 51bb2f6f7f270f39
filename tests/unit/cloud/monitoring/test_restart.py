"""What a killed cloud left running is told truly by the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.jobs.processing import KIND, ProcessingJobs
from fogbank.cloud.monitoring.executions import Executions
from fogbank.cloud.monitoring.schedules import EXECUTION, JobDefinitions, MonitoringSchedules


def nothing(*_: object) -> Any:
    raise AssertionError("a restart asks nobody")


def test_interrupted_jobs_and_executions_are_failed_with_the_reason(
    tmp_path: Path, open_store: Callable[[Path], Store]
) -> None:
    store = open_store(tmp_path / "s.db")
    clock = Clock(store, wall=lambda: 1000.0)
    jobs = ProcessingJobs(store, clock, Environments(tmp_path, ()), nothing, nothing, tmp_path, tmp_path)
    schedules = MonitoringSchedules(store, clock, JobDefinitions(store, clock))
    for name, status in (("running", "InProgress"), ("stopping", "Stopping"), ("done", "Completed")):
        store.put(
            KIND, "us-east-1", name, {"ProcessingJobName": name, "ProcessingJobStatus": status, "_region": "us-east-1"}
        )
    run = {
        "MonitoringExecutionStatus": "InProgress",
        "MonitoringScheduleName": "s",
        "_region": "us-east-1",
        "_id": "s/1",
    }
    store.put(EXECUTION, "us-east-1", "s/1", run)

    jobs.fail_interrupted()
    Executions(store, clock, schedules, jobs, nothing, nothing, nothing).fail_interrupted()

    found = {
        doc["ProcessingJobName"]: (doc["ProcessingJobStatus"], doc.get("FailureReason")) for doc in store.all(KIND)
    }
    reason = "InternalServerError: the local cloud was stopped while the"
    assert found["running"][0] == "Failed"
    assert str(found["running"][1]).startswith(f"{reason} job ran")
    assert found["stopping"] == ("Stopped", None)
    assert found["done"] == ("Completed", None)
    ended = store.all(EXECUTION)[0]
    assert (ended["MonitoringExecutionStatus"], ended["FailureReason"]) == ("Failed", f"{reason} execution ran")
