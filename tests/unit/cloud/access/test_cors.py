"""Which pages may read answers."""

from __future__ import annotations

import pytest

from fogbank.cloud.access.cors import Cors, is_preflight, shared


@pytest.mark.parametrize(
    ("allowed", "origin", "may"),
    [
        ("*", "http://a.example", True),
        ("https://*", "https://a.example", True),
        ("https://*", "http://a.example", False),
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example.evil", False),
        ("https://a.example", "null", False),
    ],
)
def test_an_origin_is_allowed_by_its_name_or_its_scheme(allowed: str, origin: str, may: bool) -> None:
    assert Cors(origins=(allowed,)).allows(origin) is may
    assert bool(Cors(origins=(allowed,)).preflight(origin)) is may


def test_with_credentials_the_origin_itself_is_said() -> None:
    assert Cors(origins=("*",)).answered("https://a.example") == {"access-control-allow-origin": "*"}
    wide = Cors(origins=("*",), credentials=True).answered("https://a.example")
    assert (wide["access-control-allow-origin"], wide["vary"]) == ("https://a.example", "Origin")


def test_what_is_declared_goes_before_what_the_function_says() -> None:
    own = {"Access-Control-Allow-Origin": "*", "x-a": "1"}
    assert shared(own, None, "https://a.example") == own
    assert shared(own, Cors(origins=("https://b.example",)), "https://a.example") == {"x-a": "1"}
    assert Cors.of({}) is None
    assert not is_preflight("OPTIONS", {"origin": "a"})
