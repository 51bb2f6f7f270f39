"""An analysis that the Scheduler starts: a request that SageMaker takes, a window out of its time, a folder out of its window."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from fogbank.contracts.analysis import (
    ENTRYPOINT,
    Asks,
    ScheduledAnalysis,
    decoded,
    encoded,
    looked_at,
    over,
    results_uri,
)
from fogbank.contracts.monitoring import BATCH_FORMAT, BATCHES, CAPTURED, DELAY, S3_URL, SCHEDULED, WINDOW
from fogbank.image.build import HOME

ANALYSIS = ScheduledAnalysis(
    schedule="churn-prod-quality-of-everything",
    endpoint="churn-prod-live",
    image="210987654321.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:1",
    role="arn:aws:iam::210987654321:role/churn",
    capture="s3://bucket/capture",
    statistics="s3://bucket/monitor/baseline/1/statistics.json",
    constraints="s3://bucket/monitor/baseline/1/constraints.json",
    results="s3://bucket/monitor/results",
    window_s=3600,
    delay_s=600,
    instance_type="ml.m5.large",
    region="eu-west-1",
    dns_suffix="amazonaws.com",
)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def as_sent(moment: str = "2026-11-25T12:10:00Z") -> str:
    """The request as the Scheduler sends it."""
    text = encoded(ANALYSIS.request()).replace("<aws.scheduler.scheduled-time>", moment)
    return text.replace("<aws.scheduler.execution-id>", "12345678-1234-1234-1234-123456789012")


def patterns(value: Any, shape: Any) -> list[str]:
    """The texts that do not fit their shapes' patterns and lengths."""
    if shape.type_name == "structure":
        return [wrong for key, item in value.items() for wrong in patterns(item, shape.members[key])]
    if shape.type_name == "list":
        return [wrong for item in value for wrong in patterns(item, shape.member)]
    if shape.type_name == "map":
        texts = [(key, shape.key) for key in value] + [(item, shape.value) for item in value.values()]
        return [wrong for text, inner in texts for wrong in patterns(text, inner)]
    if shape.type_name != "string":
        return []
    fits = re.fullmatch(shape.metadata.get("pattern", ".*"), value) and len(value) <= shape.metadata.get("max", 10**6)
    return [] if fits else [value]


def test_sagemaker_takes_it_when_the_scheduler_has_filled_it_in() -> None:
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    shape = model.operation_model("CreateProcessingJob").input_shape
    request = decoded(as_sent())
    document = request.encode()

    assert not ParamValidator().validate(document, shape).has_errors()
    assert patterns(document, shape) == []
    assert len(request.job) <= 63
    assert ENTRYPOINT[0] == f"/{HOME}/bin/python"


def test_its_window_ends_so_long_before_its_time_and_has_its_own_folder() -> None:
    request = decoded(as_sent())
    settings = looked_at(request.environment or {})

    assert settings is not None
    assert (settings.start, settings.end) == (NOON - timedelta(hours=1), NOON)
    folder = "churn-prod-live/churn-prod-quality-of-everything/2026/11/25/12"
    assert settings.output_path.as_posix() == f"/opt/ml/processing/output/{folder}"
    assert results_uri(request) == f"s3://bucket/monitor/results/{folder}"


def test_one_that_is_run_now_has_the_window_that_it_is_given() -> None:
    end = NOON + timedelta(minutes=34, seconds=5)
    request = over(ANALYSIS.request(), job="now", start=NOON - timedelta(hours=3), end=end)
    settings = looked_at(request.environment or {})

    assert request.job == "now"
    assert settings is not None
    assert (settings.start, settings.end) == (NOON - timedelta(hours=3), end)
    assert results_uri(request).endswith("/2026/11/25/12/34-05")


def test_it_is_told_where_its_records_are_and_not_given_all_of_them() -> None:
    request = ANALYSIS.request()
    environment = request.environment or {}

    assert [item.name for item in request.inputs or ()] == ["statistics", "constraints"]
    assert environment[CAPTURED] == "s3://bucket/capture/churn-prod-live/", "another's whose name begins so are not its"
    assert environment[S3_URL] == "https://s3.eu-west-1.amazonaws.com"
    assert environment["AWS_REGION"] == "eu-west-1"


def test_of_batch_transform_jobs_it_is_told_of_the_side_that_it_looks_at() -> None:
    batches = replace(ANALYSIS, endpoint="", capture="s3://bucket/batch/captured/")
    given, judged = (
        replace(batches, asks=Asks(labelled=labelled)).request().environment or {} for labelled in (False, True)
    )

    assert given[BATCHES] == "s3://bucket/batch/captured/input/"
    assert judged[BATCHES] == "s3://bucket/batch/captured/output/"
    assert given["dataset_format"] == BATCH_FORMAT
    assert not {CAPTURED, "sagemaker_endpoint_name"} & given.keys()


def test_what_is_no_scheduled_analysis_says_so() -> None:
    assert looked_at({"dataset_format": "{}"}) is None
    other = over(ANALYSIS.request(), job="j", start=NOON, end=NOON)
    environment = {key: value for key, value in (other.environment or {}).items() if key != SCHEDULED}
    document = {**other.encode(), "Environment": environment}
    with pytest.raises(ValueError, match="no scheduled analysis"):
        results_uri(type(other).decode(document))
    with pytest.raises(ValueError, match="JSON object"):
        decoded("[]")


@pytest.mark.parametrize("name", [WINDOW, DELAY])
@pytest.mark.parametrize("value", ["", "an hour", "9" * 400])
def test_a_span_that_is_none_is_named(name: str, value: str) -> None:
    environment = {**(decoded(as_sent()).environment or {}), name: value}

    with pytest.raises(ValueError, match=name):
        looked_at(environment)
