"""How an endpoint served, from CloudWatch: requests, errors and latency by the hour.

In: an endpoint's name and the time; out: plain values, a variant each. The metrics are SageMaker's own, under AWS/SageMaker.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from fogbank.project.calling.clients import Clients, aws_error

NAMESPACE, HOUR_S, DAYS = "AWS/SageMaker", 3600, 7
ASKED = {
    "requests": ("Invocations", "Sum"),
    "errors_4xx": ("Invocation4XXErrors", "Sum"),
    "errors_5xx": ("Invocation5XXErrors", "Sum"),
    "p50": ("ModelLatency", "p50"),
    "p99": ("ModelLatency", "p99"),
}
"""By what they are called here: the metric and its statistic. Latency comes in microseconds."""
Document = dict[str, Any]


def performance(clients: Clients, endpoint: str, now: datetime) -> list[Document]:
    """Each variant in the last seven days, hours without requests left out. Raises AwsError."""
    try:
        described = clients("sagemaker").describe_endpoint(EndpointName=endpoint)
        names = [variant["VariantName"] for variant in described.get("ProductionVariants", ())]
        return [_variant(clients, endpoint, name, now) for name in names]
    except ClientError as error:
        raise aws_error(error) from error


def _variant(clients: Clients, endpoint: str, variant: str, now: datetime) -> Document:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    queries = [
        {"Id": name, "MetricStat": {"Metric": _metric(metric, dimensions), "Period": HOUR_S, "Stat": stat}}
        for name, (metric, stat) in ASKED.items()
    ]
    pages = (
        clients("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=queries, StartTime=now - timedelta(days=DAYS), EndTime=now)
    )
    hours: dict[datetime, dict[str, float]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                hours.setdefault(at, {})[result["Id"]] = value
    return {"variant": variant, **_summed([_hour(at, hours[at]) for at in sorted(hours)])}


def _metric(name: str, dimensions: list[dict[str, str]]) -> Document:
    return {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions}


def _hour(at: datetime, values: Mapping[str, float]) -> Document:
    """One hour: counts, and milliseconds where there is a latency."""
    counts = {name: int(values.get(name, 0)) for name in ("requests", "errors_4xx", "errors_5xx")}
    times = {f"{name}_ms": values[name] / 1000 if name in values else None for name in ("p50", "p99")}
    return {"at": f"{at:%Y-%m-%d %H:%M}", **counts, **times}


def _summed(hours: list[Document]) -> Document:
    """The hours and their sums; the p50 is the middle hour's, the p99 the worst hour's."""
    middles, worst = ([hour[name] for hour in hours if hour[name] is not None] for name in ("p50_ms", "p99_ms"))
    return {
        **{name: sum(hour[name] for hour in hours) for name in ("requests", "errors_4xx", "errors_5xx")},
        "p50_ms": statistics.median(middles) if middles else None,
        "p99_ms": max(worst, default=None),
        "hours": hours,
    }
