"""CloudWatch's metrics: PutMetricData, GetMetricStatistics, GetMetricData and ListMetrics, over the cloud's own points.

In: parameters, as the door has read them; out: answers. What moto's services keep in moto's memory (sizes of buckets) is seen beside it.
Dashboards are moto's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from fogbank.cloud.observe.door import Operation
from fogbank.cloud.observe.expressions import ExpressionError, Scope, one_series, solve
from fogbank.cloud.observe.points import DAY_S, MINUTE, Point, Points, Series
from fogbank.cloud.observe.puts import (
    CloudWatchError,
    Params,
    check_item,
    check_namespace,
    check_times,
    point_of,
    seconds_of,
    series_of,
)
from fogbank.cloud.observe.queries import SHORT_PERIODS, Datapoint, Query, datapoints
from fogbank.cloud.observe.summary import PLAIN, Summary, is_statistic

PAGE = 500
MOST_DATAPOINTS = 1440
LISTED_S = 14 * DAY_S
RECENT_S = {"PT3H": 3 * 3600}


class Memory(Protocol):
    """What moto's services keep of metrics in its memory."""

    def __call__(self, account: str, region: str) -> Iterable[Mapping[str, Any]]:
        """Each as `namespace`, `name`, `dimensions` (pairs), `unit`, `at` (s), and `values`: number, sum, least and most, or what says so."""


