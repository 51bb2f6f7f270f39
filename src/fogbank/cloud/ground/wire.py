"""HTTP as the cloud sees it: a request and an answer as frozen values, and AWS's error forms."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from fogbank.cloud.ground.payload import Payload

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, init=False)
class Request:
    """One HTTP request. `path` is percent-encoded, as it was sent; header names are in lower case. Its body is a payload, which may lie
    in a file; `body` is the same as bytes."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    payload: Payload

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        payload: Payload | None = None,
    ) -> None:
        given = {"method": method, "path": path, "query": query, "headers": headers}
        self.__dict__.update(given, payload=Payload.of(body) if payload is None else payload)

    @cached_property
    def body(self) -> bytes:
        """The body in memory."""
        return self.payload.read()

    @cached_property
    def _scope(self) -> tuple[str, str]:
        credential = self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
        return (credential[2], credential[3].lower()) if len(credential) >= 5 else (DEFAULT_REGION, "")

    @cached_property
    def plain_path(self) -> str:
        """The path decoded: for S3, the bucket and the key as its owner wrote it."""
        return unquote(self.path)

    @property
    def region(self) -> str:
        """The region that the request was signed for."""
        return self._scope[0]

    @property
    def service(self) -> str:
        """The service that the request was signed for; empty when it was not signed."""
        return self._scope[1]


@dataclass(frozen=True, init=False)
class Answer:
    """One HTTP answer. Its body is a payload, which the server closes when it is sent; `body` is the same as bytes."""

    status: int
    headers: Mapping[str, str]
    payload: Payload

    def __init__(
        self,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        payload: Payload | None = None,
    ) -> None:
        kept = Payload.of(body) if payload is None else payload
        self.__dict__.update(status=status, headers={} if headers is None else headers, payload=kept)

    @cached_property
    def body(self) -> bytes:
        """The body in memory."""
        return self.payload.read()


def new_id() -> str:
    """A random id in the form of a UUID of version 4, for what is made by the thousand."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def json_answer(document: Any, status: int = 200, content_type: str = "application/x-amz-json-1.1") -> Answer:
    """An answer in AWS's JSON protocol."""
    headers = {"Content-Type": content_type, "x-amzn-RequestId": new_id()}
    return Answer(status=status, headers=headers, body=json.dumps(document).encode())


def error_answer(request: Request, status: int, code: str, message: str, **members: Any) -> Answer:
    """An error in the protocol that the request speaks, so that boto3 raises it under `code`."""
    request_id = new_id()
    if "x-amz-target" in request.headers or _speaks_json(request.service) or request.path.startswith("/_fogbank"):
        body = json.dumps({"__type": code, "message": message, "Message": message, **members}).encode()
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, "x-amzn-RequestId": request_id}
        return Answer(status=status, headers=headers, body=body)
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if request.service in {"s3", ""}:
        xml = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    else:
        xml = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return Answer(
        status=status, headers={"Content-Type": "application/xml"}, body=f'<?xml version="1.0"?>{xml}'.encode()
    )


@lru_cache(maxsize=64)
def _speaks_json(service: str) -> bool:
    """Whether botocore's model of a service says that it speaks JSON."""
    from botocore.exceptions import DataNotFoundError, UnknownServiceError
    from botocore.loaders import Loader

    try:
        metadata = Loader().load_service_model(service, "service-2")["metadata"]
    except (DataNotFoundError, UnknownServiceError):
        return False
    return "json" in metadata["protocol"]
