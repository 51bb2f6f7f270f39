"""Alarms that an earlier version kept elsewhere are taken over, once, each as its call would make it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fogbank.cloud.alarms.book import Book
from fogbank.cloud.alarms.calls import AlarmCalls
from fogbank.cloud.alarms.changes import Changes
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import json_answer
from fogbank.ground.aws import LOCAL_ACCOUNT

ONE: dict[str, Any] = {
    "AlarmName": "one", "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
    "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip


def test_adoption(tmp_path: Path) -> None:
    store = Store(tmp_path / "cloud.db")
    book = Book(store, Clock(store, wall=lambda: 1000.0))
    changes = Changes(book, lambda _service, _region: None, lambda _region, _event: None)
    calls = AlarmCalls(book, changes, lambda _: json_answer({}))
    kept = [
        (LOCAL_ACCOUNT, "us-east-1", {"AlarmName": "both", "AlarmRule": "ALARM(one)"}),
        (LOCAL_ACCOUNT, "us-east-1", {**ONE, "AlarmName": "none", "Period": 61}),
        (LOCAL_ACCOUNT, "us-east-1", ONE),
    ]
    calls.adopt(kept)
    assert {alarm.name: alarm.state for alarm in book.all()} == {"one": "INSUFFICIENT_DATA", "both": "OK"}
