"""A schedule's alert: in alert by its rule, its history out of what its executions found."""

from __future__ import annotations

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.monitoring.alerts import MonitoringAlerts, Rule, changes
from tests.fakes.processor import say
from tests.unit.cloud.monitoring.conftest import HERE, Monitors, clean

NAME = {"MonitoringScheduleName": "s"}


def found(monitors: Monitors, *verdicts: bool) -> None:
    """Executions, each over an hour of its own."""
    record = monitors.schedules.get(HERE.region, "s")
    for bad in verdicts:
        window = monitors.hour()
        monitors.capture(window.start)
        monitors.program = (lambda box, _: say(box, "CompletedWithViolations: 1 violations.")) if bad else clean
        monitors.schedules.run(record, window)
        monitors.ground.clock.move_to(window.end)


def test_violations_put_it_in_alert_and_a_clean_execution_ends_it(monitors: Monitors) -> None:
    monitors.scheduled()
    alerts = MonitoringAlerts(monitors.schedules)
    [alert] = alerts.alerts(HERE, NAME)["MonitoringAlertSummaries"]
    assert (alert["AlertStatus"], alert["DatapointsToAlert"], alert["EvaluationPeriod"]) == ("OK", 1, 1)

    found(monitors, True, True, False, True)

    [alert] = alerts.alerts(HERE, NAME)["MonitoringAlertSummaries"]
    assert alert["AlertStatus"] == "InAlert"
    history = alerts.history(HERE, {"SortOrder": "Ascending"})["MonitoringAlertHistory"]
    assert [entry["AlertStatus"] for entry in history] == ["InAlert", "OK", "InAlert"]
    assert len(alerts.history(HERE, {**NAME, "StatusEquals": "OK"})["MonitoringAlertHistory"]) == 1


def test_a_rule_counts_from_when_it_is_given(monitors: Monitors) -> None:
    monitors.scheduled()
    alerts = MonitoringAlerts(monitors.schedules)
    found(monitors, True)
    answer = alerts.update(HERE, {**NAME, "MonitoringAlertName": "s", "DatapointsToAlert": 2, "EvaluationPeriod": 3})
    assert answer["MonitoringAlertName"] == "s"
    assert alerts.alerts(HERE, NAME)["MonitoringAlertSummaries"][0]["AlertStatus"] == "OK"  # one of three is not two

    found(monitors, False, True)

    again = MonitoringAlerts(monitors.schedules)  # all of it is in the store
    [alert] = again.alerts(HERE, NAME)["MonitoringAlertSummaries"]
    assert (alert["AlertStatus"], alert["DatapointsToAlert"]) == ("InAlert", 2)
    statuses = [
        entry["AlertStatus"]
        for entry in again.history(HERE, {**NAME, "SortOrder": "Ascending"})["MonitoringAlertHistory"]
    ]
    assert statuses == ["InAlert", "OK", "InAlert"]


def test_what_is_refused(monitors: Monitors) -> None:
    monitors.scheduled()
    alerts = MonitoringAlerts(monitors.schedules)
    for request, code in (
        ({**NAME, "MonitoringAlertName": "s", "DatapointsToAlert": 3, "EvaluationPeriod": 2}, "ValidationException"),
        ({**NAME, "MonitoringAlertName": "other", "DatapointsToAlert": 1, "EvaluationPeriod": 2}, "ResourceNotFound"),
    ):
        with pytest.raises(ApiError) as refusal:
            alerts.update(HERE, request)
        assert refusal.value.code == code
    with pytest.raises(ApiError, match="gone does not exist"):
        alerts.alerts(HERE, {"MonitoringScheduleName": "gone"})


def test_without_executions_nothing_changes() -> None:
    assert list(changes([Rule(time=0.0)], [])) == []
