"""What is recorded, when it is asked for, and what is tried in place of what is there."""

from __future__ import annotations

from dataclasses import asdict

from fogbank.cloud.enforcement.ledger import USER, Call, Ledger

CALL = Call(principal="churn-role-1a2b3c4", action="s3:GetObject", resource="arn:aws:s3:::b/k")


def test_calls_are_recorded_once_each_and_only_while_somebody_asks_for_them() -> None:
    ledger = Ledger()
    ledger.note(CALL)
    assert ledger.ask({"record": True}) == {"calls": []}
    ledger.note(CALL)
    ledger.note(CALL)
    assert ledger.ask({}) == {"calls": [asdict(CALL)]}, "and goes on"
    ledger.note(CALL)
    assert ledger.ask({"record": False}) == {"calls": [asdict(CALL)]}
    ledger.note(CALL)
    assert ledger.ask({}) == {"calls": []}


def test_a_policy_is_tried_for_whom_its_pattern_is_until_others_are() -> None:
    ledger = Ledger()
    assert ledger.tried(USER) is None
    ledger.ask({"policies": {"churn-role-*": "roles", USER: "mine"}})
    assert [ledger.tried(name) for name in ("churn-role-1a2b3c4", "other-role", USER)] == ["roles", None, "mine"]
    ledger.ask({"record": True})
    assert ledger.tried(USER) == "mine"
    ledger.ask({"policies": {}})
    assert ledger.tried(USER) is None
