"""Requests that no client should send, from a seed: calls with parameters of any kind, and bytes that were HTTP before they were spoiled."""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

SERVICES = (
    "sagemaker",
    "secretsmanager",
    "dynamodb",
    "sqs",
    "logs",
    "events",
    "kms",
    "ssm",
    "iam",
    "sts",
    "sns",
    "cloudwatch",
)
"""What programs ask most, by JSON and by forms."""
NOT_ASKED = ("ReceiveMessage", "Create", "Start", "Run", "Invoke")
"""Calls that wait on purpose, or that start what takes its time: those have tests of their own."""
WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 1e308, -0.5, "", "x", "a" * 300, "\0", "../..", "größe", "\ud800", "${x}", "arn:aws:iam::1:role/x",
    [], [None], [[[]]], {}, {"x": {}}, "2026-01-01T00:00:00Z", "bm90IGEgdG9rZW4=",
)  # fmt: skip
PATHS = ("/", "/bucket", "/bucket/key", "/bucket?uploads", "/bucket/key?uploadId=x&partNumber=1", "/bucket?list-type=2&continuation-token=x",
         "/bucket?versions&max-keys=x", "/bucket/key?versionId=x", "/bucket?policy", "/bucket?lifecycle", "/bucket?delete", "/bucket/%",
         "/bucket/a?b", "/endpoints/x/invocations", "/endpoints//invocations", "/_fogbank/status", "/_fogbank/none", "/_fogbank/events?since=x",
         "/schedules/x", "/schedules", "/schedule-groups/x", "/2015-03-31/functions", "//", "/\u00e4", "/bucket/../x")  # fmt: skip
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "get", "TRACE", "BREW")
HEADERS = (
    "Content-Length: x", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 5", "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip", "Range: bytes=x-", "Range: bytes=5-1", "If-Match: x", "If-Modified-Since: yesterday", "Content-MD5: x",
    "x-amz-copy-source: /x/y", "x-amz-copy-source: %", "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-decoded-content-length: x",
    "x-amz-tagging: =&=", "x-amz-meta-: x", "Expect: 100-continue", "Connection: upgrade", "Upgrade: h2c", "Content-Type: multipart/form-data",
    "Content-Type: application/x-www-form-urlencoded", "x-amz-target: SageMaker.", "x-amz-target: x", "Authorization: AWS4-HMAC-SHA256 Credential=",
    "x-amzn-sagemaker-target-variant: x", "x-amz-checksum-crc32: x", "x-amz-sdk-checksum-algorithm: x", "x-amz-expected-bucket-owner: 1",
)  # fmt: skip


@lru_cache
def operations() -> list[tuple[str, str, Any]]:
    """Service, protocol and operation's model of every call that is asked."""
    found = []
    for service in SERVICES:
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        for name in model.operation_names:
            if not name.startswith(NOT_ASKED) and name not in NOT_ASKED:
                found.append(
                    (
                        service,
                        "json" if "json" in model.metadata.get("protocols", [model.protocol]) else "query",
                        model.operation_model(name),
                    )
                )
    return found


def value(chance: random.Random, shape: Any, depth: int = 4) -> Any:
    """A value of a shape, or of none."""
    if chance.random() < 0.2 or depth == 0:
        return chance.choice(WRONG)
    kind = shape.type_name
    if kind == "structure":
        names = [name for name in shape.members if name in shape.required_members or chance.random() < 0.2]
        return {name: value(chance, shape.members[name], depth - 1) for name in names}
    if kind == "list":
        return [value(chance, shape.member, depth - 1) for _ in range(chance.randrange(3))]
    if kind == "map":
        return {str(chance.choice(WRONG)): value(chance, shape.value, depth - 1)}
    if kind in {"integer", "long"}:
        return chance.choice([1, 0, -1, 100, 2**40])
    if kind == "boolean":
        return chance.random() < 0.5
    return chance.choice(
        [*getattr(shape, "enum", []), "x", "name-1", "arn:aws:sagemaker:us-east-1:123456789012:model/x", ""]
    )


