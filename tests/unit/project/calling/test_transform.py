"""A transform job beside the one that a schedule starts: its own input, its own output, the rest as scheduled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fogbank.contracts.errors import DataError
from fogbank.contracts.scheduler import universal_target
from fogbank.contracts.transform import (
    CREATE_TRANSFORM_JOB,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
)
from fogbank.project.calling.transform import aside, run_transform
from fogbank.project.workplace.events import Steps, ignore

SCHEDULED = TransformRequest(
    job="churn-nightly-<aws.scheduler.execution-id>",
    model="churn-1",
    batch_strategy="MultiRecord",
    source=TransformInput(data_type="S3Prefix", uri="s3://data/batch/in/", split_type="Line"),
    target=TransformOutput(uri="s3://results/batch/out/", accept="text/csv"),
    resources=TransformResources(instance_type="ml.m5.large", instance_count=2),
)

TARGET = universal_target("aws", CREATE_TRANSFORM_JOB)


def test_only_the_name_and_the_places_are_other_than_scheduled() -> None:
    request = aside(SCHEDULED, "churn-nightly-1")

    assert request.source.uri == "s3://data/batch/in-once/churn-nightly-1/"
    assert request.target.uri == "s3://results/batch/out-once/churn-nightly-1"
    assert request == replace(SCHEDULED, job="churn-nightly-1", source=request.source, target=request.target)
    assert request.source == replace(SCHEDULED.source, uri=request.source.uri)
    assert request.target == replace(SCHEDULED.target, uri=request.target.uri)


class Scheduler:
    """EventBridge Scheduler with one schedule."""

    def __init__(self, target: dict[str, str]) -> None:
        self._target = target

    def __call__(self, _: str) -> Scheduler:
        return self

    def get_schedule(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"Name": Name, "Target": self._target}


@pytest.mark.parametrize(
    "target",
    [
        {"Arn": TARGET.replace("Transform", "Training"), "Input": SCHEDULED.to_json()},
        {"Arn": TARGET},
        {"Arn": TARGET, "Input": "every night"},
        {"Arn": TARGET, "Input": '{"ModelName": "churn-1"}'},
    ],
)
def test_a_schedule_that_starts_something_else_is_refused(target: dict[str, str]) -> None:
    with pytest.raises(DataError) as caught:
        run_transform(Scheduler(target), "churn-train", "rows.csv", b"1,2\n", Steps(ignore))

    assert caught.value.code == "schedule-no-transform"
    assert "churn-train" in caught.value.cause


def test_an_empty_file_is_refused_before_anything_is_sent() -> None:
    def clients(service: str) -> object:
        raise AssertionError(f"{service} was asked")

    with pytest.raises(DataError) as caught:
        run_transform(clients, "churn-nightly", "rows.csv", b" \n", Steps(ignore))

    assert caught.value.code == "transform-no-data"
