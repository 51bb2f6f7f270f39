"""Sessions: given by a container, found again, closed, expired; nobody invents one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.hosting.sessions import CLOSED, MOST, NEW, SESSION, Sessions
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.capture import Source

VARIANT = cast(
    Variant, SimpleNamespace(plan=SimpleNamespace(source=Source(region="us-east-1", endpoint="e", variant="v")))
)
GIVEN = "mine-1; Expires=2026-01-01T00:00:10Z"
ENDS = 1767225610.0


class Clock:
    def __init__(self) -> None:
        self.now = ENDS - 10

    def __call__(self) -> float:
        return self.now


def asking(session: str) -> Request:
    return Request(method="POST", path="/endpoints/e/invocations", query="", headers={SESSION: session})


@pytest.mark.parametrize("name", [SESSION, NEW])
def test_a_session_is_found_until_it_expires(name: str) -> None:
    clock = Clock()
    sessions = Sessions(clock)
    told = sessions.heard({name: GIVEN}, VARIANT, "i-1", new=True)
    found = sessions.find(asking("mine-1"), "e", streamed=True)

    assert told == {"X-Amzn-SageMaker-New-Session-Id": GIVEN}
    assert found is not None
    assert found.instance == "i-1"
    clock.now = ENDS
    with pytest.raises(ApiError, match="mine-1 is not found"):
        sessions.find(asking("mine-1"), "e", streamed=False)


def test_a_session_is_its_endpoints_and_ends_when_the_container_says_so() -> None:
    sessions = Sessions(Clock())
    sessions.heard({NEW: GIVEN}, VARIANT, "i-1", new=True)
    with pytest.raises(ApiError):
        sessions.find(asking("mine-1"), "other", streamed=False)
    assert sessions.heard({CLOSED: "mine-1"}, VARIANT, "i-1", new=False) == {
        "X-Amzn-SageMaker-Closed-Session-Id": "mine-1"
    }
    with pytest.raises(ApiError):
        sessions.find(asking("mine-1"), "e", streamed=False)


def test_nobody_gets_a_session_who_did_not_ask_or_in_a_form_that_is_none() -> None:
    sessions = Sessions(Clock())
    assert sessions.heard({NEW: GIVEN}, VARIANT, "i-1", new=False) == {}
    for given in (
        "mine",
        "mine; Expires=tomorrow",
        "-; Expires=2026-01-01T00:00:10Z",
        "a\nb; Expires=2026-01-01T00:00:10Z",
    ):
        assert sessions.heard({NEW: given}, VARIANT, "i-1", new=True) == {}
    assert sessions.find(asking("NEW_SESSION"), "e", streamed=False) is None
    with pytest.raises(ApiError, match="cannot be created by InvokeEndpointWithResponseStream"):
        sessions.find(asking("NEW_SESSION"), "e", streamed=True)


def test_those_that_have_expired_are_forgotten_before_there_are_too_many() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    for number in range(MOST):
        sessions.heard({NEW: f"a{number}; Expires=2026-01-01T00:00:10Z"}, VARIANT, "i", new=True)
    clock.now = ENDS + 1
    sessions.heard({NEW: "last; Expires=2027-01-01T00:00:10Z"}, VARIANT, "i", new=True)

    assert len(sessions._sessions) == 1
