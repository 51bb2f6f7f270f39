"""Tokens that are let in, and those that are not; with an issuer's own keys at the wire (test_http_apis.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fogbank.cloud.access.tokens import TokenError, claims, scopes
from tests.contracts.aws.issuer import Issuer, part

ISSUER = Issuer("https://people.example")
GOOD: dict[str, Any] = {"aud": ["others", "rows"], "exp": 200, "nbf": 50, "iat": 99}


def keys(_: str, kid: str) -> Mapping[str, Any]:
    [key] = ISSUER.documents()["/keys"]["keys"]
    if kid != key["kid"]:
        raise TokenError("there is no such key")
    return dict(key)


def test_a_token_for_the_audience_in_its_time_is_let_in() -> None:
    found = claims(ISSUER.token(**GOOD, scope="a b"), ISSUER.url, ["rows"], keys, 100)
    assert (found["exp"], scopes(found), scopes({"scp": ["c"]}), scopes({})) == (200, ["a", "b"], ["c"], [])
    assert claims(ISSUER.token(client_id="rows", exp=200), ISSUER.url, ["rows"], keys, 100)["client_id"] == "rows"


@pytest.mark.parametrize(
    "changed", [{"aud": "x"}, {"aud": None}, {"exp": 100}, {"exp": "200"}, {"exp": True}, {"nbf": 101}, {"iat": 101}, {"iss": "https://evil.example"}]
)  # fmt: skip
def test_any_other_token_is_not(changed: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        claims(ISSUER.token(**{**GOOD, **changed}), ISSUER.url, ["rows"], keys, 100)


@pytest.mark.parametrize("head", [{"alg": "none"}, {"alg": "HS256", "kid": "one"}, {"alg": "RS256", "kid": "two"}, []])
def test_only_the_issuers_rsa_keys_sign(head: Any) -> None:
    signed = ISSUER.token(**GOOD)
    _, payload, signature = signed.split(".")
    with pytest.raises(TokenError):
        claims(f"{part(head)}.{payload}.{signature}", ISSUER.url, ["rows"], keys, 100)
    for text in ("", "a.b", "é.é.é", f"{signed}.x"):
        with pytest.raises(TokenError):
            claims(text, ISSUER.url, ["rows"], keys, 100)
