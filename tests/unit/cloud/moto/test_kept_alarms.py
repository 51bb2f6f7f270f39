"""Alarms that an earlier version left in moto's memory, as parameters of the calls that made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends

from fogbank.cloud.moto.kept_alarms import kept_alarms
from fogbank.ground.aws import LOCAL_ACCOUNT

NOTHING = dict.fromkeys(
    (
        "namespace",
        "metric_name",
        "comparison_operator",
        "evaluation_periods",
        "period",
        "threshold",
        "statistic",
        "description",
    )
)


def test_metric_math_and_composite_alarms(memory: Callable[[], None]) -> None:
    put = cloudwatch_backends[LOCAL_ACCOUNT]["us-east-1"].put_metric_alarm
    compared = {"comparison_operator": "GreaterThanThreshold", "evaluation_periods": 2, "threshold": 1.0}
    one = {
        "namespace": "n",
        "metric_name": "m",
        "period": 60,
        "statistic": "Sum",
        "dimensions": [{"Name": "x", "Value": "y"}],
    }
    none: dict[str, Any] = {**NOTHING, "dimensions": [], "alarm_actions": []}
    put(name="one", description="One", alarm_actions=["arn:aws:sns:us-east-1:1:t"], ok_actions=[], **compared, **one)  # type: ignore[arg-type]  # by name
    stat = MetricStat(Metric("m", "n", [Dimension("x", "y")]), "60", "Sum", "")
    queries = [
        MetricDataQuery("m1", "", "", "false", None, stat),
        MetricDataQuery("e1", "rate", "", "true", "m1 * 2", None),
    ]
    put(name="math", metric_data_queries=queries, **{**none, **compared})
    put(name="both", rule='ALARM("one")', **none)
    put(name="the cloud's own", **none)

    found = {params["AlarmName"]: params for _, _, params in kept_alarms()}
    assert found == {
        "one": {
            "AlarmName": "one", "AlarmDescription": "One", "ActionsEnabled": True, "AlarmActions": ["arn:aws:sns:us-east-1:1:t"],
            "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 2, "Threshold": 1.0, "Namespace": "n",
            "MetricName": "m", "Period": 60, "Statistic": "Sum", "Dimensions": [{"Name": "x", "Value": "y"}],
        },
        "math": {
            "AlarmName": "math", "ActionsEnabled": True, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 2,
            "Threshold": 1.0,
            "Metrics": [
                {
                    "Id": "m1", "ReturnData": "false",
                    "MetricStat": {
                        "Metric": {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "x", "Value": "y"}]},
                        "Period": "60", "Stat": "Sum",
                    },
                },
                {"Id": "e1", "Label": "rate", "ReturnData": "true", "Expression": "m1 * 2"},
            ],
        },
        "both": {"AlarmName": "both", "ActionsEnabled": True, "AlarmRule": 'ALARM("one")'},
    }  # fmt: skip
