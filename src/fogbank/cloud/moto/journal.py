"""The journal of what changed moto's memory: which requests belong in it, and what of them is written down.

In: a request and moto's answer; out: a JournalEntry, and later the same request again.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote

from fogbank.cloud.ground.store import JournalEntry
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.internals import is_versioned

READS = re.compile(
    r"(Describe|List|Get|Head|BatchGet|Lookup|Search|Query|Scan|Select|Filter|Simulate|Validate|Check|AssumeRole|Test)"
)
DROPPED_HEADERS = frozenset(
    {"x-amz-security-token", "amz-sdk-invocation-id", "amz-sdk-request", "user-agent", "expect", "connection"}
)
CONDITION = re.compile(r"(x-amz-copy-source-)?if-(none-)?(match|modified-since|unmodified-since)")
"""What a request's condition is said in. It held when the request was answered; what it looked at may be in no journal any more."""
COPY_SOURCE = "x-amz-copy-source"


def changes_state(request: Request) -> bool:
    """Whether a request may change moto's state: by its operation's name where it has one, else by its method."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return False
    operation = operation_name(request)
    return not READS.match(operation) if operation else True


def operation_name(request: Request) -> str:
    """The operation's name where the protocol carries it; empty where method and path are the operation."""
    if target := request.headers.get("x-amz-target", ""):
        return target.rpartition(".")[2]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(request.body.decode(errors="replace")).get("Action", [""])[0]
    if request.headers.get("smithy-protocol"):
        return request.path.rpartition("/")[2]
    return ""


def copied_object(request: Request) -> str | None:
    """`bucket/key` of the object that a request copies from, if it does."""
    source = request.headers.get(COPY_SOURCE)
    return unquote(source.partition("?")[0]).lstrip("/") if source else None


def entry(seq: int, at: float, request: Request, answer: Answer) -> JournalEntry:
    """What is written down of a request that moto answered."""
    kept = {
        name: value
        for name, value in request.headers.items()
        if name not in DROPPED_HEADERS and not CONDITION.fullmatch(name)
    }
    if "authorization" in kept:  # the scope says service and region; the signature is nobody's business
        kept["authorization"] = (
            kept["authorization"].partition(", SignedHeaders")[0] + ", SignedHeaders=host, Signature=-"
        )
    return JournalEntry(
        seq=seq,
        at=at,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=kept,
        body=request.body,
        object=_plain_object(request),
        upload=_upload_id(request, answer),
    )


def request_of(written: JournalEntry) -> Request:
    """The request that was written down."""
    return Request(
        method=written.method, path=written.path, query=written.query, headers=written.headers, body=written.body
    )


def _plain_object(request: Request) -> str | None:
    """`bucket/key` of the PUT or DELETE of one whole object in a bucket without versions, else None."""
    if request.service != "s3" or request.method not in {"PUT", "DELETE"}:
        return None
    if request.query and request.query not in {"x-id=PutObject", "x-id=DeleteObject"}:
        return None
    if COPY_SOURCE in request.headers:
        return None  # a copy depends on its source, which may change later
    bucket, _, key = request.plain_path[1:].partition("/")
    return None if not key or is_versioned(bucket) else f"{bucket}/{key}"


def _upload_id(request: Request, answer: Answer) -> str | None:
    if request.service != "s3" or request.method != "POST" or request.query.partition("&")[0].rstrip("=") != "uploads":
        return None
    match = re.search(rb"<UploadId>([^<]+)</UploadId>", answer.body)
    return match[1].decode() if match else None
