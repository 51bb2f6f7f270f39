"""HTTP as the cloud sees it: a request and an answer as frozen values, and AWS's error forms."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from fogbank.cloud.ground.lazy import lazy
from fogbank.cloud.ground.live import Live
from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.peer import INSIDE, Peer

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, init=False)
class Request:
    """One HTTP request. `path` is percent-encoded, as it was sent; header names are in lower case. Its body is a payload, which may lie
    in a file; `body` is the same as bytes. `peer` is who sent it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    payload: Payload
    peer: Peer

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        payload: Payload | None = None,
        peer: Peer = INSIDE,
    ) -> None:
        kept = Payload.of(body) if payload is None else payload
        self.__dict__.update(method=method, path=path, query=query, headers=headers, payload=kept, peer=peer)

    @lazy
    def body(self) -> bytes:
        """The body in memory."""
        return self.payload.read()

    @lazy
    def _scope(self) -> tuple[str, str, str]:
        said = self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
        return _scope_of(said or _presigned(self.query))

    @property
    def access_key(self) -> str:
        """The access key that signs it, in a header or a presigned address (not S3's older ones); empty where none does."""
        return self._scope[2]

    @lazy
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
    """One HTTP answer. Its body is a payload, which the server closes when it is sent; `body` is the same as bytes. With `live`, it is what
    is written there from now on. `cookies` are set by a header each."""

    status: int
    headers: Mapping[str, str]
    payload: Payload
    live: Live | None
    cookies: tuple[str, ...]

    def __init__(
        self,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        payload: Payload | None = None,
        live: Live | None = None,
        cookies: tuple[str, ...] = (),
    ) -> None:
        kept, said = Payload.of(body) if payload is None else payload, {} if headers is None else headers
        self.__dict__.update(status=status, headers=said, payload=kept, live=live, cookies=cookies)

    @lazy
    def body(self) -> bytes:
        """The body in memory."""
        return self.payload.read()


def _begins() -> str:
    digits = f"{random.getrandbits(80):020x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-"


BEGINS, NUMBERS = _begins(), count()


def new_id() -> str:
    """An id in the form of a UUID, for what is made by the thousand: its beginning is this process's own, its end is counted."""
    return f"{BEGINS}{next(NUMBERS):012x}"


def _presigned(query: str) -> str:
    """The credential of an address that is presigned by Signature Version 4."""
    said = query.partition("X-Amz-Credential=")[2].partition("&")[0] if "X-Amz-Signature=" in query else ""
    return unquote(said)


@lru_cache(maxsize=1024)
def _scope_of(credential: str) -> tuple[str, str, str]:
    """Region, service and access key."""
    parts = credential.split("/")
    return (parts[2], parts[3].lower(), parts[0]) if len(parts) >= 5 else (DEFAULT_REGION, "", "")


def json_answer(document: Any, status: int = 200, content_type: str = "application/x-amz-json-1.1") -> Answer:
    """An answer in AWS's JSON protocol."""
    headers = {"Content-Type": content_type, "x-amzn-RequestId": new_id()}
    return Answer(status=status, headers=headers, body=json.dumps(document).encode())


def error_answer(request: Request, status: int, code: str, message: str, **members: Any) -> Answer:
    """An error in the protocol that the request speaks, so that boto3 raises it under `code`."""
    request_id = new_id()
    if "x-amz-target" in request.headers or request.path.startswith("/_fogbank") or _speaks_json(request.service):
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


def too_deep(request: Request) -> Answer:
    """The error for what is nested deeper than it can be read."""
    is_json = "x-amz-target" in request.headers or _speaks_json(request.service)
    code = "SerializationException" if is_json else "InvalidRequest"
    return error_answer(request, 400, code, "what the request says is nested too deeply")


def _speaks_json(service: str) -> bool:
    """False also where it cannot be looked up: an error about a file system that fails must be told by one that fails."""
    try:
        return speaks_json(service)
    except OSError:
        return False


@lru_cache(maxsize=64)
def speaks_json(service: str) -> bool:
    """Whether botocore's model of a service says that it speaks JSON."""
    from botocore.exceptions import DataNotFoundError, UnknownServiceError
    from botocore.loaders import Loader

    try:
        metadata = Loader().load_service_model(service, "service-2")["metadata"]
    except (DataNotFoundError, UnknownServiceError):
        return False
    return "json" in metadata["protocol"]
