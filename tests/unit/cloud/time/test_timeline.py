"""The clockwork: in order, each once, whatever one of them does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.store import Store
from fogbank.cloud.time.timeline import Due, Timeline
from tests.fakes.source import HourlySource
from tests.fakes.wall import Wall
from tests.unit.cloud.conftest import OpenStore
from tests.waiting import until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def timeline(store: OpenStore, folder: Path, *sources: HourlySource) -> Timeline:
    opened = store(folder / "cloud.db")
    clock = Clock(opened, wall=NOON.timestamp)
    return Timeline(opened, clock, Runner(), sources, lambda: None, lambda _: None)


def test_one_that_fails_is_named_and_the_others_fire_once_and_in_order(open_store: OpenStore, tmp_path: Path) -> None:
    good, bad = HourlySource("good", NOON), HourlySource("bad", NOON, frozenset({13, 15}))
    clockwork = timeline(open_store, tmp_path, good, bad)

    results = clockwork.advance(timedelta(hours=4)) + clockwork.advance(timedelta(hours=1))

    assert good.fired == [13, 14, 15, 16, 17]
    assert bad.fired == [14, 16, 17]
    assert [result["at"] for result in results] == sorted(result["at"] for result in results)
    failures = [result for result in results if result["result"].startswith("failed")]
    assert [(failure["name"], failure["at"][11:13]) for failure in failures] == [("bad", "13"), ("bad", "15")]


class Often:
    """A schedule that makes something due each so many seconds, and what no schedule does."""

    def __init__(self, schedule: str, period_s: int) -> None:
        self._schedule, self._period_s = schedule, period_s
        self.fired: list[datetime] = []

    def due(self, since: datetime, until: datetime) -> Iterator[Due]:
        for number in range(1, 10**9):
            moment = NOON + timedelta(seconds=number * self._period_s)
            if moment > until:
                return
            if moment > since:
                yield Due(moment, "often", partial(self._fire, moment), self._schedule)

    def _fire(self, moment: datetime, wait: bool) -> str:
        self.fired.append(moment)
        return "done"


def test_a_jump_of_the_clock_is_one_run_of_each_schedule(open_store: OpenStore, tmp_path: Path) -> None:
    """A laptop that slept for 40 days, and then goes on as ever."""
    wall = Wall(NOON.timestamp())
    hourly, other, lone = Often("us-east-1/a", 3600), Often("us-east-1/b", 7200), Often("", 86400)
    store = open_store(tmp_path / "cloud.db")
    clock = Clock(store, wall=wall)
    runner = Runner()
    clockwork = Timeline(store, clock, runner, (hourly, other, lone), lambda: None, lambda _: None, period_s=0.01)
    clockwork.start()
    try:
        wall.now += 40 * 86400
        until(lambda: hourly.fired and other.fired and len(lone.fired) == 40)
        wall.now += 60
        for _ in range(65):
            wall.now += 60
        until(lambda: len(hourly.fired) > 1)
    finally:
        runner.close()

    assert hourly.fired[0] == other.fired[0] == NOON + timedelta(days=40)
    assert len(hourly.fired) == 2


def test_a_move_of_the_clock_with_too_much_in_it_is_refused_and_nothing_fires(
    open_store: OpenStore, tmp_path: Path
) -> None:
    often = Often("us-east-1/a", 60)
    store = open_store(tmp_path / "cloud.db")
    clock = Clock(store, wall=NOON.timestamp)
    clockwork = Timeline(store, clock, Runner(), (often,), lambda: None, lambda _: None)
    with pytest.raises(ApiError, match="smaller steps"):
        clockwork.advance(timedelta(days=3660))

    assert (often.fired, clock.now()) == ([], NOON)
    assert len(clockwork.advance(timedelta(days=1))) == 1440


@pytest.mark.parametrize("days", [-1, 4000, 1e8])
def test_the_clock_moves_forward_and_not_without_end(open_store: OpenStore, tmp_path: Path, days: float) -> None:
    with pytest.raises(ApiError, match="days at most"):
        timeline(open_store, tmp_path).advance(timedelta(days=days))


class Killed(BaseException):
    """The process ends here."""


class Call:
    """A schedule's one call at one o'clock, killed at some point of it the first time; and another schedule's at the same moment."""

    def __init__(self, store: Store, where: str) -> None:
        self._store, self._where = store, where
        self.calls, self.settled, self.after = 0, 0, 0

    def due(self, since: datetime, until: datetime) -> list[Due]:
        one = NOON + timedelta(hours=1)
        if not since < one <= until:
            return []
        return [Due(one, "a", self._call, "r/a", self._settle), Due(one, "b", self._after, "r/b", lambda: None)]

    def _call(self, wait: bool) -> str:
        self._end("before")
        self.calls += 1
        self._store.put("message", "r", str(self.calls), {})
        self._end("after")
        self._settle()
        return "called"

    def _end(self, where: str) -> None:
        if self._where == where:
            self._where = ""
            raise Killed

    def _settle(self) -> None:
        self.settled += 1

    def _after(self, wait: bool) -> str:
        self.after += 1
        return "called"


