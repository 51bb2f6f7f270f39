"""What PutMetricData is given: which data CloudWatch takes, and the points that they become.

In: a datum as the API has it; out: a Point of its second or minute, or CloudWatch's error. Sources: CloudWatch API Reference, PutMetricData and
MetricDatum; the words for an old time as cloud-custodian/cloud-custodian#2559 quotes them, for a namespace as Eucalyptus's tests have them of AWS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fogbank.cloud.observe.points import DAY_S, MINUTE, Point, Series
from fogbank.cloud.observe.summary import Summary

LARGEST = 2.0**360
OLDEST = 14 * DAY_S
RESERVED = "AWS/"
STATISTICS = ("Sum", "Maximum", "Minimum", "SampleCount")
Params = Mapping[str, Any]


class CloudWatchError(Exception):
    """An error of CloudWatch's, by its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def check_namespace(namespace: str) -> None:
    """Refuse a namespace of AWS's own services. Raises CloudWatchError."""
    if namespace.startswith(RESERVED):
        raise CloudWatchError("InvalidParameterValue", f"The value {RESERVED} for parameter Namespace is invalid.")


def check_times(items: Sequence[Params], clocks: Sequence[float]) -> None:
    """Refuse data that are too old by all of these clocks: the cloud's may have been moved, and who sends has the machine's. Raises CloudWatchError."""
    oldest = min(clocks) - OLDEST
    problems = [
        f"The parameter MetricData.member.{number}.Timestamp must specify a time within the past two weeks."
        for number, item in enumerate(items, 1)
        if item.get("Timestamp") and seconds_of(item["Timestamp"]) < oldest
    ]
    if problems:
        raise CloudWatchError("InvalidParameterValue", "\n".join(problems))


def check_item(item: Params, number: int) -> None:
    """Refuse what CloudWatch does not take of PutMetricData. Raises CloudWatchError."""
    where = f"MetricData.member.{number}"
    given = [kind for kind in ("Value", "Values", "StatisticValues") if item.get(kind) is not None]
    if given == ["Value", "Values"]:
        raise CloudWatchError(
            "InvalidParameterValue",
            f"The parameters {where}.Value and {where}.Values are mutually exclusive and you have specified both.",
        )
    if len(given) > 1:
        raise CloudWatchError(
            "InvalidParameterCombination",
            f"The parameters {where}.{given[0]} and {where}.{given[1]} are mutually exclusive and you have specified both.",
        )
    if item.get("Counts") and len(item["Counts"]) != len(item.get("Values") or ()):
        raise CloudWatchError(
            "InvalidParameterValue", f"The parameters {where}.Values and {where}.Counts must be of the same size."
        )
    for kind, values in (("Value", [item.get("Value", 0.0)]), ("Values", item.get("Values") or ())):
        for value in values:
            if math.isnan(value) or abs(value) > LARGEST:
                told = "NaN" if kind == "Value" and math.isnan(value) else value
                what = f"The value {told} for parameter {where}.{kind} is invalid."
                raise CloudWatchError("InvalidParameterValue", what)
    statistics = item.get("StatisticValues") or dict.fromkeys(STATISTICS)
    for name in STATISTICS:
        if name not in statistics:
            raise CloudWatchError(
                "InvalidParameterValue",
                f'Missing required parameter in MetricData[{number}].StatisticValues: "{name}"',
            )


def point_of(account: str, region: str, namespace: str, item: Params, now: float) -> Point:
    given = item.get("Timestamp")
    at = seconds_of(given) if given else now
    seconds = 1 if item.get("StorageResolution") == 1 else MINUTE
    if statistics := item.get("StatisticValues"):
        names = ("SampleCount", "Sum", "Minimum", "Maximum")
        summary = Summary.of_set(*(float(statistics[name]) for name in names))
    else:
        counts: dict[float, float] = {}
        values = item.get("Values") or [item.get("Value", 0.0)]
        for value, count in zip(values, item.get("Counts") or [1.0] * len(values), strict=True):
            counts[value] = counts.get(value, 0.0) + count
        summary = Summary.of_counts(counts)
    series = series_of(
        account, region, namespace, item["MetricName"], item.get("Dimensions"), item.get("Unit") or "None"
    )
    return Point(series=series, seconds=seconds, start=int(at // seconds * seconds), summary=summary)


def series_of(account: str, region: str, namespace: str, name: str, dimensions: Any, unit: str) -> Series:
    pairs = tuple(sorted((item["Name"], item["Value"]) for item in dimensions or ()))
    return Series(account=account, region=region, namespace=namespace, name=name, dimensions=pairs, unit=unit)


def seconds_of(moment: datetime) -> float:
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
