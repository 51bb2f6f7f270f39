"""Starts of a gateway on the same folder: by the snapshot and what came after it, and by the journal alone where there is none to use."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.cloud.ground.store import JournalEntry, Store
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.history import MANY
from fogbank.cloud.moto.snapshot import FILE, Snapshots
from tests.unit.cloud.moto.conftest import Ask

Start = Callable[[], MotoGateway]


@pytest.fixture
def start(tmp_path: Path, open_store: Callable[[Path], Store], memory: Callable[[], None]) -> Start:
    """A gateway as of a new process: an empty moto, the same folder."""

    def gateway() -> MotoGateway:
        memory()
        return MotoGateway(open_store(tmp_path / "s.db"), lambda: 1.0, Snapshots(tmp_path, b"k" * 32))

    return gateway


def queues(gateway: MotoGateway, ask: Ask) -> list[str]:
    answer = gateway.handle(ask("sqs", "ListQueues"))
    return [url.rpartition("/")[2] for url in json.loads(answer.body).get("QueueUrls", [])]


def make(gateway: MotoGateway, ask: Ask, *names: str) -> None:
    for name in names:
        assert gateway.handle(ask("sqs", "CreateQueue", QueueName=name)).status == 200


class Failing(Store):
    """A store whose journal takes nothing while it `fails`."""

    fails = False

    def append(self, entry: JournalEntry) -> None:
        if self.fails:
            raise sqlite3.OperationalError("disk I/O error")
        super().append(entry)


@pytest.mark.parametrize("saved", [False, True])
def test_a_change_that_could_not_be_written_is_written_before_any_other(
    start: Start, ask: Ask, tmp_path: Path, memory: Callable[[], None], *, saved: bool
) -> None:
    memory()
    store = Failing(tmp_path / "s.db")
    gateway = MotoGateway(store, lambda: 1.0, Snapshots(tmp_path, b"k" * 32))
    make(gateway, ask, "a")
    store.fails = True
    for name in ("b", "c"):
        with pytest.raises(sqlite3.OperationalError):
            gateway.handle(ask("sqs", "CreateQueue", QueueName=name))
    gateway.save()
    assert gateway.history()["problem"] == "disk I/O error"
    assert queues(gateway, ask) == ["a", "b"], "the second was not made on top of the first"
    store.fails = False
    if saved:
        gateway.save()
    else:
        make(gateway, ask, "d")
    store.close()

    again = start()
    again.replay()
    assert queues(again, ask) == (["a", "b"] if saved else ["a", "b", "d"])


def test_a_start_plays_back_what_came_after_the_snapshot(start: Start, ask: Ask) -> None:
    gateway = start()
    make(gateway, ask, "a", "b")
    gateway.save()
    make(gateway, ask, "c")
    assert gateway.history() == {"changes": 3, "since_snapshot": 1, "problem": ""}

    again = start()

    assert again.replay() == 1
    assert queues(again, ask) == ["a", "b", "c"]
    make(again, ask, "d")
    again.save()
    assert start().replay() == 0


@pytest.mark.parametrize("damage", [b"", b"not a snapshot", b"{}\n" + b"0" * 200])
def test_without_a_snapshot_that_can_be_used_everything_is_played_back(
    start: Start, ask: Ask, tmp_path: Path, damage: bytes
) -> None:
    gateway = start()
    make(gateway, ask, "a", "b")
    gateway.save()
    make(gateway, ask, "c")
    (tmp_path / FILE).write_bytes(damage)

    again = start()

    assert again.replay() == 3
    assert queues(again, ask) == ["a", "b", "c"]


def test_a_number_whose_entry_a_power_cut_took_is_not_given_again(
    start: Start, ask: Ask, tmp_path: Path, open_store: Callable[[Path], Store]
) -> None:
    gateway = start()
    make(gateway, ask, "a", "b")
    gateway.save()
    store = open_store(tmp_path / "s.db")
    store._db.execute("DELETE FROM journal WHERE seq=2")
    store._db.execute("UPDATE sqlite_sequence SET seq=1 WHERE name='journal'")

    again = start()
    again.replay()
    make(again, ask, "c")

    last = start()
    assert last.replay() == 1
    assert queues(last, ask) == ["a", "b", "c"]


def test_what_no_seed_brings_back_is_in_a_snapshot_before_it_is_answered(start: Start, ask: Ask) -> None:
    gateway = start()
    key = json.loads(gateway.handle(ask("kms", "CreateKey")).body)["KeyMetadata"]["KeyId"]
    assert gateway.history()["since_snapshot"] == 0
    secret = json.loads(gateway.handle(ask("kms", "Encrypt", KeyId=key, Plaintext="c2VjcmV0")).body)["CiphertextBlob"]

    again = start()
    again.replay()

    answer = again.handle(ask("kms", "Decrypt", CiphertextBlob=secret))
    assert json.loads(answer.body)["Plaintext"] == "c2VjcmV0"


def test_a_snapshot_is_written_when_many_changes_came_and_not_without_any(start: Start, ask: Ask) -> None:
    gateway = start()
    gateway.turn()
    make(gateway, ask, "a")
    gateway.turn()
    assert gateway.history()["since_snapshot"] == 1, "it is not quiet yet"
    url = "http://127.0.0.1/123456789012/a"
    for number in range(MANY):
        gateway.handle(ask("sqs", "SendMessage", QueueUrl=url, MessageBody=str(number)))
    gateway.turn()

    assert gateway.history()["since_snapshot"] == 0


def test_after_a_reset_nothing_comes_back(
    start: Start, ask: Ask, tmp_path: Path, open_store: Callable[[Path], Store]
) -> None:
    gateway = start()
    make(gateway, ask, "a")
    gateway.save()
    gateway.forget()
    open_store(tmp_path / "s.db").reset()
    gateway.reset()

    again = start()

    assert again.replay() == 0
    assert queues(again, ask) == []
