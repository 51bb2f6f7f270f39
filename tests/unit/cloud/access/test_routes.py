"""Which route a request takes."""

from __future__ import annotations

import pytest

from fogbank.cloud.access.routes import find, problem

KEYS = ("$default", "ANY /{proxy+}", "GET /a/{x}", "GET /a/b", "ANY /a/b", "ANY /a/{proxy+}", "GET /")


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/a/b", "GET /a/b", {}),
        ("POST", "/a/b", "ANY /a/b", {}),
        ("GET", "/a/c", "GET /a/{x}", {"x": "c"}),
        ("GET", "/a/c%2Fd", "GET /a/{x}", {"x": "c/d"}),
        ("POST", "/a/c", "ANY /a/{proxy+}", {"proxy": "c"}),
        ("GET", "/a/c/d", "ANY /a/{proxy+}", {"proxy": "c/d"}),
        ("GET", "/a/", "ANY /{proxy+}", {"proxy": "a/"}),
        ("GET", "/", "GET /", {}),
        ("POST", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_takes_it(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    match = find(KEYS, method, path)
    assert match is not None
    assert (match.key, match.parameters) == (key, parameters)


def test_without_a_default_what_nobody_takes_is_nobodys() -> None:
    assert find(("GET /a",), "GET", "/a/") is None
    assert find(("GET /a",), "POST", "/a") is None
    assert find((), "GET", "/") is None


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("GET /a/{x}", None), ("$default", None), ("ANY /{p+}", None), ("GET a", "neither"), ("SEND /a", "neither"),
        ("GET /a{x}", "whole variable"), ("GET /{p+}/a", "greedy"), ("", "neither"),
    ],
)  # fmt: skip
def test_a_route_key_has_a_form(key: str, wrong: str | None) -> None:
    said = problem(key)
    assert said is None if wrong is None else wrong in (said or "")
