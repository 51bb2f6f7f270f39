"""A request to an endpoint, over unmodified boto3.

In: an endpoint and a body; out: the model's answer.
"""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from fogbank.contracts.errors import DataError
from fogbank.project.calling.clients import Clients, aws_error

CONTENT_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".parquet": "application/x-parquet",
    ".txt": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".pgm": "image/x-portable-graymap",
}
CSV = CONTENT_TYPES[".csv"]
MAGIC = {
    b"\x93NUMPY": CONTENT_TYPES[".npy"],
    b"\x89PNG\r\n": CONTENT_TYPES[".png"],
    b"\xff\xd8\xff": CONTENT_TYPES[".jpg"],
    b"PAR1": CONTENT_TYPES[".parquet"],
}
"""How files of a kind begin, whatever they are called."""
LONGEST_NAME = 255
"""What is longer is no file's name."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endpoint answered."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""

    def document(self) -> dict[str, Any]:
        """The answer as JSON has it: a body of JSON as what it says, other text as text, the rest in base64."""
        said = {"content_type": self.content_type, "variant": self.variant}
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            return {**said, "body_base64": b64encode(self.body).decode()}
        with contextlib.suppress(ValueError):
            if self.content_type.startswith(CONTENT_TYPES[".jsonl"]):
                return {**said, "body": [json.loads(line) for line in text.splitlines() if line.strip()]}
            if self.content_type.startswith(CONTENT_TYPES[".json"]):
                return {**said, "body": json.loads(text)}
        return {**said, "body": text}


def send_request(clients: Clients, endpoint: str, body: bytes, content_type: str, accept: str | None = None) -> Answer:
    """Send one request. Raises AwsError."""
    wish = {"Accept": accept} if accept else {}
    try:
        reply = clients("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type, **wish
        )
    except ClientError as error:
        raise aws_error(error) from error
    return Answer(
        body=reply["Body"].read(),
        content_type=reply["ContentType"],
        headers=reply["ResponseMetadata"]["HTTPHeaders"],
        variant=reply.get("InvokedProductionVariant", ""),
    )


def endpoint_status(clients: Clients, endpoint: str) -> str:
    """SageMaker's word for how an endpoint is. Raises AwsError."""
    try:
        return str(clients("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointStatus"])
    except ClientError as error:
        raise aws_error(error) from error


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent."""

    body: bytes
    content_type: str


def request_of(data: str, stdin: BinaryIO, content_type: str = "") -> Request:
    """What a person gives: a file's name, also as `@name`, `-` for standard input, or the rows themselves. Raises DataError.

    Without a `content_type` it is told by the name or by how the data begins. Codes of errors: `input-missing`, `content-type-unknown`, `json-invalid`.

    >>> import io
    >>> request_of('{"age": 3}', io.BytesIO()).content_type
    'application/json'
    >>> request_of("1,2", io.BytesIO()).body
    b'1,2\\n'
    """
    if data.startswith("@") and not Path(data).is_file():  # as curl has it
        data = data[1:]
    if data == "-":
        body = stdin.read()
        return Request(body=body, content_type=content_type or begins_as(body))
    if data.lstrip().startswith(("{", "[", '"')):
        body = data.encode() if content_type else _json(data)
        return Request(body=body, content_type=content_type or CONTENT_TYPES[".json"])
    if _is_rows(data):
        return Request(body=f"{data.rstrip()}\n".encode(), content_type=content_type or CSV)
    path = Path(data)
    body = read_input(path)
    return Request(body=body, content_type=content_type or content_type_of(path, body))


def _is_rows(data: str) -> bool:
    """Whether it is CSV, and no file's name: it has two lines; or cells, words or a number, and no ending or file of that name."""
    if "\n" in data or len(data) > LONGEST_NAME:
        return True
    if Path(data).suffix.lower() in CONTENT_TYPES or Path(data).is_file():
        return False
    return "," in data or (" " in data.strip() and "/" not in data) or _is_number(data)


def _is_number(data: str) -> bool:
    try:
        float(data)
    except ValueError:
        return False
    return True


def begins_as(body: bytes) -> str:
    """The content type of rows without a name: JSON or JSON lines by how they begin, files by their magic, else CSV."""
    for magic, kind in MAGIC.items():
        if body.startswith(magic):
            return kind
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return CSV
    try:
        json.loads(body)
    except ValueError:
        first = body.strip().splitlines()[0]
        with contextlib.suppress(ValueError):
            json.loads(first)
            return CONTENT_TYPES[".jsonl"]
    return CONTENT_TYPES[".json"]


def _json(text: str) -> bytes:
    try:
        json.loads(text)
    except ValueError as error:
        raise DataError(
            "json-invalid", f"what is given begins as JSON, and is none: {error}", "quote it whole: '[[1, 2]]'"
        ) from error
    return text.encode()


def content_type_of(path: Path, body: bytes) -> str:
    """By the file's name, else by how it begins. Raises DataError for text of a name that says nothing."""
    kind = CONTENT_TYPES.get(path.suffix.lower())
    begun = begins_as(body)
    if kind is None and (begun != CSV or not path.suffix):
        kind = begun
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
            "input-missing",
            f"{path} cannot be read: {error.strerror}",
            "give the path of a file that exists, `-` for standard input, or rows as JSON or CSV",
        ) from error
