"""The part of a job that one instance does. Objects that fail, retries and deaths are in test_batch.py, where there are several."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fogbank.cloud.jobs.job import JobStoppedError
from fogbank.cloud.jobs.shard import Seat, in_order
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances, FakeScorer


def test_results_keep_their_order_and_few_are_under_way() -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def work(item: bytes) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        with lock:
            under_way -= 1
        return item * 2

    items = [b"%d" % number for number in range(100)]
    with ThreadPoolExecutor(3) as pool:
        assert list(in_order(pool, work, items, 6)) == [(item, item * 2) for item in items]
    assert most <= 3


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def items() -> list[bytes]:
        nonlocal taken
        taken += 1
        return [b"x"]

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda item: item, (item for _ in range(1000) for item in items()), 4)
        next(results)
        assert taken == 4
        results.close()  # type: ignore[attr-defined]  # it is a generator


def test_an_error_ends_it_and_what_has_not_begun_never_begins() -> None:
    begun: list[bytes] = []

    def work(item: bytes) -> bytes:
        begun.append(item)
        if item == b"1":
            raise OSError("no")
        return item

    with ThreadPoolExecutor(1) as pool, pytest.raises(OSError, match="no"):
        list(in_order(pool, work, [b"%d" % number for number in range(100)], 4))
    assert len(begun) <= 6


def shout(_: FakeScorer, body: bytes) -> FakeReply:
    return FakeReply(data=body.upper())


def test_a_seat_has_one_instance_at_a_time() -> None:
    instances, stop = FakeInstances(shout), threading.Event()
    seat = Seat(instances, stop)
    seat.scorer()
    seat.open()

    assert [scorer.alive() for scorer in instances.started] == [False, True]
    assert seat.scorer() is instances.started[1]
    assert len(instances.started) == 2
    instances.started[1].close()
    assert seat.scorer() is instances.started[2]
    seat.close()
    seat.close()
    stop.set()
    with pytest.raises(JobStoppedError):
        seat.scorer()
    assert not instances.started[2].alive()
