"""A transform job beside the one that a schedule starts: its own input, its own output, the rest as scheduled."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from fogbank.contracts.errors import DataError
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB_TARGET
from fogbank.project.events import Steps, ignore
from fogbank.project.transform import order, run_transform

SCHEDULED: Mapping[str, Any] = {
    "TransformJobName": "churn-nightly-<aws.scheduler.execution-id>",
    "ModelName": "churn-1",
    "BatchStrategy": "MultiRecord",
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/batch/in/"}},
        "SplitType": "Line",
    },
    "TransformOutput": {"S3OutputPath": "s3://results/batch/out/", "Accept": "text/csv"},
}


def test_only_the_name_and_the_places_are_other_than_scheduled() -> None:
    before = copy.deepcopy(dict(SCHEDULED))
    job = order(SCHEDULED, "churn-nightly-1", "day.csv")

    assert before == SCHEDULED, "what is scheduled is not touched"
    assert (job.job, job.bucket, job.input_key) == ("churn-nightly-1", "data", "batch/in-once/churn-nightly-1/day.csv")
    assert (job.output_bucket, job.output_prefix) == ("results", "batch/out-once/churn-nightly-1/")
    source = job.request["TransformInput"]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://data/batch/in-once/churn-nightly-1/"
    assert job.request["TransformOutput"] == {
        "S3OutputPath": "s3://results/batch/out-once/churn-nightly-1",
        "Accept": "text/csv",
    }
    assert job.request["ModelName"] == "churn-1"


class Scheduler:
    """EventBridge Scheduler with one schedule."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def get_schedule(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"Name": Name, "Target": {"Arn": self._arn, "Input": json.dumps(SCHEDULED)}}


def test_a_schedule_that_starts_something_else_is_refused() -> None:
    def clients(_: str) -> Scheduler:
        return Scheduler(CREATE_TRANSFORM_JOB_TARGET.replace("Transform", "Training"))

    with pytest.raises(DataError) as caught:
        run_transform(clients, "churn-train", "rows.csv", b"1,2\n", Steps(ignore))

    assert caught.value.code == "schedule-no-transform"


def test_an_empty_file_is_refused_before_anything_is_sent() -> None:
    def clients(service: str) -> object:
        raise AssertionError(f"{service} was asked")

    with pytest.raises(DataError) as caught:
        run_transform(clients, "churn-nightly", "rows.csv", b" \n", Steps(ignore))

    assert caught.value.code == "transform-no-data"
