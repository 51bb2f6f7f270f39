"""Metrics of invocations: gathered by minute and variant, put with AWS's names and units, forgotten by a reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.observe.metrics import VALUES_PER_DATUM, Invocation, Metrics

CALL = Invocation(
    region="us-east-1", endpoint="e", variant="v", instances=2, status=200, model_us=900.0, overhead_us=100.0
)


class CloudWatch:
    """What metrics ask of CloudWatch."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []
        self.away = False

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        if self.away:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        assert Namespace == "AWS/SageMaker"
        self.data += MetricData

    def values(self, name: str) -> list[float]:
        return [value for datum in self.data if datum["MetricName"] == name for value in datum["Values"]]


@pytest.fixture
def cloudwatch() -> CloudWatch:
    return CloudWatch()


@pytest.fixture
def metrics(tmp_path: Path, cloudwatch: CloudWatch, open_store: Callable[[Path], Store]) -> Metrics:
    clock = Clock(open_store(tmp_path / "s.db"), wall=lambda: 125.0)
    return Metrics(clock, lambda _: cloudwatch)


@pytest.mark.parametrize(
    ("status", "errors"), [(200, (0, 0, 0)), (400, (1, 0, 1)), (503, (0, 1, 1)), (0, (0, 1, 1)), (302, (0, 0, 1))]
)
def test_what_counts_as_an_error(
    metrics: Metrics, cloudwatch: CloudWatch, status: int, errors: tuple[int, int, int]
) -> None:
    metrics.add(replace(CALL, status=status))
    metrics.flush()

    names = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
    assert tuple(cloudwatch.values(name)[0] for name in names) == errors


def test_names_dimensions_units_and_time(metrics: Metrics, cloudwatch: CloudWatch) -> None:
    metrics.add(CALL)
    metrics.flush()
    by_name = {datum["MetricName"]: datum for datum in cloudwatch.data}

    assert by_name["InvocationsPerInstance"]["Values"] == [0.5]
    assert by_name["ModelLatency"]["Unit"] == "Microseconds"
    assert by_name["Invocations"] == {
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "v"}],
        "Timestamp": 120,
        "Values": [1.0],
        "Counts": [1.0],
        "Unit": "None",
    }


def test_many_are_put_in_pieces_and_once(metrics: Metrics, cloudwatch: CloudWatch) -> None:
    for _ in range(VALUES_PER_DATUM + 1):
        metrics.add(CALL)
    metrics.flush()
    metrics.flush()

    assert sum(cloudwatch.values("Invocations")) == VALUES_PER_DATUM + 1
    assert max(len(datum["Values"]) for datum in cloudwatch.data) == VALUES_PER_DATUM


def test_a_reset_forgets_what_was_not_put(metrics: Metrics, cloudwatch: CloudWatch) -> None:
    metrics.add(CALL)
    metrics.reset()
    metrics.flush()

    assert cloudwatch.data == []


def test_a_cloudwatch_that_is_away_stops_nothing(metrics: Metrics, cloudwatch: CloudWatch) -> None:
    cloudwatch.away = True
    metrics.add(CALL)
    metrics.flush()
