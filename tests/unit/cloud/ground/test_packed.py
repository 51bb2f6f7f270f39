"""A compressed body is opened as far as a body may be long, and no further."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from fogbank.cloud.ground.packed import PackedError, opened
from fogbank.cloud.ground.wire import Request


def request(body: bytes, service: str = "monitoring", coding: str = "gzip") -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request"
    return Request(
        method="POST", path="/", query="", headers={"authorization": scope, "content-encoding": coding}, body=body
    )


def test_a_body_is_opened_and_an_object_is_not() -> None:
    body = gzip.compress(b"in two") + gzip.compress(b" parts")

    assert opened(request(body)) == b"in two parts"
    assert opened(request(body + b"\0" * 3)) == b"in two parts"
    assert opened(request(b"")) == b""
    assert opened(request(b"plain", coding="identity")) == b"plain"
    assert opened(request(body, "s3")) == opened(request(body, "")) == body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no gzip", 400),
        (gzip.compress(b"cut short" * 100)[:-12], 400),
        (gzip.compress(b"a") + b"b", 400),
        (b"\0", 400),
    ],
)
def test_what_is_no_gzip(body: bytes, status: int) -> None:
    with pytest.raises(PackedError) as caught:
        opened(request(body))
    assert caught.value.status == status


def test_a_bomb_takes_no_memory() -> None:
    bomb = gzip.compress(bytes(64 << 20), 1)
    tracemalloc.start()
    with pytest.raises(PackedError) as caught:
        opened(request(bomb), 1 << 20)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (caught.value.status, most < 4 << 20) == (413, True)
