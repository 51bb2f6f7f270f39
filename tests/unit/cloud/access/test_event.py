"""Requests as events, and what functions answer; what is between them and a function is shown at the wire (test_function_urls.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.access.event import Asked, BadAnswerError, answer, event
from fogbank.cloud.ground.wire import Request

ASKED = Asked(id="i", api="a", account="1", domain="d", path="/p", at=0.0)


def made(body: bytes, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return event(Request(method="POST", path="/p", query="", headers=named, body=body), ASKED)


@pytest.mark.parametrize(
    ("kind", "body", "seen"),
    [
        ("text/csv; charset=utf-8", b"1,2", ("1,2", False)),
        ("application/vnd.api+json", b"{}", ("{}", False)),
        ("application/x-www-form-urlencoded", b"a=1", ("YT0x", True)),
        ("application/octet-stream", b"\x00", ("AA==", True)),
        ("text/plain", b"\xff", ("/w==", True)),
    ],
)
def test_bodies_of_text_are_text_and_others_base64(kind: str, body: bytes, seen: tuple[str, bool]) -> None:
    found = made(body, content_type=kind)
    assert (found["body"], found["isBase64Encoded"]) == seen


def test_nothing_is_not_there() -> None:
    found = made(b"")
    assert [key for key in ("body", "cookies", "queryStringParameters") if key in found] == []
    assert (found["isBase64Encoded"], found["requestContext"]["time"]) == (False, "01/Jan/1970:00:00:00 +0000")


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        ("hello", 200, b"hello"), (None, 200, b"null"), ([1], 200, b"[1]"), ({"a": 1}, 200, b'{"a": 1}'),
        ({"statusCode": "204"}, 204, b""), ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a": 1}'),
    ],
)  # fmt: skip
def test_an_answer_without_a_status_is_a_body(said: Any, status: int, body: bytes) -> None:
    found = answer(json.dumps(said))
    assert (found.status, found.body) == (status, body)


@pytest.mark.parametrize(
    "said",
    [
        {"statusCode": None}, {"statusCode": 99}, {"statusCode": 200, "headers": []}, {"statusCode": 200, "headers": {"a b": "1"}},
        {"statusCode": 200, "headers": {"a": "1\r\nb: 2"}}, {"statusCode": 200, "headers": {"a": {}}}, {"statusCode": 200, "cookies": "a"},
        {"statusCode": 200, "cookies": ["a\nb"]}, {"statusCode": 200, "body": "%", "isBase64Encoded": True},
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_a_bad_answer(said: Any) -> None:
    with pytest.raises(BadAnswerError):
        answer(json.dumps(said))