class CloudWatch:
    """The metrics of every account and region. `counted` is called before anything is read."""

    def __init__(
        self,
        points: Points,
        clock: Callable[[], float],
        memory: Memory,
        counted: Callable[[], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._points, self._clock, self._wall = points, clock, wall
        self._memory, self._counted = memory, counted

    def operations(self) -> Mapping[str, Operation]:
        """The calls that are answered here."""
        return {
            "PutMetricData": self._put,
            "GetMetricStatistics": self._statistics,
            "GetMetricData": self._data,
            "ListMetrics": self._list,
        }

    def _put(self, account: str, region: str, params: Params) -> Params:
        now, namespace = self._clock(), params["Namespace"]
        items = params.get("MetricData", [])
        check_namespace(namespace)
        check_times(items, (now, self._wall()))
        for number, item in enumerate(items, 1):
            check_item(item, number)
        self._points.add([point_of(account, region, namespace, item, now) for item in items])
        return {}

    def _statistics(self, account: str, region: str, params: Params) -> Params:
        plain, extended = params.get("Statistics") or (), params.get("ExtendedStatistics") or ()
        if not plain and not extended:
            raise CloudWatchError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics")
        for name in (*plain, *extended):
            check_statistic(name)
        (start, end), period = _stretch(params), params["Period"]
        check_period(period)
        if start >= end:
            raise CloudWatchError(
                "InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime."
            )
        if (end - start) / period > MOST_DATAPOINTS:
            raise CloudWatchError(
                "InvalidParameterCombination",
                f"You have requested up to {math.ceil((end - start) / period):,} datapoints, which exceeds the limit of"
                f" {MOST_DATAPOINTS:,}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
            )
        like = series_of(
            account, region, params["Namespace"], params["MetricName"], params.get("Dimensions"), params.get("Unit", "")
        )
        found = self._find(Query(like=like, start=start, end=end, period=period), (*plain, *extended))
        return {"Label": params["MetricName"], "Datapoints": [_datapoint(each, plain, extended) for each in found]}

    def _data(self, account: str, region: str, params: Params) -> Params:
        start, end = _stretch(params)
        if start >= end:
            problem = "must not equal parameter EndTime" if start == end else None
            raise CloudWatchError(
                "ValidationError",
                f"The parameter StartTime {problem}."
                if problem
                else "The parameter EndTime must be greater than StartTime.",
            )
        results: dict[str, dict[str, Any]] = {}
        queries = params.get("MetricDataQueries", [])
        for query in queries:
            if "MetricStat" in query:
                results[query["Id"]] = self._series_of(account, region, query, start, end)
            elif "Expression" not in query:
                raise CloudWatchError(
                    "ValidationError", "The parameter MetricDataQueries.member.1.MetricStat is required.\n"
                )
        results.update(_computed(queries, results, (start, end)))
        if params.get("ScanBy") != "TimestampAscending":
            for result in results.values():
                result["Timestamps"], result["Values"] = result["Timestamps"][::-1], result["Values"][::-1]
        shown = [results[query["Id"]] for query in queries if query.get("ReturnData", True)]
        most = params.get("MaxDatapoints")
        if most is not None and sum(len(result["Values"]) for result in shown) > most:
            raise CloudWatchError(
                "ValidationError", "The local cloud answers all datapoints at once: MaxDatapoints is smaller than that."
            )
        return {"MetricDataResults": shown, "Messages": []}

    def _series_of(self, account: str, region: str, query: Params, start: float, end: float) -> dict[str, Any]:
        asked = query["MetricStat"]
        metric, statistic, period = asked["Metric"], asked["Stat"], int(asked["Period"])
        check_statistic(statistic)
        check_period(period)
        like = series_of(
            account, region, metric["Namespace"], metric["MetricName"], metric.get("Dimensions"), asked.get("Unit", "")
        )
        found = self.periods(Query(like=like, start=start, end=end, period=period), statistic)
        values = [(each.start, value) for each in found if (value := each.summary.statistic(statistic)) is not None]
        return {
            "Id": query["Id"],
            "Label": query.get("Label") or f"{metric['MetricName']} {statistic}",
            "Timestamps": [_time(at) for at, _ in values],
            "Values": [value for _, value in values],
            "StatusCode": "Complete",
        }

    def periods(self, query: Query, statistic: str) -> list[Datapoint]:
        """The periods of a metric that have values, the earliest first; whatever their unit, where the query has none."""
        found = self._find(query, [statistic])
        return found if query.like.unit else _whatever_unit(found)

    def _list(self, account: str, region: str, params: Params) -> Params:
        self._counted()
        since = self._clock() - RECENT_S.get(params.get("RecentlyActive", ""), LISTED_S)
        namespace, name = params.get("Namespace", ""), params.get("MetricName", "")
        known = self._points.known(account, region, since, namespace, name)
        for series, _ in self._remembered(account, region):
            if (not namespace or series.namespace == namespace) and (not name or series.name == name):
                known.append(_without_unit(series))
        wanted = [(item["Name"], item.get("Value")) for item in params.get("Dimensions", [])]
        metrics = [series for series in dict.fromkeys(known) if _has(series, wanted)]
        first = _first(params.get("NextToken"), len(metrics))
        more = {"NextToken": str(first + PAGE)} if len(metrics) > first + PAGE else {}
        return {"Metrics": [_metric(series) for series in metrics[first : first + PAGE]], **more}

    def _find(self, query: Query, statistics: Iterable[str]) -> list[Datapoint]:
        self._counted()
        histograms = not PLAIN.keys() >= set(statistics)
        sources = (self._points.between, self._remembered_between)
        return datapoints(query, sources, self._clock(), histograms=histograms)

    def _remembered_between(
        self, like: Series, start: int, end: float, period: int, *, histograms: bool
    ) -> Sequence[Point]:
        points = []
        for series, item in self._remembered(like.account, like.region):
            if start <= item["at"] < end and _same(series, like):
                values = item["values"]() if callable(item["values"]) else item["values"]
                points.append(Point(series=series, seconds=1, start=int(item["at"]), summary=Summary.of_set(*values)))
        return points

    def _remembered(self, account: str, region: str) -> Iterator[tuple[Series, Mapping[str, Any]]]:
        for item in self._memory(account, region):
            series = Series(
                account=account,
                region=region,
                namespace=item["namespace"],
                name=item["name"],
                dimensions=tuple(item["dimensions"]),
                unit=item["unit"] or "None",
            )
            yield series, item


def _datapoint(found: Datapoint, plain: Sequence[str], extended: Sequence[str]) -> dict[str, Any]:
    point: dict[str, Any] = {"Timestamp": _time(found.start), "Unit": found.unit}
    point.update((name, found.summary.statistic(name)) for name in plain)
    known = {name: value for name in extended if (value := found.summary.statistic(name)) is not None}
    return {**point, "ExtendedStatistics": known} if known else point


def _whatever_unit(found: Sequence[Datapoint]) -> list[Datapoint]:
    """The periods, whatever the unit of what is in them: GetMetricData answers one value for each."""
    sums: dict[int, Summary] = {}
    for each in found:
        sums.setdefault(each.start, Summary()).add(each.summary)
    return [Datapoint(start=start, unit="", summary=summary) for start, summary in sums.items()]


def _computed(
    queries: Sequence[Params], results: Mapping[str, dict[str, Any]], stretch: tuple[int, int]
) -> dict[str, dict[str, Any]]:
    """The results of expressions. Raises CloudWatchError."""
    series = {
        name: dict(zip((int(at.timestamp()) for at in result["Timestamps"]), result["Values"], strict=True))
        for name, result in results.items()
    }
    period = max((int(each["MetricStat"]["Period"]) for each in queries if "MetricStat" in each), default=MINUTE)
    first = stretch[0] // MINUTE * MINUTE if period >= MINUTE else stretch[0]
    scope = Scope(series=series, grid=range(first, stretch[1], period), period=period, metrics=list(series))
    expressions = {query["Id"]: query for query in queries if "Expression" in query}
    try:
        solved = solve({name: query["Expression"] for name, query in expressions.items()}, scope)
        answers = {
            name: one_series(solved[name], scope.grid)
            for name, query in expressions.items()
            if query.get("ReturnData", True)
        }
    except ExpressionError as error:
        raise CloudWatchError("ValidationError", str(error)) from error
    return {
        name: {
            "Id": name,
            "Label": expressions[name].get("Label") or name,
            "Timestamps": [_time(at) for at in sorted(value)],
            "Values": [value[at] for at in sorted(value)],
            "StatusCode": "Complete",
        }
        for name, value in answers.items()
    }


def check_statistic(name: str) -> None:
    """Raises CloudWatchError for a statistic that is not there."""
    if not is_statistic(name):
        raise CloudWatchError(
            "InvalidParameterValue",
            f"The local cloud does not have the statistic {name}: it has {', '.join(PLAIN)}, pNN, tmNN, tcNN, tsNN, IQM, and TM, TC and TS"
            " of percents.",
        )


def check_period(period: int) -> None:
    """Raises CloudWatchError for a period that is none of CloudWatch's."""
    if period <= 0 or (period not in SHORT_PERIODS and period % MINUTE):
        raise CloudWatchError("InvalidParameterValue", "The parameter Period must be a multiple of 60")


def _first(token: str | None, count: int) -> int:
    if not token:
        return 0
    if not token.isdecimal() or int(token) >= count:
        raise CloudWatchError("InvalidParameterValue", "Request parameter NextToken is invalid")
    return int(token)


def _same(one: Series, like: Series) -> bool:
    return (
        (one.namespace, one.name, tuple(sorted(one.dimensions))) == (like.namespace, like.name, like.dimensions)
        and like.unit in {"", one.unit}
    )  # fmt: skip


def _has(series: Series, wanted: Sequence[tuple[str, str | None]]) -> bool:
    return all(any(name == key and value in {None, own} for key, own in series.dimensions) for name, value in wanted)


def _without_unit(series: Series) -> Series:
    return Series(
        account=series.account,
        region=series.region,
        namespace=series.namespace,
        name=series.name,
        dimensions=series.dimensions,
    )


def _metric(series: Series) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
    return {"Namespace": series.namespace, "MetricName": series.name, "Dimensions": dimensions}


def _stretch(params: Params) -> tuple[int, int]:
    """Start and end, in whole seconds."""
    return int(seconds_of(params["StartTime"])), int(seconds_of(params["EndTime"]))


def _time(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
