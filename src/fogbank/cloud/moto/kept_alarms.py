"""Alarms of a state in which moto still kept them: read from moto's memory after its journal was played back.

In: moto's alarms; out: the parameters by which the cloud makes them its own. Those that are the cloud's have only their names in moto.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

PLAIN = (
    "AlarmActions", "ComparisonOperator", "DatapointsToAlarm", "EvaluateLowSampleCountPercentile", "EvaluationPeriods",
    "ExtendedStatistic", "InsufficientDataActions", "MetricName", "Namespace", "OKActions", "Period", "Statistic", "Threshold",
    "TreatMissingData", "Unit",
)  # fmt: skip
OWN_NAMES = {"AlarmDescription": "description", "AlarmName": "name", "AlarmRule": "rule", "OKActions": "ok_actions"}


def kept_alarms() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Account, region, and the parameters of PutMetricAlarm or PutCompositeAlarm."""
    if "moto.cloudwatch.models" not in sys.modules:  # nothing of it was played back
        return
    from moto.cloudwatch.models import cloudwatch_backends

    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            for alarm in backend.alarms.values():
                if alarm.comparison_operator or alarm.rule:
                    yield account, region, parameters(alarm)


def parameters(alarm: Any) -> dict[str, Any]:
    """The parameters that make an alarm of moto's."""
    names = {member: OWN_NAMES.get(member, _attribute(member)) for member in (*PLAIN, *OWN_NAMES)}
    found = {member: getattr(alarm, name) for member, name in names.items()}
    found["Metrics"] = [_query(query) for query in alarm.metric_data_queries]
    if alarm.metric_name:
        found["Dimensions"] = [{"Name": item.name, "Value": item.value} for item in alarm.dimensions]
    return {"ActionsEnabled": alarm.actions_enabled, **_without_nothing(found)}


def _query(query: Any) -> dict[str, Any]:
    found = {
        "Id": query.id, "Expression": query.expression, "Label": query.label, "Period": query.period, "ReturnData": query.return_data,
    }  # fmt: skip
    if query.metric_stat:
        stat, metric = query.metric_stat, query.metric_stat.metric
        dimensions = [{"Name": item.name, "Value": item.value} for item in metric.dimensions]
        watched = {"Namespace": metric.namespace, "MetricName": metric.metric_name, "Dimensions": dimensions}
        found["MetricStat"] = {
            "Metric": watched,
            **_without_nothing({"Period": stat.period, "Stat": stat.stat, "Unit": stat.unit}),
        }
    return _without_nothing(found)


def _attribute(member: str) -> str:
    """MetricName is metric_name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in member).lstrip("_")


def _without_nothing(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value not in (None, [], "")}
