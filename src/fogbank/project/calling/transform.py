"""A batch transform job over one file, now: the job that a schedule would start, with an input and an output of its own.

In: a schedule and rows; out: the job's outputs.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.contracts.scheduler import starts
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB, TransformRequest
from fogbank.ground.aws import split_uri
from fogbank.project.calling.clients import Clients, aws_error
from fogbank.project.workplace.events import Steps

SHORTEST_S, LONGEST_S = 0.05, 10.0
"""How long a job that runs is left alone between two looks: ever longer."""


@dataclass(frozen=True, kw_only=True)
class TransformResult:
    """An ended transform job's outputs, by the output object's name."""

    job: str
    outputs: Mapping[str, bytes]


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
        request = aside(scheduled(clients, schedule), f"{schedule}-{uuid.uuid4().hex[:8]}")
        bucket, key = split_uri(f"{request.source.uri}{file_name}")
        clients("s3").put_object(Bucket=bucket, Key=key, Body=body)
        clients("sagemaker").create_transform_job(**request.encode())
        _wait(clients, request.job, progress)
        return TransformResult(job=request.job, outputs=_outputs(clients, request))
    except ClientError as error:
        raise aws_error(error) from error


def aside(scheduled: TransformRequest, job: str) -> TransformRequest:
    """A scheduled request as a job of that name, which reads and writes beside the schedule's own folders. Pure."""
    source, target = (f"{uri.rstrip('/')}-once/{job}" for uri in (scheduled.source.uri, scheduled.target.uri))
    return scheduled.over(job=job, source=f"{source}/", target=target)


def scheduled(clients: Clients, schedule: str) -> TransformRequest:
    """The request that a schedule sends. Raises AwsError, DataError (`schedule-no-transform`)."""
    try:
        target = clients("scheduler").get_schedule(Name=schedule)["Target"]
    except ClientError as error:
        raise aws_error(error) from error
    hint = "name the schedule of a BatchTransform"
    if not starts(target["Arn"], CREATE_TRANSFORM_JOB):
        cause = f"the schedule {schedule} starts {target['Arn']}, and no transform job"
        raise DataError("schedule-no-transform", cause, hint)
    try:
        return TransformRequest.from_json(target.get("Input", ""))
    except ValueError as error:
        cause = f"what the schedule {schedule} sends is no CreateTransformJob request: {error}"
        raise DataError("schedule-no-transform", cause, hint) from error


def _wait(clients: Clients, job: str, progress: Callable[[str], None]) -> None:
    pause = SHORTEST_S
    while True:
        description = clients("sagemaker").describe_transform_job(TransformJobName=job)
        status = description["TransformJobStatus"]
        if status == "Completed":
            return
        if status in {"Failed", "Stopped"}:
            raise DataError(
                "transform-failed",
                f"transform job {job} is {status}: {description.get('FailureReason', 'it was stopped')}",
                f"see `fogbank logs {job}`",
            )
        progress(status)
        time.sleep(pause)
        pause = min(pause * 1.1, LONGEST_S)


def _outputs(clients: Clients, request: TransformRequest) -> dict[str, bytes]:
    bucket, prefix = split_uri(f"{request.target.uri}/")
    s3 = clients("s3")
    objects = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        item["Key"].rpartition("/")[2]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in objects
    }
