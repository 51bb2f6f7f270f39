"""What a deployed service is asked to do, over unmodified boto3: invoke, transform, monitor. Shared by the verbs and the demo."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import AwsError, DataError
from fogbank.contracts.monitoring import STATISTICS, VIOLATIONS
from fogbank.project.cloud import aws_client

CONTENT_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy",
}
POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class TransformResult:
    """An ended transform job's outputs, by the input object's name."""

    job: str
    outputs: dict[str, bytes]


class Service:
    """The deployed service of a project."""

    def __init__(self, config: ProjectConfig) -> None:
        self._config = config
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client of the project's cloud, made once."""
        if service not in self._clients:
            self._clients[service] = aws_client(self._config, service)
        return self._clients[service]

    def full_name(self, name: str) -> str:
        """`live` as `<project>-live`; a name that begins with the project's stays."""
        return name if name.startswith(f"{self._config.name}-") else f"{self._config.name}-{name}"

    def invoke(self, name: str, body: bytes, content_type: str, accept: str | None = None) -> tuple[bytes, str]:
        """The endpoint's answer and its content type. Raises AwsError."""
        extra = {"Accept": accept} if accept else {}
        try:
            answer = self.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.full_name(name), Body=body, ContentType=content_type, **extra
            )
        except ClientError as error:
            raise _aws_error(error) from error
        return answer["Body"].read(), answer["ContentType"]

    def transform(self, name: str, file_name: str, body: bytes, tell: Callable[[str], None]) -> TransformResult:
        """Run the job that a schedule would start, over one file. Raises AwsError, DataError (`transform-failed`)."""
        s3, sagemaker = self.client("s3"), self.client("sagemaker")
        request = self._request(name)
        bucket, _, prefix = (
            request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
        )
        out_bucket, _, out_prefix = request["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
        run = f"{name}-{uuid.uuid4().hex[:8]}"
        source, target = f"{prefix.rstrip('/')}-once/{run}/", f"{out_prefix.rstrip('/')}-once/{run}"
        try:
            s3.put_object(Bucket=bucket, Key=source + file_name, Body=body)
            request["TransformJobName"] = f"{self._config.name}-{run}"
            request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/{source}"
            request["TransformOutput"]["S3OutputPath"] = f"s3://{out_bucket}/{target}"
            sagemaker.create_transform_job(**request)
            self._wait(request["TransformJobName"], tell)
            found = s3.list_objects_v2(Bucket=out_bucket, Prefix=target + "/").get("Contents", [])
            outputs = {
                item["Key"].rpartition("/")[2]: s3.get_object(Bucket=out_bucket, Key=item["Key"])["Body"].read()
                for item in found
            }
        except ClientError as error:
            raise _aws_error(error) from error
        return TransformResult(job=request["TransformJobName"], outputs=outputs)

    def last_execution(self, name: str) -> dict[str, Any]:
        """The newest execution of a monitoring schedule. Raises AwsError, DataError."""
        try:
            found = self.client("sagemaker").list_monitoring_executions(
                MonitoringScheduleName=self.full_name(name),
                SortBy="ScheduledTime",
                SortOrder="Descending",
                MaxResults=1,
            )["MonitoringExecutionSummaries"]
        except ClientError as error:
            raise _aws_error(error) from error
        if not found:
            raise DataError(
                "monitor-never-ran",
                f"the monitoring schedule {name} has not run yet",
                f"run `fogbank monitor run {name}`",
            )
        result: dict[str, Any] = found[0]
        return result

    def monitor_file(self, execution: dict[str, Any], name: str) -> dict[str, Any]:
        """statistics.json or constraint_violations.json of an execution; empty where it wrote none."""
        if "ProcessingJobArn" not in execution:
            return {}
        job = self.client("sagemaker").describe_processing_job(
            ProcessingJobName=execution["ProcessingJobArn"].rpartition("/")[2]
        )
        uri = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        try:
            document: dict[str, Any] = json.loads(
                self.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/{name}")["Body"].read()
            )
        except ClientError:
            return {}
        return document

    def violations(self, execution: dict[str, Any]) -> list[dict[str, str]]:
        """The violations of an execution."""
        found: list[dict[str, str]] = self.monitor_file(execution, VIOLATIONS).get("violations", [])
        return found

    def statistics(self, execution: dict[str, Any]) -> dict[str, Any]:
        """The statistics of an execution."""
        return self.monitor_file(execution, STATISTICS)

    def _request(self, name: str) -> dict[str, Any]:
        try:
            schedule = self.client("scheduler").get_schedule(Name=self.full_name(name))
        except ClientError as error:
            raise _aws_error(error) from error
        request: dict[str, Any] = json.loads(schedule["Target"]["Input"])
        return request

    def _wait(self, job: str, tell: Callable[[str], None]) -> None:
        while True:
            found = self.client("sagemaker").describe_transform_job(TransformJobName=job)
            status = found["TransformJobStatus"]
            if status == "Completed":
                return
            if status in {"Failed", "Stopped"}:
                raise DataError(
                    "transform-failed",
                    f"transform job {job} is {status}: {found.get('FailureReason', 'it was stopped')}",
                    f"see `fogbank cloud logs {job}`",
                )
            tell(status)
            time.sleep(POLL_S)


def content_type_of(path: Path) -> str:
    """By the file's name. Raises DataError."""
    kind = CONTENT_TYPES.get(path.suffix.lower())
    if kind is None:
        raise DataError(
            "content-type-unknown",
            f"cannot tell the content type of {path.name}",
            f"give --content-type, or a name that ends in {', '.join(CONTENT_TYPES)}",
        )
    return kind


def read_input(path: Path) -> bytes:
    """A file's bytes. Raises DataError (`input-missing`)."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            "input-missing", f"{path} cannot be read: {error.strerror}", "give the path of a file that exists"
        ) from error


def _aws_error(error: ClientError) -> AwsError:
    said = error.response["Error"]
    message = error.response.get("OriginalMessage") or said["Message"]
    hints = {
        "ValidationError": "see `fogbank cloud status` for what there is",
        "ModelError": "mend the request, or see `fogbank cloud logs live`",
        "NoSuchBucket": "run `fogbank up` to make the stack's buckets",
    }
    return AwsError(said["Code"], message, hints.get(said["Code"], "see `fogbank cloud status`"))
