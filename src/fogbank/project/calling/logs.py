"""The last lines that an endpoint, a job, a monitor or a function of an account, or of the local cloud, wrote to CloudWatch Logs.

In: a name; out: lines, by their log stream. Source: SageMaker Developer Guide, "Log groups and streams".
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.project.calling.clients import Clients, aws_error

ENDPOINTS, COMPONENTS = "/aws/sagemaker/Endpoints/", "/aws/sagemaker/InferenceComponents/"
JOBS = ("/aws/sagemaker/TransformJobs", "/aws/sagemaker/ProcessingJobs")
FUNCTIONS = "/aws/lambda/"
STREAMS = 5
"""The newest streams that are read: one an instance."""


def account_logs(clients: Clients, name: str, lines: int) -> dict[str, str]:
    """The last lines of an endpoint's instances, of the function `name`, and of the jobs whose names begin so.

    Raises AwsError, DataError (`log-not-found`).
    """
    logs = clients("logs")
    try:
        found = [each for group in (ENDPOINTS, COMPONENTS, FUNCTIONS) for each in _newest(logs, f"{group}{name}")]
        for group in JOBS:
            found += _newest(logs, group, f"{name}")
        texts = {f"{group}/{stream}": _end(logs, group, stream, lines) for group, stream in found}
    except ClientError as error:
        raise aws_error(error) from error
    if not texts:
        raise DataError(
            "log-not-found",
            f"CloudWatch Logs has nothing of {name!r}: no endpoint or function of that name, and no job whose name begins so",
            "give an endpoint's name, a function's, a job's, or the schedule's that starts it",
        )
    return texts


def function_logs(clients: Clients, name: str, lines: int) -> dict[str, str]:
    """The last lines of the function `name`; none where it has written nothing. Raises AwsError."""
    logs = clients("logs")
    try:
        found = _newest(logs, f"{FUNCTIONS}{name}")
        return {f"{group}/{stream}": _end(logs, group, stream, lines) for group, stream in found}
    except ClientError as error:
        raise aws_error(error) from error


def _newest(logs: Any, group: str, prefix: str = "") -> list[tuple[str, str]]:
    """The newest streams of a group, which may not be there. CloudWatch sorts by time or looks for a prefix, not both."""
    wish = (
        {"logStreamNamePrefix": prefix}
        if prefix
        else {"orderBy": "LastEventTime", "descending": True, "limit": STREAMS}
    )
    try:
        pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, **wish)
        streams = (
            [stream for page in pages for stream in page["logStreams"]] if prefix else next(iter(pages))["logStreams"]
        )
    except logs.exceptions.ResourceNotFoundException:
        return []
    newest = sorted(streams, key=lambda stream: stream.get("lastEventTimestamp", 0), reverse=True)[:STREAMS]
    return [(group, stream["logStreamName"]) for stream in newest]


def _end(logs: Any, group: str, stream: str, lines: int) -> str:
    events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False)["events"]
    return "\n".join(event["message"].rstrip("\n") for event in events)
