"""A batch transform job over one file, now: the job that a schedule would start, with an input and an output of its own.

In: a schedule and rows; out: the job's outputs.
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB_TARGET
from fogbank.ground.aws import split_uri
from fogbank.project.clients import Clients, aws_error
from fogbank.project.events import Steps

POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class TransformResult:
    """An ended transform job's outputs, by the output object's name."""

    job: str
    outputs: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class JobOrder:
    """A CreateTransformJob request, and where its one input goes."""

    request: Mapping[str, Any]
    bucket: str
    input_key: str
    output_bucket: str
    output_prefix: str

    @property
    def job(self) -> str:
        """The job's name."""
        return str(self.request["TransformJobName"])


def order(scheduled: Mapping[str, Any], job: str, file_name: str) -> JobOrder:
    """What a schedule would start, as a job of its own that reads and writes beside the schedule's folders. Pure."""
    request = copy.deepcopy(dict(scheduled))
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    bucket, prefix = split_uri(source["S3Uri"])
    output_bucket, output_prefix = split_uri(request["TransformOutput"]["S3OutputPath"])
    folder, target = f"{prefix.rstrip('/')}-once/{job}/", f"{output_prefix.rstrip('/')}-once/{job}"
    request["TransformJobName"] = job
    source["S3Uri"] = f"s3://{bucket}/{folder}"
    request["TransformOutput"]["S3OutputPath"] = f"s3://{output_bucket}/{target}"
    return JobOrder(
        request=request,
        bucket=bucket,
        input_key=folder + file_name,
        output_bucket=output_bucket,
        output_prefix=target + "/",
    )


def run_transform(clients: Clients, schedule: str, file_name: str, body: bytes, steps: Steps) -> TransformResult:
    """Run the job of a schedule over one file. Raises AwsError, DataError (`transform-failed`, `transform-no-data`)."""
    with steps(f"transform {schedule}") as step:
        result = run_job(clients, schedule, file_name, body, step.progress)
        step.done(f"job {result.job} Completed")
    return result


def run_job(
    clients: Clients, schedule: str, file_name: str, body: bytes, progress: Callable[[str], None]
) -> TransformResult:
    """As `run_transform`, within somebody else's step."""
    if not body.strip():
        raise DataError(
            "transform-no-data", f"{file_name} is empty: there is nothing to transform", "give a file with rows"
        )
    try:
        job = order(_scheduled(clients, schedule), f"{schedule}-{uuid.uuid4().hex[:8]}", file_name)
        clients("s3").put_object(Bucket=job.bucket, Key=job.input_key, Body=body)
        clients("sagemaker").create_transform_job(**job.request)
        _wait(clients, job.job, progress)
        return TransformResult(job=job.job, outputs=_outputs(clients, job))
    except ClientError as error:
        raise aws_error(error) from error


def _scheduled(clients: Clients, schedule: str) -> dict[str, Any]:
    """The request that a schedule starts. Raises ClientError, DataError (`schedule-no-transform`)."""
    target = clients("scheduler").get_schedule(Name=schedule)["Target"]
    if target["Arn"] != CREATE_TRANSFORM_JOB_TARGET:
        raise DataError(
            "schedule-no-transform",
            f"the schedule {schedule} starts {target['Arn']}, and no transform job",
            "name the schedule of a BatchTransform",
        )
    request: dict[str, Any] = json.loads(target["Input"])
    return request


def _wait(clients: Clients, job: str, progress: Callable[[str], None]) -> None:
    while True:
        description = clients("sagemaker").describe_transform_job(TransformJobName=job)
        status = description["TransformJobStatus"]
        if status == "Completed":
            return
        if status in {"Failed", "Stopped"}:
            raise DataError(
                "transform-failed",
                f"transform job {job} is {status}: {description.get('FailureReason', 'it was stopped')}",
                f"see `fogbank cloud logs {job}`",
            )
        progress(status)
        time.sleep(POLL_S)


def _outputs(clients: Clients, job: JobOrder) -> dict[str, bytes]:
    s3 = clients("s3")
    objects = s3.list_objects_v2(Bucket=job.output_bucket, Prefix=job.output_prefix).get("Contents", [])
    return {
        item["Key"].rpartition("/")[2]: s3.get_object(Bucket=job.output_bucket, Key=item["Key"])["Body"].read()
        for item in objects
    }
