"""The event stream: in order, kept over a restart, waited for."""

from __future__ import annotations

import threading
from pathlib import Path

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from tests.unit.cloud.conftest import OpenStore


def test_events_have_numbers_that_go_on_after_a_restart(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    Events(store, Clock(store, wall=lambda: 5.0)).emit("endpoint", "us-east-1", "live", "Creating")
    again = open_store(tmp_path / "cloud.db")
    events = Events(again, Clock(again, wall=lambda: 6.0))
    events.emit("endpoint", "us-east-1", "live", "Failed", reason="no space")

    assert [(e.seq, e.at, e.change, dict(e.detail)) for e in events.since(0)] == [
        (1, 5.0, "Creating", {}),
        (2, 6.0, "Failed", {"reason": "no space"}),
    ]
    assert [e.seq for e in events.since(1)] == [2]


def test_a_listener_is_woken(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    events = Events(store, Clock(store))
    threading.Timer(0.05, lambda: events.emit("model", "us-east-1", "m", "Created")).start()

    assert [event.name for event in events.wait(0, 10)] == ["m"]
    assert events.wait(1, 0.01) == []


def test_nobody_waits_where_the_cloud_stops(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    events = Events(store, Clock(store))
    threading.Timer(0.05, events.close).start()

    assert events.wait(0, 60) == []


def test_the_oldest_go(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    for i in range(5):
        store.append_event((0.0, "model", "us-east-1", f"m{i}", "Created", "{}"), kept=3)

    assert [row[0] for row in store.events_after(0, 10)] == [3, 4, 5]


def test_what_cannot_be_written_does_not_undo_what_happened(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    events = Events(store, Clock(store))
    store.close()

    events.emit("model", "us-east-1", "m", "Created")
