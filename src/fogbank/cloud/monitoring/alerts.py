"""Monitoring alerts: each schedule has one, which is in alert while enough of its last executions found violations.

In: a schedule's rules, each from its time on, and its executions; out: the alert and its history, which follow from both: nothing is kept
that a kill could tear from them. Source: the SageMaker API reference, UpdateMonitoringAlert and ListMonitoringAlertHistory. Not known:
the name and the rule of the alert that SageMaker makes; here they are the schedule's name, and one of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.ground.store import Document
from fogbank.cloud.monitoring.executions import Execution
from fogbank.cloud.monitoring.schedules import MonitoringSchedules, Schedule
from fogbank.contracts.status import MONITORING_EXECUTION, ended

ALERTS = Listing(
    operation="ListMonitoringAlerts", answer="MonitoringAlertSummaries", name="MonitoringAlertName", newest_first=False
)
HISTORY = Listing(
    operation="ListMonitoringAlertHistory",
    answer="MonitoringAlertHistory",
    name="MonitoringAlertName",
    status="AlertStatus",
)
FINE, ALERT = "OK", "InAlert"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """In alert where of the last `period` executions `datapoints` found violations; from `time` on."""

    time: float
    datapoints: int = 1
    period: int = 1

    def status(self, verdicts: Sequence[bool]) -> str:
        """After executions, the newest last."""
        return ALERT if sum(verdicts[-self.period :]) >= self.datapoints else FINE


def changes(rules: Sequence[Rule], runs: Sequence[Execution]) -> Iterator[tuple[float, str]]:
    """When the alert changed its status, and to which: what ended, and rules, in order."""
    done = [
        (float(run.public["LastModifiedTime"]), run.public["MonitoringExecutionStatus"] == "CompletedWithViolations")
        for run in runs
        if run.public["MonitoringExecutionStatus"] in {"Completed", "CompletedWithViolations"}
    ]
    status, verdicts, rule = FINE, [], rules[0]
    moments: list[tuple[float, int, Rule | bool]] = sorted(
        [*((own.time, 0, own) for own in rules), *((time, 1, found) for time, found in done)], key=lambda item: item[:2]
    )
    for time, _, item in moments:
        if isinstance(item, Rule):
            rule = item
        else:
            verdicts.append(item)
        if (now := rule.status(verdicts)) != status:
            status = now
            yield time, status


class MonitoringAlerts:
    """The alerts of every schedule."""

    def __init__(self, schedules: MonitoringSchedules) -> None:
        self._schedules = schedules

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            ALERTS.operation: self.alerts,
            HISTORY.operation: self.history,
            "UpdateMonitoringAlert": self.update,
        }

    def alerts(self, scope: Scope, params: Params) -> Params:
        """A schedule's alert. Raises ResourceNotFound."""
        schedule = self._schedules.get(scope.region, params["MonitoringScheduleName"])
        return ALERTS.page([self._alert(schedule)], _paging(params))

    def history(self, scope: Scope, params: Params) -> Params:
        """The changes of one schedule's alert, or of all."""
        name = params.get("MonitoringScheduleName")
        schedules = [self._schedules.get(scope.region, name)] if name else self._schedules.all(scope.region)
        entries = [
            {
                "MonitoringScheduleName": schedule.name,
                "MonitoringAlertName": schedule.name,
                "CreationTime": time,
                "AlertStatus": status,
                "_id": f"{schedule.name}/{number:09d}",
            }
            for schedule in schedules
            for number, (time, status) in enumerate(self._changes(schedule))
        ]
        return HISTORY.page(
            entries, {member: value for member, value in params.items() if member != "MonitoringScheduleName"}
        )

    def update(self, scope: Scope, params: Params) -> Params:
        """Another rule, from now on."""
        name, datapoints, period = (
            params[key] for key in ("MonitoringScheduleName", "DatapointsToAlert", "EvaluationPeriod")
        )
        schedule = self._schedules.get(scope.region, name)
        if params["MonitoringAlertName"] != name:
            raise not_found(
                f"Could not find monitoring alert {params['MonitoringAlertName']} of {name}; it has one, {name}."
            )
        if datapoints > period:
            raise validation("DatapointsToAlert must be at most EvaluationPeriod.")
        rule = Rule(time=self._schedules.clock.epoch(), datapoints=datapoints, period=period)
        self._schedules.rule(schedule, asdict(rule))
        arn = schedule.public["MonitoringScheduleArn"]
        return {"MonitoringScheduleArn": arn, "MonitoringAlertName": name}

    def _alert(self, schedule: Schedule) -> Document:
        rules, changed = rules_of(schedule), list(self._changes(schedule))
        return {
            "MonitoringAlertName": schedule.name,
            "CreationTime": schedule.public["CreationTime"],
            "LastModifiedTime": max(rules[-1].time, changed[-1][0] if changed else 0.0),
            "AlertStatus": changed[-1][1] if changed else FINE,
            "DatapointsToAlert": rules[-1].datapoints,
            "EvaluationPeriod": rules[-1].period,
            "Actions": {"ModelDashboardIndicator": {"Enabled": True}},
        }

    def _changes(self, schedule: Schedule) -> Iterator[tuple[float, str]]:
        runs = [
            run
            for run in self._schedules.runs(schedule)
            if ended(MONITORING_EXECUTION, run.public["MonitoringExecutionStatus"])
        ]
        return changes(rules_of(schedule), runs)


def rules_of(schedule: Schedule) -> list[Rule]:
    """A schedule's rules, the oldest first: one of one from its creation on."""
    return [Rule(time=float(schedule.public["CreationTime"])), *(Rule(**rule) for rule in schedule.state.rules)]


def _paging(params: Mapping[str, Any]) -> Params:
    return {member: params[member] for member in ("NextToken", "MaxResults") if member in params}
