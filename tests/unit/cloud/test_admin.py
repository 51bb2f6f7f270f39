"""The cloud's own calls: a body or a query, and errors that say what there is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.admin import Admin
from fogbank.cloud.api.errors import validation
from fogbank.cloud.ground.wire import Request


def refuse(_: dict[str, Any]) -> object:
    raise validation("no")


def ask(path: str, query: str = "", body: bytes = b"") -> tuple[int, Any]:
    admin = Admin({"echo": lambda asked: asked, "number": lambda asked: int(asked["of"]), "refuse": refuse})
    request = Request(method="GET", path=path, query=query, headers={}, body=body)
    assert admin.takes(request)
    answer = admin.handle(request)
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("query", "body", "asked"),
    [("", b"", {}), ("since=3&wait=1.5", b"", {"since": "3", "wait": "1.5"}), ("", b'{"since": 3}', {"since": 3})],
)
def test_what_is_asked_is_in_the_body_or_the_query(query: str, body: bytes, asked: dict[str, Any]) -> None:
    assert ask("/_fogbank/echo", query, body) == (200, asked)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/_fogbank/none", b"", 404, "there are echo, number, refuse"),
        ("/_fogbank/echo", b"{", 400, "echo: JSONDecodeError"),
        ("/_fogbank/number", b"", 400, "number: KeyError('of')"),
        ("/_fogbank/number", b'{"of": "x"}', 400, "number: ValueError"),
        ("/_fogbank/refuse", b"", 400, "no"),
    ],
)
def test_errors_say_what_is_wrong(path: str, body: bytes, status: int, said: str) -> None:
    code, document = ask(path, body=body)

    assert code == status
    assert said in document["message"]
