"""Monitoring schedules: the calls, and which window an execution on demand looks at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.monitoring.captures import Window
from fogbank.cloud.monitoring.plans import DAILY
from fogbank.cloud.monitoring.schedules import config_of
from tests.fakes.processor import say
from tests.unit.cloud.monitoring.conftest import HERE, HOUR, Monitors, clean
from tests.unit.cloud.monitoring.requests import definition, schedule


def test_a_schedule_is_scheduled_at_once_and_knows_its_last_execution(monitors: Monitors) -> None:
    record = monitors.scheduled()
    described = monitors.schedules.describe(HERE, {"MonitoringScheduleName": "s"})

    assert described["MonitoringScheduleStatus"] == "Scheduled"
    assert (described["EndpointName"], described["MonitoringType"]) == ("ep", "DataQuality")
    assert "LastMonitoringExecutionSummary" not in described
    assert config_of(record).expression == DAILY
    monitors.schedules.run(record, monitors.hour())
    last = monitors.schedules.describe(HERE, {"MonitoringScheduleName": "s"})["LastMonitoringExecutionSummary"]
    assert last["FailureReason"] == "Job inputs had no data"


def test_starting_and_stopping(monitors: Monitors) -> None:
    monitors.scheduled()
    name = {"MonitoringScheduleName": "s"}
    monitors.schedules.stop(HERE, name)
    monitors.schedules.stop(HERE, name)

    assert monitors.schedules.scheduled() == []
    monitors.schedules.start(HERE, name)
    assert [item.name for item in monitors.schedules.scheduled()] == ["s"]


def test_an_update_takes_the_new_definitions_endpoint(monitors: Monitors) -> None:
    monitors.scheduled()
    monitors.definitions.create(HERE, definition("other", "elsewhere"))
    monitors.schedules.update(HERE, schedule("s", "other", ScheduleConfig={"ScheduleExpression": "cron(0 * ? * * *)"}))

    record = monitors.schedules.get(HERE.region, "s")
    assert (record.public["EndpointName"], config_of(record).expression) == ("elsewhere", "cron(0 * ? * * *)")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"MonitoringJobDefinitionName": None}, "one of MonitoringJobDefinitionName and MonitoringJobDefinition"),
        ({"MonitoringJobDefinitionName": "none"}, "Could not find job definition"),
        ({"ScheduleConfig": {"ScheduleExpression": "NOW"}}, "NOW needs DataAnalysisStartTime"),
        ({"ScheduleConfig": {"ScheduleExpression": "cron(99 * ? * * *)"}}, "ScheduleExpression: "),
    ],
)
def test_what_is_refused(monitors: Monitors, config: dict[str, Any], message: str) -> None:
    monitors.scheduled()
    for call in (monitors.schedules.create, monitors.schedules.update):
        with pytest.raises(ApiError) as refusal:
            call(HERE, schedule("s", "s", **config))

        assert refusal.value.code == "ValidationException"
        assert message in refusal.value.message


def test_names(monitors: Monitors) -> None:
    monitors.scheduled()
    with pytest.raises(ApiError) as taken:
        monitors.schedules.create(HERE, schedule("s", "s"))
    monitors.schedules.delete(HERE, {"MonitoringScheduleName": "s"})
    with pytest.raises(ApiError) as missing:
        monitors.schedules.describe(HERE, {"MonitoringScheduleName": "s"})

    assert (taken.value.code, missing.value.code) == ("ResourceInUse", "ResourceNotFound")


def test_an_execution_on_demand_looks_at_what_none_has_looked_at(monitors: Monitors) -> None:
    record = monitors.scheduled()
    created = monitors.hour().start
    later = [created + HOUR * number for number in range(5)]

    def run(number: int) -> str:
        window = Window(start=later[number - 1], end=later[number])
        status: str = monitors.schedules.run(record, window).public["MonitoringExecutionStatus"]
        return status

    assert monitors.schedules.unseen(record, later[1]).start <= created
    assert run(1) == "Failed"  # no data: there was nothing to look at
    assert monitors.schedules.unseen(record, later[2]) == Window(start=later[1], end=later[2])
    monitors.capture(later[1] + timedelta(minutes=1))
    monitors.program = lambda container, _: say(container, "no", 1)
    assert run(2) == "Failed"
    assert monitors.schedules.unseen(record, later[3]) == Window(start=later[1], end=later[3])  # its window is not lost
    monitors.program = clean
    assert run(2) == "Completed"
    assert monitors.schedules.unseen(record, later[3]) == Window(start=later[2], end=later[3])
