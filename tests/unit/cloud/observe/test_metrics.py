"""Metrics of invocations: a minute's values summed up, under AWS's names, and no more to keep for more requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.observe.metrics import Invocation, Metrics
from tests.fakes.cloudwatch import CloudWatch


@pytest.fixture
def cloudwatch() -> CloudWatch:
    return CloudWatch()


@pytest.fixture
def metrics(tmp_path: Path, open_store: Callable[[Path], Store], cloudwatch: CloudWatch) -> Metrics:
    return Metrics(Clock(open_store(tmp_path / "s.db"), wall=lambda: 6000.0), cloudwatch)


def invocation(**others: Any) -> Invocation:
    given = {"region": "us-east-1", "endpoint": "ep", "variant": "v", "instances": 2, "status": 200, "model_us": 1.0}
    return Invocation(**{**given, "overhead_us": 1.0, **others})


def test_values_are_summed_up_and_their_number_does_not_grow_what_is_put(
    metrics: Metrics, cloudwatch: CloudWatch
) -> None:
    for i in range(1000):
        metrics.add(invocation(model_us=float(i)))
    metrics.flush()
    metrics.flush()

    put = {item["MetricName"]: item for item in cloudwatch.data}
    assert {(region, namespace) for region, namespace, _ in cloudwatch.puts} == {("us-east-1", "AWS/SageMaker")}
    assert len(put) == len(cloudwatch.data) == 7
    assert put["ModelLatency"]["StatisticValues"] == {
        "SampleCount": 1000,
        "Sum": 499500.0,
        "Minimum": 0.0,
        "Maximum": 999.0,
    }
    assert put["ModelLatency"]["Unit"] == "Microseconds"
    assert put["Invocations"]["StatisticValues"] == {"SampleCount": 1000, "Sum": 1000.0, "Minimum": 1.0, "Maximum": 1.0}
    assert put["InvocationsPerInstance"]["StatisticValues"]["Sum"] == 500.0
    assert {item["Timestamp"] for item in put.values()} == {6000}
    assert put["Invocations"]["Dimensions"] == [
        {"Name": "EndpointName", "Value": "ep"}, {"Name": "VariantName", "Value": "v"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "errors"),
    [(200, (0, 0, 0)), (404, (1, 0, 1)), (500, (0, 1, 1)), (0, (0, 1, 1)), (301, (0, 0, 1))],
)
def test_the_containers_status_decides_which_error_it_is(status: int, errors: tuple[int, int, int]) -> None:
    values = invocation(status=status).values()

    assert tuple(values[f"Invocation{kind}"] for kind in ("4XXErrors", "5XXErrors", "ModelErrors")) == errors


def test_variants_endpoints_and_regions_stand_apart(metrics: Metrics, cloudwatch: CloudWatch) -> None:
    for others in ({}, {"variant": "w"}, {"endpoint": "other"}, {"region": "eu-west-1"}):
        metrics.add(invocation(**others))
    metrics.flush()

    assert [item["StatisticValues"]["Sum"] for item in cloudwatch.named("Invocations")] == [1.0] * 4


def test_what_was_not_put_is_forgotten_by_a_reset_and_a_cloudwatch_that_is_away_is_no_error(
    metrics: Metrics, cloudwatch: CloudWatch
) -> None:
    metrics.add(invocation())
    metrics.reset()
    metrics.flush()
    assert cloudwatch.data == []

    metrics.add(invocation())
    cloudwatch.away = True
    metrics.flush()
    cloudwatch.away = False
    metrics.flush()
    assert cloudwatch.data == []
