"""A job that is scored once: a run for each change, none without, and the one that a killed engine left is taken up."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.transform import TransformInput, TransformOutput, TransformRequest, TransformResources
from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.shapes import UNKNOWN
from fogbank.provider.transform_jobs import KEPT, TransformJobType


class SageMaker:
    """Transform jobs, which end as `ends` says when they have been looked at twice."""

    def __init__(self, ends: str = "Completed", reason: str = "") -> None:
        self.jobs: list[dict[str, Any]] = []
        self.ends, self.reason = ends, reason

    def create_transform_job(self, **request: Any) -> None:
        arn = f"arn:{request['TransformJobName']}"
        self.jobs.append(
            {**request, "TransformJobArn": arn, "TransformJobStatus": "InProgress", "looks": 0, "tags": []}
        )

    def describe_transform_job(self, **request: Any) -> dict[str, Any]:
        job = self._job(request["TransformJobName"])
        job["looks"] += 1
        if job["looks"] > 1 and job["TransformJobStatus"] == "InProgress" and self.ends:
            job["TransformJobStatus"] = self.ends
        reason = {"FailureReason": self.reason} if job["TransformJobStatus"] == "Failed" else {}
        return {**{key: value for key, value in job.items() if key not in {"looks", "tags"}}, **reason}

    def stop_transform_job(self, **request: Any) -> None:
        self._job(request["TransformJobName"])["TransformJobStatus"] = "Stopped"

    def list_transform_jobs(self, **request: Any) -> dict[str, Any]:
        named = [job for job in reversed(self.jobs) if request["NameContains"] in job["TransformJobName"]]
        keys = ("TransformJobName", "TransformJobArn", "TransformJobStatus")
        return {"TransformJobSummaries": [{key: job[key] for key in keys} for job in named]}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        return {"Tags": next(job["tags"] for job in self.jobs if job["TransformJobArn"] == request["ResourceArn"])}

    def add_tags(self, **request: Any) -> None:
        next(job["tags"] for job in self.jobs if job["TransformJobArn"] == request["ResourceArn"]).extend(
            request["Tags"]
        )

    def _job(self, name: str) -> dict[str, Any]:
        for job in self.jobs:
            if job["TransformJobName"] == name:
                return job
        message = {"Error": {"Code": "ValidationException", "Message": "Could not find requested job"}}
        raise ClientError(message, "DescribeTransformJob")


def job_type(sagemaker: SageMaker) -> TransformJobType:
    return TransformJobType(lambda *_: sagemaker, threading.Event())


def inputs(model: str = "m", **others: str) -> Properties:
    request = TransformRequest(
        job="j",
        model=model,
        source=TransformInput(data_type="S3Prefix", uri="s3://b/in/"),
        target=TransformOutput(uri="s3://b/out/"),
        resources=TransformResources(instance_type="ml.m5.large", instance_count=1),
    ).encode()
    del request["TransformJobName"]
    return {"prefix": "nightly", "request": json.dumps(request, sort_keys=True), **others}


def test_a_run_ends_before_it_is_done_and_is_kept() -> None:
    sagemaker = SageMaker()
    id_, state = job_type(sagemaker).create(inputs())

    assert (state["job"], state["status"]) == (id_, "Completed")
    assert id_.startswith("nightly-")
    assert sagemaker.jobs[0]["tags"] == [{"Key": KEPT, "Value": "true"}]


def test_a_job_that_fails_or_is_stopped_is_an_error_with_the_reason_and_the_next_up_runs_another() -> None:
    sagemaker = SageMaker("Failed", "row 1 is no number")
    jobs = job_type(sagemaker)
    with pytest.raises(ProvisionError, match="is Failed: row 1 is no number"):
        jobs.create(inputs())
    sagemaker.ends = "Completed"
    jobs.create(inputs())

    assert [job["TransformJobStatus"] for job in sagemaker.jobs] == ["Failed", "Completed"]


@pytest.mark.parametrize("looks", [0, 2])
def test_what_a_killed_engine_left_is_waited_for_or_taken_and_not_scored_twice(looks: int) -> None:
    sagemaker = SageMaker()
    first, _ = job_type(sagemaker).create(inputs())
    sagemaker.jobs[0]["tags"].clear()  # the engine was killed before
    if not looks:
        sagemaker.jobs[0] |= {"TransformJobStatus": "InProgress", "looks": 0}
    second, _ = job_type(sagemaker).create(inputs())

    assert (second, len(sagemaker.jobs)) == (first, 1)


def test_a_job_that_is_kept_or_of_another_request_is_nobodys_left_behind() -> None:
    sagemaker = SageMaker()
    names = [job_type(sagemaker).create(given)[0] for given in (inputs("a"), inputs("b"), inputs("a"))]
    sagemaker.jobs[-1]["tags"].clear()
    job_type(sagemaker).create(inputs("b"))

    assert len({*names}) == 3, "back to the first request is another run: its outputs were written over"
    assert len(sagemaker.jobs) == 4


def test_jobs_of_a_longer_name_are_anothers() -> None:
    sagemaker = SageMaker()
    longer, _ = job_type(sagemaker).create({**inputs(), "prefix": "my-nightly"})
    sagemaker.jobs[0]["tags"].clear()

    assert job_type(sagemaker).create(inputs())[0] != longer


def test_the_job_of_an_engine_that_is_cancelled_is_stopped() -> None:
    sagemaker = SageMaker(ends="")
    jobs = job_type(sagemaker)
    jobs.cancelled.set()

    with pytest.raises(ProvisionError, match="is Stopped"):
        jobs.create(inputs())


def test_another_request_or_trigger_is_another_run_and_another_place_to_ask_is_none() -> None:
    jobs = job_type(SageMaker())

    assert jobs.diff(inputs(), inputs("n")).replaces == ("request",)
    assert jobs.diff(inputs(triggers="1"), inputs(triggers="2")).replaces == ("triggers",)
    assert jobs.diff(inputs(), inputs(profile="p")).changed == ()


def test_what_is_no_request_is_refused_and_what_is_unknown_is_not_looked_into() -> None:
    jobs = job_type(SageMaker())

    assert jobs.check({**inputs(), "request": UNKNOWN})[1] == []
    for text in ("{", "[]", '{"ModelName": "m"}', json.dumps({**json.loads(inputs()["request"]), "Colour": 1})):
        [failure] = jobs.check({**inputs(), "request": text})[1]
        assert failure.property == "request"
    assert [item.property for item in jobs.check({"prefix": "p", "colour": "red"})[1]] == ["colour", "request"]


def test_an_import_has_its_request_from_sagemaker_and_a_job_that_is_not_there_is_gone() -> None:
    sagemaker = SageMaker()
    jobs = job_type(sagemaker)
    id_, _ = jobs.create(inputs())
    read = jobs.read(id_, {})

    assert read is not None
    assert read[0] == inputs()
    assert read[1]["status"] == "Completed"
    assert jobs.read("nightly-gone", {}) is None
    jobs.delete("nightly-gone", inputs())
