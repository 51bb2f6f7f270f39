"""A request to an endpoint, over unmodified boto3.

In: an endpoint and a body; out: the model's answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.project.clients import Clients, aws_error

CONTENT_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy",
}
CSV = CONTENT_TYPES[".csv"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endpoint answered."""

    body: bytes
    content_type: str


def send_request(clients: Clients, endpoint: str, body: bytes, content_type: str, accept: str | None = None) -> Answer:
    """Send one request. Raises AwsError."""
    wish = {"Accept": accept} if accept else {}
    try:
        reply = clients("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type, **wish
        )
    except ClientError as error:
        raise aws_error(error) from error
    return Answer(body=reply["Body"].read(), content_type=reply["ContentType"])


def content_type_of(path: Path) -> str:
    """By the file's name. Raises DataError."""
    content_type = CONTENT_TYPES.get(path.suffix.lower())
    if content_type is None:
        raise DataError(
            "content-type-unknown",
            f"cannot tell the content type of {path.name}",
            f"give --content-type, or a name that ends in {', '.join(CONTENT_TYPES)}",
        )
    return content_type


def read_input(path: Path) -> bytes:
    """A file's bytes. Raises DataError (`input-missing`)."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            "input-missing", f"{path} cannot be read: {error.strerror}", "give the path of a file that exists"
        ) from error
