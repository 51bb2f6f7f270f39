"""The monitoring wire: the analyzer's environment, and the words of its verdict."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fogbank.contracts.monitoring import ANALYZER_IMAGE, CAPTURE_FORMAT, analyzer_settings, exit_message


def test_analyzer_settings_name_the_missing_variable() -> None:
    with pytest.raises(KeyError, match="dataset_source"):
        analyzer_settings({"dataset_format": "{}"})


@pytest.mark.parametrize(
    ("image", "ours"),
    [
        ("156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer", True),
        ("local/fogbank-monitor:1", True),
        ("local/fogbank-monitor-else", False),
        ("python:3.11", False),
    ],
)
def test_analyzer_images(image: str, ours: bool) -> None:
    assert bool(ANALYZER_IMAGE.search(image)) is ours


NEEDED = {"dataset_format": CAPTURE_FORMAT, "dataset_source": "/in", "output_path": "/out"}


def test_every_variable_of_the_analyzer_is_read() -> None:
    plain = analyzer_settings(NEEDED)
    assert (plain.baseline_statistics, plain.start, plain.publish_metrics, plain.endpoint) == (None, None, False, "")
    assert plain.base_dir == Path("/opt/ml")

    full = analyzer_settings(
        {
            **NEEDED, "SAGEMAKER_BASE_DIR": "/b", "baseline_statistics": "/s.json", "baseline_constraints": "/c.json",
            "start_time": "2026-04-18T12:00:00Z", "end_time": "2026-04-18T13:00:00Z", "publish_cloudwatch_metrics": "Enabled",
            "sagemaker_endpoint_name": "ep", "sagemaker_monitoring_schedule_name": "quality",
        }
    )  # fmt: skip
    assert (full.baseline_statistics, full.baseline_constraints) == (Path("/s.json"), Path("/c.json"))
    assert (full.start, full.end) == (datetime(2026, 4, 18, 12, tzinfo=UTC), datetime(2026, 4, 18, 13, tzinfo=UTC))
    assert (full.base_dir, full.publish_metrics, full.endpoint, full.schedule) == (Path("/b"), True, "ep", "quality")
    assert full.dataset_format == json.loads(CAPTURE_FORMAT)


@pytest.mark.parametrize("name", NEEDED)
def test_a_variable_that_it_cannot_do_without_is_named(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        analyzer_settings({**NEEDED, name: ""})


def test_a_time_that_is_none_and_a_format_that_is_no_json_are_errors() -> None:
    with pytest.raises(ValueError, match="noon"):
        analyzer_settings({**NEEDED, "start_time": "noon"})
    with pytest.raises(ValueError, match="Expecting"):
        analyzer_settings({**NEEDED, "dataset_format": "csv"})


def test_the_word_before_the_colon_is_the_executions_status() -> None:
    assert exit_message(0).partition(":")[0] == "Completed"
    assert exit_message(1).partition(":")[0] == "CompletedWithViolations"
