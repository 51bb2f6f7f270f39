"""The clockwork: what is due, done in order on the cloud's one clock.

Sources say what is due; `advance` moves the clock from one due moment to the next and runs each to its end, so the same schedules over
the same time do the same things in the same order. One item that fails is named, and stops nothing. How far it has come is in the store:
a cloud that was killed goes on there, and what it was doing is done once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from fogbank.cloud.api.errors import validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.slots import doing
from fogbank.cloud.ground.store import Store
from fogbank.cloud.time.schedule import INSTANT

log = logging.getLogger("fogbank.cloud")
PERIOD_S = 5.0
LONGEST = timedelta(days=3660)
FASTEST = 86_400.0
JUMP = timedelta(minutes=2)
"""A turn that comes so late was not late: the machine slept, or its clock was set."""
MOST = 20_000
"""So much may be due in one move of the clock."""
DONE = "timeline-done"
"""The setting that has the moment up to which all was done; of what is due at that very moment the store's marks say it."""
MARKS_LAST_S, FORGETS_S = 2 * 86_400.0, 3600.0


@dataclass(frozen=True, order=True)
class Due:
    """One thing to do at `moment`. `fire` is told whether to wait for the end of what it starts, and returns what came of it.

    `schedule` names what makes it due again and again: of what was missed of one, only the last is done. Where `fire` is one call that must not
    be made twice, `settle` is what is left to do after it: of a killed cloud, the next does that alone if the call had been made.
    """

    moment: datetime
    name: str
    fire: Callable[[bool], str] = field(compare=False)
    schedule: str = field(default="", compare=False)
    settle: Callable[[], object] | None = field(default=None, compare=False)
    slot: str = field(default="", compare=False)

    @property
    def mark(self) -> str:
        """What the store marks it by."""
        return f"{self.schedule or self.name} {self.moment.isoformat()} {self.slot}"


class Source(Protocol):
    """Knows of things that become due."""

    def due(self, since: datetime, until: datetime) -> Iterable[Due]:
        """What is due in (since, until]; a schedule that cannot be read is one thing that fails, not the end of the others."""


class Timeline:
    """Fires what is due. `before` is called first when the clock is moved, `catch_up` carries out what else goes by the clock up to a
    moment."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        runner: Runner,
        sources: Sequence[Source],
        before: Callable[[], object],
        catch_up: Callable[[datetime], None],
        period_s: float = PERIOD_S,
    ) -> None:
        self._period_s = period_s
        self._store = store
        self._clock = clock
        self._runner = runner
        self._sources = sources
        self._before = before
        self._catch_up = catch_up
        self._lock = threading.RLock()
        self._done = clock.now()
        self._follows = True
        """Whether it is not known yet what an earlier process has left."""

    def advance(self, delta: timedelta) -> list[dict[str, str]]:
        """Move the clock by `delta`, firing everything on the way; returns what was fired, in order. Raises ValidationException."""
        if not timedelta(0) <= delta <= LONGEST:
            raise validation(f"the clock moves forward, by {LONGEST.days} days at most")
        with self._lock:
            self._follow()
            until = self._clock.now() + delta
            items = self._items(until)
            if len(items) > MOST:
                raise validation(f"more than {MOST} things are due in that time: move the clock in smaller steps")
            self._before()
            return self._run(items, until, wait=True)

    def set(self, moment: datetime | None, speed: float | None) -> list[dict[str, str]]:
        """Move the clock to a moment, as `advance` does, and let it go on at a speed, 0 being a standstill; returns what was fired.

        Raises ValidationException.
        """
        if speed is not None and not 0 <= speed <= FASTEST:
            raise validation(f"the clock runs at 0 (it stands still) to {FASTEST:g} seconds a second")
        with self._lock:
            if moment is not None and moment < self._clock.now():
                raise validation("the clock moves forward: it does not go back to a moment that has passed")
            if speed is not None:  # first, so that one that is to stand still does so at the very moment
                self._clock.run_at(speed)
            return [] if moment is None else self.advance(max(timedelta(0), moment - self._clock.now()))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nothing fires meanwhile."""
        with self._lock:
            yield

    def start(self) -> None:
        """Finish what a killed cloud was doing, then fire what becomes due as time passes. What became due while the cloud was not running is
        made up for after a short while (JUMP), and not after a long one."""
        with self._lock:
            self._follow()
            self._tick()
        self._forget()
        self._runner.every(("timeline",), self._period_s, self._tick)
        self._runner.every(("timeline", "marks"), FORGETS_S, self._forget)

    def _forget(self) -> None:
        self._store.forget_marks(MARKS_LAST_S)

    def _follow(self) -> None:
        """Go on where an earlier process was killed; a caller may be here before `start`."""
        if not self._follows:
            return
        self._follows = False
        now = self._clock.now()
        done = datetime.fromisoformat(self._store.setting(DONE, now.isoformat()))
        self._done = done - INSTANT
        self._run(self._items(done), done, wait=False)
        if now - done > JUMP:
            self._done = now

    def _tick(self) -> None:
        with self._lock:
            now = self._clock.now()
            items = self._items(now)
            late = now - self._done > JUMP * max(1.0, self._clock.speed)
            self._run(_last_of_each(items) if late else items, now, wait=False)

    def _items(self, until: datetime) -> list[Due]:
        """What is due up to a moment, in order; at most one more than MOST of each source."""
        return sorted(item for source in self._sources for item in _listed(source, self._done, until))

    def _run(self, items: Sequence[Due], until: datetime, *, wait: bool) -> list[dict[str, str]]:
        results = []
        for item in items:
            if wait:
                self._catch_up(item.moment)
            self._reach(max(self._done, item.moment))
            results.append({"at": item.moment.isoformat(), "name": item.name, "result": self._once(item, wait=wait)})
        if wait:
            self._catch_up(until)
        self._reach(until)
        return results

    def _reach(self, moment: datetime) -> None:
        """The clock is there. What is due then is found again by who follows a process that is killed now: the clock comes second."""
        if moment != self._done:
            self._done = moment
            self._store.set_setting(DONE, moment.isoformat())
        self._clock.move_to(moment)

    def _once(self, item: Due, *, wait: bool) -> str:
        """Do it, and mark it as done; of what had been marked, what is left of it."""
        finished = f"{item.mark} finished"
        if self._store.marked(finished):
            return "was done before the cloud was stopped"
        if item.settle is not None and self._store.marked(item.mark):
            item.settle()
            result = "was called before the cloud was stopped"
        else:
            with doing(item.mark if item.settle is not None else ""):
                result = _fired(item, wait=wait)
        self._store.mark(finished)
        return result


def _last_of_each(items: Sequence[Due]) -> list[Due]:
    """One run for all that a schedule missed, its last; what no schedule makes due is all done."""
    last = {item.schedule: item for item in items if item.schedule}
    kept = [item for item in items if not item.schedule or last[item.schedule] is item]
    if len(kept) < len(items):
        log.warning("the clock jumped: of %d things that were due, the last of each schedule is done", len(items))
    return kept


def _listed(source: Source, since: datetime, until: datetime) -> list[Due]:
    try:
        return list(islice(source.due(since, until), MOST + 1))
    except Exception:  # one source that fails leaves the others their moments
        log.exception("what is due by %s", type(source).__name__)
        return []


def _fired(item: Due, *, wait: bool) -> str:
    log.info("due at %s: %s", item.moment.isoformat(), item.name)
    try:
        return item.fire(wait)
    except Exception as error:  # whatever one item does, the others fire, and it is not fired again
        log.exception("%s", item.name)
        return f"failed: {error!r}"
