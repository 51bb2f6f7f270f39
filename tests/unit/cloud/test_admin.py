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


def ask(path: str, query: str = "", body: bytes = b"", method: str = "GET") -> tuple[int, Any]:
    calls = {"echo": lambda asked: asked, "number": lambda asked: int(asked["of"]), "refuse": refuse, "reset": refuse}
    admin = Admin(calls, reads=frozenset(calls) - {"reset"})
    request = Request(method=method, path=path, query=query, headers={}, body=body)
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
        ("/_fogbank/none", b"", 404, "there are echo, number, refuse, reset"),
        ("/_fogbank/echo", b"{", 400, "echo: JSONDecodeError"),
        ("/_fogbank/number", b"", 400, "number: KeyError('of')"),
        ("/_fogbank/number", b'{"of": "x"}', 400, "number: ValueError"),
        ("/_fogbank/number", b'{"of": 1e999}', 400, "number: OverflowError"),
        ("/_fogbank/number", b"[]", 400, "number: TypeError"),
        ("/_fogbank/number", b"[" * 100_000, 400, "number: RecursionError"),
        ("/_fogbank/refuse", b"", 400, "no"),
    ],
)
def test_errors_say_what_is_wrong(path: str, body: bytes, status: int, said: str) -> None:
    code, document = ask(path, body=body)

    assert code == status
    assert said in document["message"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_what_changes_something_is_asked_for_with_post(method: str) -> None:
    code, document = ask("/_fogbank/reset", method=method)

    assert (code, document["message"]) == (405, f"reset is asked for with POST, not {method}")
    assert ask("/_fogbank/reset", method="POST")[0] == 400, "and then it is asked"
