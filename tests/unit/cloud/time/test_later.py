"""What waits for a moment of the cloud's clock: done once, in order, and found again by the next process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Document
from fogbank.cloud.time.later import Later
from tests.unit.cloud.conftest import OpenStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def test_it_is_done_in_order_each_at_its_moment_and_what_is_put_back_again(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "cloud.db")
    clock = Clock(store, wall=lambda: NOON)
    later = Later(store, clock, Runner())
    done: list[tuple[str, float]] = []

    def work(region: str, name: str, document: Document) -> None:
        done.append((name, round(clock.epoch() - NOON)))
        if document["again"]:
            later.put("thing", region, name, {"again": False}, clock.epoch() + 60)

    later.know("thing", work)
    later.put("thing", "r", "b", {"again": False}, NOON + 30)
    later.put("thing", "r", "a", {"again": True}, NOON + 20)
    later.put("thing", "r", "far", {"again": False}, NOON + 1000)
    later.catch_up(datetime.fromtimestamp(NOON + 500, UTC))

    assert done == [("a", 20), ("b", 30), ("a", 80)]
    assert [name for _, name, _ in store.named("thing")] == ["far"]


def test_one_that_fails_stops_nothing_and_is_not_done_again(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    later = Later(store, Clock(store, wall=lambda: NOON), Runner())
    done: list[str] = []

    def work(_: str, name: str, __: Document) -> None:
        done.append(name)
        raise ValueError(name)

    later.know("thing", work)
    later.put("thing", "r", "a", {}, NOON + 1)
    later.put("thing", "r", "b", {}, NOON + 2)
    later.catch_up(datetime.fromtimestamp(NOON + 5, UTC))
    later.catch_up(datetime.fromtimestamp(NOON + 9, UTC))

    assert done == ["a", "b"]


def test_the_next_process_does_what_the_last_one_was_doing(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path / "cloud.db")
    clock = Clock(store, wall=lambda: NOON)
    Later(store, clock, Runner()).put("thing", "r", "a", {"n": 1}, NOON - 5)
    later, done = Later(store, clock, Runner()), []
    later.know("thing", lambda *what: done.append(what))
    later.turn()
    later.wait("thing", "r", "a")

    assert done == [("r", "a", {"n": 1})]
    assert store.named("thing") == []


def test_what_is_done_once_is_not_done_again_where_it_had_written_something(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "cloud.db")
    later, done = Later(store, Clock(store, wall=lambda: NOON), Runner()), []

    def killed(_: str, name: str, __: Document) -> None:
        done.append(name)
        if name == "a":
            store.put("message", "r", name, {})
        if len(done) < 3:
            raise KeyboardInterrupt

    later.know("thing", killed, once=True)
    for name in "ab":
        later.put("thing", "r", name, {}, NOON - 5)
        with pytest.raises(KeyboardInterrupt):
            later._do("thing", "r", name)
    for name in "ab":
        later._do("thing", "r", name)

    assert done == ["a", "b", "b"]
    assert store.named("thing") == []
