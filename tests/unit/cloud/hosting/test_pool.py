"""Instances are kept at their number: started, replaced, drained; nobody waits for an instance that he does not need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.capacity import Provisioned
from fogbank.cloud.hosting.instance import FleetGoneError, StartError
from fogbank.cloud.hosting.lines import InstanceDownError
from fogbank.cloud.hosting.pool import Pool, Seat, SeatGoneError
from fogbank.cloud.hosting.router import least_busy
from tests.fakes.instances import FakeHost, FakeInstance
from tests.waiting import until, until_answer


def take(pool: Pool) -> Seat:
    """A seat, now or when an instance has come."""
    seat = until_answer(pool.take, lambda seat: seat is not None)
    assert seat is not None
    return seat


class World:
    """A runner, a host, and what was told."""

    def __init__(self) -> None:
        self.runner, self.host = Runner(), FakeHost()
        self.told: list[str] = []

    def tell(self, change: str, about: Mapping[str, str]) -> None:
        self.told.append(change)

    def pool(self, count: int) -> Pool:
        return Pool(self.host, Provisioned(count), least_busy, self.runner, ("instance", "v"), self.tell)

    def started(self, count: int) -> Pool:
        pool = self.pool(count)
        pool.adjust()
        pool.wait(threading.Event())
        return pool


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.host.go.set()
    assert world.runner.close(20)


def test_as_many_as_the_capacity_says_are_started_side_by_side(world: World) -> None:
    world.host.go.clear()
    pool = world.pool(3)
    pool.adjust()
    until(lambda: world.host.attempts == 3)
    pool.adjust()
    world.host.go.set()
    pool.wait(threading.Event())

    assert (pool.running, world.host.attempts) == (3, 3)
    assert world.told == ["Started"] * 3


def test_a_start_that_fails_is_told_to_whoever_waits(world: World) -> None:
    world.host.failure = "no handler"
    pool = world.pool(2)
    pool.adjust()

    with pytest.raises(StartError, match="no handler"):
        pool.wait(threading.Event())


def test_a_dead_instance_is_replaced_while_the_others_answer(world: World) -> None:
    pool = world.started(2)
    world.host.go.clear()
    world.host.started[0].die()
    pool.adjust()
    for _ in range(5):
        seat = take(pool)
        assert seat.server.id == world.host.started[1].id
        pool.leave(seat)
    world.host.go.set()
    pool.wait(threading.Event())

    assert pool.running == 2
    until(lambda: world.told == ["Started", "Started", "Died", "Replaced"])
    until(world.host.started[0].stopped.is_set)


def test_who_comes_while_the_only_instance_is_replaced_waits_for_it_and_all_share_one_start(world: World) -> None:
    pool = world.started(1)
    world.host.go.clear()
    world.host.started[0].die()
    with ThreadPoolExecutor(4) as callers:
        seats = [callers.submit(take, pool) for _ in range(4)]
        until(lambda: world.host.attempts == 2)
        world.host.go.set()
        names = {seat.result(20).server.id for seat in seats}

    assert names == {world.host.started[1].id}
    assert world.host.attempts == 2


def test_where_it_cannot_be_replaced_the_caller_hears_why_at_once_and_the_next_start_waits(world: World) -> None:
    pool = world.started(1)
    world.host.failure = "no space left"
    world.host.started[0].die()
    for _ in range(3):
        with pytest.raises(InstanceDownError, match="cannot be replaced: no space left"):
            take(pool)
    for _ in range(20):
        pool.adjust()

    assert world.host.attempts == 2, "the start that failed is not tried again at once"


def test_whatever_a_start_fails_of_it_is_tried_again_until_it_comes(world: World) -> None:
    class Eager(Pool):
        first_pause_s = 0.01

    pool = Eager(world.host, Provisioned(1), least_busy, world.runner, ("instance", "v"), world.tell)
    pool.adjust()
    pool.wait(threading.Event())
    world.host.error = OSError(28, "No space left on device")
    world.host.started[0].die()

    def look(came: Callable[[], bool]) -> bool:
        pool.adjust()
        return came()

    until(lambda: look(lambda: world.host.attempts >= 4))
    world.host.error = None
    until(lambda: look(lambda: pool.running == 1))
    until(lambda: world.told[-1] == "Replaced")


def test_an_error_that_nobody_foresaw_is_a_start_that_failed(world: World) -> None:
    world.host.error = OSError(28, "No space left on device")
    pool = world.pool(1)
    pool.adjust()

    with pytest.raises(StartError, match="No space left on device"):
        pool.wait(threading.Event())


def test_more_are_started_and_fewer_are_drained_first(world: World) -> None:
    pool = world.started(1)
    pool.resize(Provisioned(3))
    pool.wait(threading.Event())
    seats = [take(pool) for _ in range(3)]
    assert len({seat.server.id for seat in seats}) == 3, "each request went to the instance with the fewest"

    pool.resize(Provisioned(1))
    assert pool.running == 1
    assert all(instance.alive() for instance in world.host.started), "none ends before it has answered"
    for seat in seats:
        pool.leave(seat)
    until(lambda: len(world.host.running) == 1)


def test_a_start_that_is_not_wanted_any_more_is_broken_off(world: World) -> None:
    pool = world.started(1)
    world.host.go.clear()
    pool.resize(Provisioned(3))
    until(lambda: world.host.attempts == 3)
    pool.resize(Provisioned(1))
    pool.wait(threading.Event())
    world.host.go.set()

    assert len(world.host.running) == 1


def test_closing_breaks_starts_off_waits_for_answers_and_takes_no_more(world: World) -> None:
    pool = world.started(1)
    seat = take(pool)
    world.host.go.clear()
    pool.resize(Provisioned(2))
    tasks = pool.close()
    assert world.host.started[0].alive()
    pool.leave(seat)

    assert all(task.ended.wait(20) for task in tasks)
    assert world.host.running == []
    with pytest.raises(FleetGoneError):
        pool.take()
    pool.adjust()
    assert world.host.attempts <= 2


def test_an_instance_that_comes_after_the_close_is_ended(world: World) -> None:
    late = threading.Event()

    class Late(FakeHost):
        """A start that cannot be broken off."""

        def start(self, stop: threading.Event) -> FakeInstance:
            late.wait(20)
            return super().start(threading.Event())

    host = Late()
    pool = Pool(host, Provisioned(1), least_busy, world.runner, ("instance", "v"), world.tell)
    pool.adjust()
    tasks = pool.close()
    late.set()

    assert all(task.ended.wait(20) for task in tasks)
    assert [instance.alive() for instance in host.started] == [False]


def test_counts_of_requests_come_out_even_under_many_threads(world: World) -> None:
    pool = world.started(3)

    def ask(_: int) -> None:
        seat = take(pool)
        pool.leave(seat)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(ask, range(2000)))

    seats = [take(pool) for _ in range(3)]
    assert [seat.outstanding for seat in seats] == [1, 1, 1]


def test_requests_of_one_key_go_to_one_instance_and_keys_are_spread(world: World) -> None:
    pool = world.started(3)
    found = {key: {pool.take(key).server.id for _ in range(5)} for key in map(str, range(40))}  # type: ignore[union-attr]  # all run

    assert all(len(instances) == 1 for instances in found.values())
    assert len({instance for instances in found.values() for instance in instances}) == 3


def test_the_one_instance_that_is_asked_for_or_none(world: World) -> None:
    pool = world.started(2)
    _, wanted = world.host.running
    seats = [pool.take(only=wanted.id) for _ in range(3)]
    assert {seat.server for seat in seats if seat is not None} == {wanted}
    wanted.die()
    for seat in seats:
        assert seat is not None
        seat.seen = 0.0
    with pytest.raises(SeatGoneError):
        pool.take(only=wanted.id)
    with pytest.raises(SeatGoneError):
        pool.take(only="i-none")