@pytest.mark.parametrize("where", ["before", "after"])
def test_who_follows_a_killed_process_calls_once_what_it_was_calling(
    open_store: OpenStore, tmp_path: Path, where: str
) -> None:
    """Hours later, too: what was due meanwhile is not made up for, what was under way is finished."""
    file, wall = tmp_path / "cloud.db", Wall(NOON.timestamp())
    store = open_store(file)
    source = Call(store, where)
    killed = Timeline(store, Clock(store, wall=wall), Runner(), (source,), lambda: None, lambda _: None)
    with pytest.raises(Killed):
        killed.advance(timedelta(hours=2))

    wall.now += 7 * 3600
    runner = Runner()
    hourly = HourlySource("hourly", NOON)
    for _ in range(2):
        again = Timeline(store, Clock(store, wall=wall), runner, (source, hourly), lambda: None, lambda _: None)
        again.start()
    runner.close()

    assert (source.calls, source.settled, source.after) == (1, 1, 1)
    assert hourly.fired == [13]


def test_a_short_while_without_a_process_is_made_up_for(open_store: OpenStore, tmp_path: Path) -> None:
    store, wall = open_store(tmp_path / "cloud.db"), Wall(NOON.timestamp())
    clock, runner, often = Clock(store, wall=wall), Runner(), Often("r/a", 30)
    earlier = Timeline(store, clock, runner, (often,), lambda: None, lambda _: None)
    earlier.advance(timedelta(seconds=30))
    wall.now += 100
    following = Timeline(store, clock, runner, (often,), lambda: None, lambda _: None, period_s=0.01)
    following.start()
    until(lambda: len(often.fired) == 4)
    runner.close()

    assert often.fired == [NOON + timedelta(seconds=30 * number) for number in range(1, 5)]


def test_the_clock_is_set_stands_still_and_runs_fast(open_store: OpenStore, tmp_path: Path) -> None:
    store, wall = open_store(tmp_path / "cloud.db"), Wall(NOON.timestamp())
    clock, runner, hourly = Clock(store, wall=wall), Runner(), Often("r/a", 3600)
    clockwork = Timeline(store, clock, runner, (hourly,), lambda: None, lambda _: None, period_s=0.01)
    clockwork.start()
    evening = NOON + timedelta(hours=5)
    try:
        assert len(clockwork.set(evening, 0)) == 5
        wall.now += 86400
        assert clock.now() == evening
        with pytest.raises(ApiError, match="forward"):
            clockwork.set(NOON, None)
        with pytest.raises(ApiError, match="stands still"):
            clockwork.set(None, -1)
        clockwork.set(None, 3600)
        for _ in range(3):
            wall.now += 1
            until(lambda: hourly.fired[-1] == clock.now())
    finally:
        runner.close()

    assert hourly.fired == [NOON + timedelta(hours=hour) for hour in range(1, 9)]
