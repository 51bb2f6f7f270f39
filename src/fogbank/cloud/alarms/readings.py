"""The datapoints that a metric alarm looks at: of one metric, or of an expression over several.

In: an alarm, the end of its evaluation range, whoever has periods of metrics; out: a datapoint or None for each period, the oldest first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fogbank.cloud.alarms.book import Alarm
from fogbank.cloud.alarms.evaluation import Datum, Question
from fogbank.cloud.observe.expressions import Scope, one_series, solve
from fogbank.cloud.observe.puts import series_of
from fogbank.cloud.observe.queries import Datapoint, Query

DYNAMODB = "AWS/DynamoDB"
PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")


class Periods(Protocol):
    """Whoever has periods of metrics. Percentiles by their names."""

    def __call__(self, query: Query, statistic: str) -> Sequence[Datapoint]:
        """The periods that have values."""


def question_of(alarm: Alarm) -> Question:
    """What the alarm asks; alarms on DynamoDB's metrics ignore missing datapoints whatever they say."""
    document = alarm.document
    percentile = PERCENTILE.fullmatch(document.get("ExtendedStatistic", ""))
    heeds = document.get("EvaluateLowSampleCountPercentile") == "ignore" and percentile is not None
    ignores = document.get("Namespace") == DYNAMODB
    return Question(
        operator=document["ComparisonOperator"],
        threshold=document["Threshold"],
        periods=document["EvaluationPeriods"],
        to_alarm=document.get("DatapointsToAlarm") or document["EvaluationPeriods"],
        missing="ignore" if ignores else document.get("TreatMissingData") or "missing",
        significant=float(percentile[1]) / 100 if heeds and percentile else None,
    )


NEAR_S = 3600
"""The first stretch that is looked at for values; each next one is twice as long."""


def period_of(alarm: Alarm) -> int:
    """The seconds of a period."""
    stats = [query["MetricStat"]["Period"] for query in alarm.document.get("Metrics", []) if "MetricStat" in query]
    return int(alarm.document.get("Period") or max(stats))


def read(alarm: Alarm, end: int, count: int, periods: Periods) -> list[Datum | None]:
    """The last `count` periods before `end`. Raises ExpressionError."""
    period = period_of(alarm)
    grid = range(end - count * period, end, period)
    points = {name: _points(alarm, stat, grid, period, periods) for name, stat in _stats(alarm).items()}
    if "Metrics" not in alarm.document:
        found = points[""]
        return [found.get(at) for at in grid]
    series = {name: {at: datum.value for at, datum in data.items()} for name, data in points.items()}
    queries = alarm.document["Metrics"]
    scope = Scope(series=series, grid=grid, period=period, metrics=list(points))
    solved = solve({query["Id"]: query["Expression"] for query in queries if "Expression" in query}, scope)
    watched = next(query["Id"] for query in queries if query.get("ReturnData", True))
    values = one_series(solved[watched], grid) if watched in solved else series[watched]
    return [Datum(at=at, value=values[at]) if at in values else None for at in grid]


def has_points(alarm: Alarm, start: int, end: float, periods: Periods) -> bool:
    """Whether any of the alarm's metrics has a value in a stretch of time; what is near is looked at first, so that a full stretch is not
    read whole."""
    width = NEAR_S
    while start < end:
        until = min(end, start + width)
        for stat in _stats(alarm).values():
            if periods(_query(alarm, stat, start, until, period_of(alarm)), stat["Stat"]):
                return True
        start, width = start + width, 2 * width
    return False


def _stats(alarm: Alarm) -> Mapping[str, Mapping[str, Any]]:
    """The metrics that are watched, as MetricStat has them, by id; an alarm on one metric has no id for it."""
    document = alarm.document
    if "Metrics" in document:
        return {query["Id"]: query["MetricStat"] for query in document["Metrics"] if "MetricStat" in query}
    return {
        "": {
            "Metric": document,
            "Stat": document.get("Statistic") or document["ExtendedStatistic"],
            "Unit": document.get("Unit", ""),
        }
    }


def _points(alarm: Alarm, stat: Mapping[str, Any], grid: range, period: int, periods: Periods) -> dict[int, Datum]:
    found = {}
    for point in periods(_query(alarm, stat, grid.start, grid.stop, period), stat["Stat"]):
        value = point.summary.statistic(stat["Stat"])
        if value is not None:
            found[point.start] = Datum(at=point.start, value=value, samples=point.summary.count)
    return found


def _query(alarm: Alarm, stat: Mapping[str, Any], start: int, end: float, period: int) -> Query:
    metric = stat["Metric"]
    like = series_of(
        alarm.account,
        alarm.region,
        metric["Namespace"],
        metric["MetricName"],
        metric.get("Dimensions"),
        stat.get("Unit", ""),
    )
    return Query(like=like, start=start, end=end, period=period)
