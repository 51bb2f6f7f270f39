"""What the room's tests ask: a stand-in without a cloud, for check and diff are pure."""

from __future__ import annotations

from typing import Any

from fogbank.provider.resource import Difference
from fogbank.provider.standin import StandIn


def no_clients(service: str, region: str) -> object:
    raise AssertionError(f"check and diff are pure, and asked for {service} in {region}")


STANDIN = StandIn(clients=no_clients)


def complete(
    token: str, inputs: dict[str, Any], old: dict[str, Any] | None = None, standin: StandIn = STANDIN
) -> dict[str, Any]:
    """Inputs after a check that refuses nothing."""
    checked, failures = standin.check(token, inputs, old or {}, "logical", b"seed")
    assert failures == []
    return checked


def refused(token: str, inputs: dict[str, Any], standin: StandIn = STANDIN) -> dict[str, str]:
    """Why inputs are refused, by property."""
    _, failures = standin.check(token, inputs, {}, "logical", b"seed")
    return {failure.property: failure.reason for failure in failures}


def difference(token: str, before: dict[str, Any], after: dict[str, Any]) -> Difference:
    """What the engine is told when a program changes."""
    old = complete(token, before)
    return STANDIN.diff(token, old, complete(token, after, old))
