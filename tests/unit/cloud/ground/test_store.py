"""The store, the clock, and the front's reading of a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fogbank.cloud.front import path_style
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import JournalEntry, Store
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.journal import changes_state
from tests.fakes.wall import Wall


def request(method: str = "GET", path: str = "/", service: str = "s3", **headers: str) -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method=method, path=path, query="", headers={"host": "127.0.0.1:1", "authorization": scope, **given}, body=b""
    )


def entry(seq: int, name: str | None, method: str = "PUT") -> JournalEntry:
    return JournalEntry(
        seq=seq, at=1.5, method=method, path="/b/k", query="", headers={"a": "b"}, body=b"\x00x", object=name
    )


def test_documents_survive_another_store_on_the_same_file(tmp_path: Path, open_store: Callable[[Path], Store]) -> None:
    store = open_store(tmp_path / "s.db")
    store.put("model", "us-east-1", "a", {"x": 1})
    store.update("model", "us-east-1", "a", y=2)

    again = open_store(tmp_path / "s.db")

    assert again.get("model", "us-east-1", "a") == {"x": 1, "y": 2}
    assert again.all("model", "eu-west-1") == []
    assert again.update("model", "us-east-1", "none", y=1) is None


def test_a_later_entry_for_an_object_voids_the_earlier_and_a_copied_one_stays(
    tmp_path: Path, open_store: Callable[[Path], Store]
) -> None:
    store = open_store(tmp_path / "s.db")
    for seq, name in ((1, "b/k"), (2, None), (3, "b/k")):
        assert store.next_seq() == seq
        store.append(entry(seq, name))
    store.keep("b/k")
    store.append(entry(4, "b/k"))

    assert [item.seq for item in store.journal()] == [2, 3, 4]
    assert next(iter(store.journal())) == entry(2, None)


def test_the_clock_only_moves_forward_and_keeps_its_offset(tmp_path: Path, open_store: Callable[[Path], Store]) -> None:
    store = open_store(tmp_path / "s.db")
    clock = Clock(store, wall=lambda: 1000.0)
    clock.move_to(datetime.fromtimestamp(5000, UTC))
    clock.move_to(datetime.fromtimestamp(2000, UTC))

    assert clock.epoch() == 5000.0
    assert Clock(store, wall=lambda: 1010.0).epoch() == 5010.0


def test_a_bucket_in_the_host_becomes_one_in_the_path() -> None:
    moved = path_style(request(path="/key", host="my.bucket.localhost:4566"))

    assert (moved.path, moved.headers["host"], moved.region) == ("/my.bucket/key", "localhost:4566", "eu-west-1")


def test_what_changes_state_is_told_by_the_operations_name() -> None:
    assert changes_state(request("PUT"))
    assert not changes_state(request("HEAD"))
    assert not changes_state(request("POST", service="sagemaker", x_amz_target="SageMaker.ListDomains"))
    assert changes_state(request("POST", service="sagemaker", x_amz_target="SageMaker.CreateDomain"))


def test_the_clock_stands_still_or_runs_faster_and_the_next_process_keeps_that(
    tmp_path: Path, open_store: Callable[[Path], Store]
) -> None:
    store, wall = open_store(tmp_path / "cloud.db"), Wall(1000.0)
    clock = Clock(store, wall=wall)
    clock.run_at(0)
    wall.now += 500
    assert (clock.epoch(), Clock(store, wall=wall).epoch(), clock.ahead()) == (1000.0, 1000.0, -500.0)

    clock.move_to(datetime.fromtimestamp(2000, UTC))
    clock.run_at(60)
    wall.now += 10
    assert (clock.epoch(), Clock(store, wall=wall).epoch(), clock.ahead()) == (2600.0, 2600.0, 1090.0)

    clock.run_at(1)
    wall.now += 10
    assert (clock.epoch(), Clock(store, wall=wall).speed) == (2610.0, 1.0)
