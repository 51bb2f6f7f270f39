"""Transform jobs: what is refused at once, and what the cloud keeps of a job."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.api.control import service_model
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.jobs.transforms import TRANSFORM_JOB, TransformState, check
from fogbank.contracts.transform import DataProcessing
from tests.unit.cloud.jobs.test_batch import REQUEST

SOURCE = REQUEST.source


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": replace(SOURCE, split_type="RecordIO")}, "does not have SplitType RecordIO"),
        ({"source": replace(SOURCE, data_type="AugmentedManifestFile")}, "AugmentedManifestFile is not supported"),
        ({"source": replace(SOURCE, split_type=None), "batch_strategy": "MultiRecord"}, "needs a SplitType"),
        ({"max_payload_mb": 60, "max_concurrent": 2}, "must not exceed 100 MB"),
        ({"max_concurrent": 17}, "must not exceed 100 MB"),
        ({"processing": DataProcessing(input_filter="$[1:]")}, "does not have DataProcessing"),
        ({"processing": DataProcessing(join_source="Input")}, "does not have DataProcessing"),
        ({"target": replace(REQUEST.target, uri="/not/s3")}, "not an S3 URI"),
        ({"source": replace(SOURCE, uri="s3:///x")}, "not an S3 URI"),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        check(replace(REQUEST, **change))

    assert refusal.value.code == "ValidationException"
    assert message in refusal.value.message


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"processing": DataProcessing(input_filter="$", output_filter="$", join_source="None")},
        {"max_payload_mb": 0, "max_concurrent": 100},
        {"source": replace(SOURCE, split_type=None)},
    ],
)
def test_what_is_taken(change: dict[str, Any]) -> None:
    check(replace(REQUEST, **change))


def test_the_model_is_kept_and_earlier_versions_are_read() -> None:
    state = TransformState(model={"ModelName": "m"})

    assert TransformState.decode(state.encode()) == state
    assert TransformState.decode({"region": "us-east-1", "model": {"ModelName": "m"}}) == state  # what version 1 had


def test_summaries_have_every_member_of_their_shape() -> None:
    summary = service_model().operation_model("ListTransformJobs").output_shape.members["TransformJobSummaries"].member

    described = service_model().operation_model("DescribeTransformJob").output_shape
    assert set(summary.members) - set(described.members) == {"LastModifiedTime"}  # the record has it all the same
    assert TRANSFORM_JOB.status in summary.members
