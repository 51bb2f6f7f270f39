"""How an endpoint served: CloudWatch's answers in any order and over pages, put together by the hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from fogbank.project.reporting.performance import performance

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ONE = NOON + timedelta(hours=1)


class Aws:
    """SageMaker and CloudWatch, as far as performance asks them; two pages, the newest first."""

    def __init__(self, *pages: dict[str, dict[datetime, float]]) -> None:
        self.pages = pages

    def __call__(self, _: str) -> Aws:
        return self

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"ProductionVariants": [{"VariantName": "blue"}]}

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **query: Any) -> Iterator[dict[str, Any]]:
        assert query["EndTime"] - query["StartTime"] == timedelta(days=7)
        for page in self.pages:
            results = [
                {"Id": name, "Timestamps": list(values), "Values": list(values.values())}
                for name, values in page.items()
            ]
            yield {"MetricDataResults": results}


def test_hours_are_put_together_over_pages_and_latency_is_in_milliseconds() -> None:
    aws = Aws({"requests": {ONE: 3.0}, "p99": {ONE: 9000.0}}, {"requests": {NOON: 5.0}, "errors_5xx": {NOON: 1.0}})

    [found] = performance(aws, "live", ONE)

    assert (found["variant"], found["requests"], found["errors_4xx"], found["errors_5xx"]) == ("blue", 8, 0, 1)
    assert [(hour["at"], hour["requests"], hour["p99_ms"]) for hour in found["hours"]] == [
        ("2026-11-26 12:00", 5, None),
        ("2026-11-26 13:00", 3, 9.0),
    ]
    assert (found["p50_ms"], found["p99_ms"]) == (None, 9.0)


def test_an_endpoint_that_nobody_asked_has_nothing() -> None:
    [found] = performance(Aws({"requests": {}}), "live", NOON)

    assert (found["requests"], found["p99_ms"], found["hours"]) == (0, None, [])
