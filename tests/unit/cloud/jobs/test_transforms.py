"""Transform jobs: what the cloud keeps of a job."""

from __future__ import annotations

from fogbank.cloud.api.control import service_model
from fogbank.cloud.jobs.transforms import TRANSFORM_JOB, TransformState


def test_the_model_is_kept_and_earlier_versions_are_read() -> None:
    state = TransformState(model={"ModelName": "m"})

    assert TransformState.decode(state.encode()) == state
    assert TransformState.decode({"region": "us-east-1", "model": {"ModelName": "m"}}) == state  # what version 1 had


def test_summaries_have_every_member_of_their_shape() -> None:
    summary = service_model().operation_model("ListTransformJobs").output_shape.members["TransformJobSummaries"].member

    described = service_model().operation_model("DescribeTransformJob").output_shape
    assert set(summary.members) - set(described.members) == {"LastModifiedTime"}  # the record has it all the same
    assert TRANSFORM_JOB.status in summary.members
