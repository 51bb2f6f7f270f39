"""What a stack is thought to carry, by its configuration."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.contracts.errors import ProjectError
from fogbank.project.pricing.occasions import runs_a_month
from fogbank.project.pricing.traffic import Traffic, span


@pytest.mark.parametrize(
    "value", [{"requests": [5, 10], "latency_ms": 2.5}, '{"requests": [5, 10], "latency_ms": "2.5"}']
)
def test_numbers_and_ranges(value: Any) -> None:
    traffic = Traffic.of(value)

    assert (traffic.requests, traffic.latency_ms) == (span(5, 10), span("2.5", "2.5"))
    assert traffic.image_gb == Traffic().image_gb


@pytest.mark.parametrize("value", [None, {}, ""])
def test_without_any_it_is_the_usual(value: Any) -> None:
    assert Traffic.of(value) == Traffic()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ProjectError) as caught:
        Traffic.of(
            {
                "request": 1,
                "requests": [10, 5],
                "log_kb": -1,
                "image_gb": "much",
                "model_gb": True,
                "latency_ms": [1, 2, 3],
            }
        )

    assert caught.value.code == "traffic-invalid"
    assert "6 problem(s)" in caught.value.cause
    assert "unknown key 'request'" in caught.value.cause


@pytest.mark.parametrize("value", ["[1]", 3, "{"])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(ProjectError, match="must be an object"):
        Traffic.of(value)


def test_runs_of_what_has_no_fixed_period_are_counted() -> None:
    assert float(runs_a_month("cron(0 8 ? * MON-FRI *)")) == pytest.approx(261 / 12)
    assert runs_a_month("cron(0 8 ? * MON)") == 0
