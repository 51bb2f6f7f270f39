"""What a schedule's configuration says: NOW, windows of one's own, inline definitions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.monitoring.executions import window_of
from tests.unit.cloud.monitoring.conftest import HERE, HOUR, Monitors
from tests.unit.cloud.monitoring.requests import definition, schedule

NOW = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT2H", "DataAnalysisEndTime": "-PT1H"}


def inline(**others: Any) -> dict[str, Any]:
    own = definition()
    return {
        "MonitoringInputs": [own["DataQualityJobInput"]],
        "MonitoringOutputConfig": own["DataQualityJobOutputConfig"],
        "MonitoringResources": own["JobResources"],
        "MonitoringAppSpecification": own["DataQualityAppSpecification"],
        "RoleArn": own["RoleArn"],
        **others,
    }


def inline_schedule(config: dict[str, str], **others: Any) -> dict[str, Any]:
    request = schedule("s", "d", ScheduleConfig=config, MonitoringJobDefinition=inline(**others))
    del request["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
    return request


def test_now_runs_when_it_is_created_and_again_when_it_is_started(monitors: Monitors) -> None:
    now = monitors.hour().start
    monitors.capture(now - HOUR - timedelta(minutes=30))
    monitors.schedules.create(HERE, inline_schedule(NOW, Environment={"mine": "x"}))

    [run] = monitors.executions.of(HERE.region, "s")
    done = monitors.executions.wait(run.region, run.name)
    assert done is not None
    assert done.public["MonitoringExecutionStatus"] == "Completed"
    assert "MonitoringJobDefinitionName" not in done.public
    window = window_of(run)
    assert (window.end - window.start, done.public["ScheduledTime"] - window.end.timestamp()) == (HOUR, 3600)
    assert monitors.processing.all()[0].public["Environment"]["mine"] == "x"
    assert monitors.schedules.scheduled() == []  # no clock makes it due

    monitors.schedules.start(HERE, {"MonitoringScheduleName": "s"})
    assert len(monitors.executions.of(HERE.region, "s")) == 2


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (inline_schedule({**NOW, "DataAnalysisStartTime": "-PT30H"}), "by 24 hours at most"),
        (inline_schedule({**NOW, "DataAnalysisStartTime": "yesterday"}), "is no time offset"),
        (inline_schedule(NOW, MonitoringInputs=[]), "MonitoringInputs must be one input"),
        (inline_schedule(NOW, MonitoringInputs=[{}]), "needs one of EndpointInput and BatchTransformInput"),
        (schedule("s", "d", MonitoringJobDefinition=inline()), "needs one of MonitoringJobDefinitionName and"),
    ],
)
def test_what_is_refused(monitors: Monitors, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        monitors.schedules.create(HERE, request_)

    assert (refusal.value.code, message in refusal.value.message) == ("ValidationException", True), (
        refusal.value.message
    )