def head(service: str, method: str, path: str, *more: str) -> bytes:
    """A request's head, as boto3 would sign it for the service."""
    credential = f"Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: AWS4-HMAC-SHA256 {credential}", *more]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass")


def with_body(head: bytes, body: bytes) -> bytes:
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def a_call(chance: random.Random) -> bytes:
    """A call of the API with parameters of any kind."""
    service, protocol, model = chance.choice(operations())
    shape = model.input_shape
    params = value(chance, shape) if shape is not None else chance.choice(WRONG)
    if protocol == "query":
        given = params if isinstance(params, dict) else {}
        form = "&".join([f"Action={model.name}", *(f"{key}={json.dumps(item)}" for key, item in given.items())])
        body = form.encode("utf-8", "surrogatepass")
        return with_body(head(service, "POST", "/", "Content-Type: application/x-www-form-urlencoded"), body)
    target = f"{model.service_model.metadata['targetPrefix']}.{model.name}"
    version = model.service_model.metadata.get("jsonVersion", "1.0")
    body = chance.choice([json.dumps(params).encode()] * 9 + [b"[" * 3000, b"{", b"\xff", b"null", b"1e999"])
    return with_body(
        head(service, "POST", "/", f"X-Amz-Target: {target}", f"Content-Type: application/x-amz-json-{version}"), body
    )


def a_path(chance: random.Random) -> bytes:
    """A request of a method to a path with headers that do not go together."""
    more = chance.sample(HEADERS, chance.randrange(4))
    body = chance.choice(
        [
            b"",
            b"hello",
            b"<x/>",
            b"<Delete><Object><Key>x</Key></Object></Delete>",
            b"{}",
            b"5\r\nhello\r\n0\r\n\r\n",
            b"\0" * 50,
        ]
    )
    service = chance.choice(["s3", "s3", "sagemaker", "scheduler", "lambda", ""])
    begin = head(service, chance.choice(METHODS), chance.choice(PATHS), *more)
    return (
        begin + b"\r\n\r\n" + body
        if any(line.startswith(("Content-L", "Transfer")) for line in more)
        else with_body(begin, body)
    )


def spoiled(chance: random.Random) -> bytes:
    """Bytes that were a request before some of them were changed, cut or doubled."""
    data = bytearray(chance.choice([a_call, a_path])(chance)[:3000])
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[place : place + chance.randrange(1, 9)]
            case 2:
                data[place:place] = chance.choice(
                    [b"\r\n", b"\r\n\r\n", b":", b" ", b"\0", b"%", b"[", b'"', b"\xff", b"0" * 20]
                )
            case _:
                data[place:place] = data[:place]
    return bytes(data)


@dataclass
class Fuzzed:
    """What came of it: statuses, and the first requests of those that ended in what nobody should be answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    bad: list[tuple[int, bytes, bytes]] = field(default_factory=list)


def fuzz(
    port: int, count: int, seed: int, kinds: tuple[Callable[[random.Random], bytes], ...], limit_s: float = 30
) -> Fuzzed:
    """Send so many requests, each on a connection of its own, and read what comes of it. Raises TimeoutError for one that hangs."""
    found = Fuzzed()
    chance = random.Random(seed)
    for data in requests(chance, count, kinds):
        answer = exchanged(port, data, limit_s)
        words = answer.split(b" ", 2)
        status = int(words[1]) if answer.startswith(b"HTTP/1.1 ") and words[1].isdigit() else 0
        found.statuses[status] += 1
        if status in {500, 0} and answer and len(found.bad) < 1000:
            found.bad.append((status, data, answer[-600:]))
    return found


def requests(chance: random.Random, count: int, kinds: tuple[Callable[[random.Random], bytes], ...]) -> Iterator[bytes]:
    for _ in range(count):
        yield chance.choice(kinds)(chance)


def exchanged(port: int, data: bytes, limit_s: float) -> bytes:
    """What is answered to bytes after which nothing comes; the first 64 KiB of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=limit_s) as peer:
        answer = b""
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while len(answer) < 65536 and (piece := peer.recv(65536)):
                answer += piece
        except (ConnectionError, BrokenPipeError):
            pass
        return answer
