"""CloudWatch: metric alarms, composite alarms, dashboards.

What is updated in place: Terraform's aws_cloudwatch_metric_alarm (all but name), aws_cloudwatch_composite_alarm (all but alarm_name) and
aws_cloudwatch_dashboard (dashboard_body).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, pairs

ACTIONS = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "insufficientDataActions": "InsufficientDataActions",
    "okActions": "OKActions",
}
METRIC = {
    **ACTIONS,
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}
WHOLE = frozenset({"datapointsToAlarm", "evaluationPeriods", "period"})
QUERY = {"id": "Id", "expression": "Expression", "label": "Label", "period": "Period", "returnData": "ReturnData"}
STAT = {"period": "Period", "stat": "Stat", "unit": "Unit"}
LISTS = frozenset({"alarmActions", "insufficientDataActions", "okActions"})


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of alarm: the key of its name, its call, AWS's word for it, and its plain members by Pulumi's keys."""

    key: str
    put: str
    type: str
    members: Mapping[str, str]


METRIC_ALARM = Kind(key="name", put="PutMetricAlarm", type="MetricAlarm", members=METRIC)
COMPOSITE_ALARM = Kind(
    key="alarmName", put="PutCompositeAlarm", type="CompositeAlarm", members={**ACTIONS, "alarmRule": "AlarmRule"}
)


def create(kind: Kind, row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """The call; the id is the name."""
    _put(kind, session, inputs, {"Tags": pairs(session.settings.tags(inputs.get("tags")))})
    return inputs[kind.key], _state(kind, row, session, inputs)


def read(kind: Kind, row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeAlarms and ListTagsForResource."""
    alarm = _alarm(kind, session, id_)
    if alarm is None:
        return None
    live: Properties = {key: alarm.get(member) for key, member in kind.members.items()}
    live = {key: value for key, value in live.items() if value != [] or key in inputs}
    live[kind.key] = id_
    if kind is METRIC_ALARM:
        live["dimensions"] = _from_pairs(alarm.get("Dimensions", [])) or None
        live["metricQueries"] = [_from_query(query) for query in alarm.get("Metrics", [])] or None
    tags = require(session.client("cloudwatch"), "ListTagsForResource", ResourceARN=alarm["AlarmArn"])["Tags"]
    fresh = row.found(session, inputs, live, {tag["Key"]: tag["Value"] for tag in tags})
    return fresh, _state(kind, row, session, fresh)


def update(kind: Kind, row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """The call again, and the tags, which it leaves as they are."""
    del id_
    _put(kind, session, new, {})
    state = _state(kind, row, session, new)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(session.client("cloudwatch"), "UntagResource", ResourceARN=state["arn"], TagKeys=gone)
    if come:
        require(session.client("cloudwatch"), "TagResource", ResourceARN=state["arn"], Tags=pairs(come))
    return state


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteAlarms."""
    del row, state
    ensure_gone(session.client("cloudwatch"), "DeleteAlarms", AlarmNames=[id_])


def delete_dashboard(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteDashboards."""
    del row, state
    ensure_gone(session.client("cloudwatch"), "DeleteDashboards", DashboardNames=[id_])


def _put(kind: Kind, session: Session, inputs: Properties, more: dict[str, Any]) -> None:
    said = {
        member: int(inputs[key]) if key in WHOLE else inputs[key]
        for key, member in kind.members.items()
        if inputs.get(key) not in (None, [], "")
    }
    if inputs.get("dimensions"):
        said["Dimensions"] = _to_pairs(inputs["dimensions"])
    if inputs.get("metricQueries"):
        said["Metrics"] = [_to_query(query) for query in inputs["metricQueries"]]
    require(session.client("cloudwatch"), kind.put, AlarmName=inputs[kind.key], **said, **more)


def _to_query(query: Properties) -> dict[str, Any]:
    said = {member: query[key] for key, member in QUERY.items() if query.get(key) not in (None, "")}
    said["ReturnData"] = bool(query.get("returnData"))
    if "Period" in said:
        said["Period"] = int(said["Period"])
    if query.get("metric"):
        given = query["metric"]
        metric = {"MetricName": given["metricName"], "Namespace": given.get("namespace")}
        stat = {member: given[key] for key, member in STAT.items() if given.get(key) not in (None, "")}
        metric["Dimensions"] = _to_pairs(given.get("dimensions") or {})
        said["MetricStat"] = {**stat, "Period": int(given["period"]), "Metric": metric}
    return said


def _from_query(query: Mapping[str, Any]) -> Properties:
    found = {key: query[member] for key, member in QUERY.items() if member in query}
    if "MetricStat" not in query:
        return found
    stat, metric = query["MetricStat"], query["MetricStat"]["Metric"]
    own = {key: stat[member] for key, member in STAT.items() if member in stat}
    dimensions = _from_pairs(metric.get("Dimensions", []))
    named = {"metricName": metric["MetricName"], "namespace": metric["Namespace"]}
    return {**found, "metric": {**named, **own, **({"dimensions": dimensions} if dimensions else {})}}


def _to_pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": str(value)} for name, value in sorted(dimensions.items())]


def _from_pairs(dimensions: list[dict[str, str]]) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in dimensions}


def _alarm(kind: Kind, session: Session, name: str) -> dict[str, Any] | None:
    answer = require(session.client("cloudwatch"), "DescribeAlarms", AlarmNames=[name], AlarmTypes=[kind.type])
    return next(iter(answer.get(f"{kind.type}s", [])), None)


def _state(kind: Kind, row: Row, session: Session, inputs: Properties) -> Properties:
    alarm = _alarm(kind, session, inputs[kind.key])
    if alarm is None:
        raise ProvisionError(f"DescribeAlarms: there is no {inputs[kind.key]}")
    return {**inputs, "arn": alarm["AlarmArn"], **common_state(session, row, inputs)}


def _row(kind: Kind, token: str, auto_name: AutoName | None, **more: Any) -> Row:
    return Row(
        token=token,
        service="cloudwatch",
        auto_name=auto_name,
        sets=LISTS,
        creates=partial(create, kind),
        reads=partial(read, kind),
        updates=partial(update, kind),
        deletes=delete,
        **more,
    )


ROWS = (
    _row(
        METRIC_ALARM,
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        AutoName(prefix_key=None, longest=255),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        in_place=frozenset({*METRIC, "dimensions", "metricQueries"}),
        only=frozenset({*METRIC, "name", "dimensions", "metricQueries"}),
        unasked=frozenset({"datapointsToAlarm", "evaluateLowSampleCountPercentiles"}),
        lacks={"thresholdMetricId": "the local cloud does not have anomaly detection"},
    ),
    _row(
        COMPOSITE_ALARM,
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        None,
        defaults={"actionsEnabled": True},
        in_place=frozenset({*ACTIONS, "alarmRule"}) - {"actionsEnabled"},
        only=frozenset({*ACTIONS, "alarmRule", "alarmName"}),
        lacks={"actionsSuppressor": "the local cloud does not suppress actions of alarms"},
    ),
    Row(
        token="aws:cloudwatch/dashboard:Dashboard",
        service="cloudwatch",
        calls={
            "create": "PutDashboard",
            "describe": "GetDashboard",
            "update": "PutDashboard",
            "delete": "DeleteDashboards",
        },
        identity={"DashboardName": "dashboardName"},
        outputs={"dashboardArn": "DashboardArn"},
        in_place=frozenset({"dashboardBody"}),
        policies=frozenset({"dashboardBody"}),
        deletes=delete_dashboard,
    ),
)
