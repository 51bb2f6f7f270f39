"""The clockwork: what is due, done in order on the cloud's one clock.

Sources say what is due; `advance` moves the clock from one due moment to the next and runs each to its end, so the same schedules over
the same time do the same things in the same order. One item that fails is named, and stops nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from fogbank.cloud.api.errors import validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner

log = logging.getLogger("fogbank.cloud")
PERIOD_S = 5.0
LONGEST = timedelta(days=3660)


@dataclass(frozen=True, order=True)
class Due:
    """One thing to do at `moment`. `fire` is told whether to wait for the end of what it starts, and returns what came of it."""

    moment: datetime
    name: str
    fire: Callable[[bool], str] = field(compare=False)


class Source(Protocol):
    """Knows of things that become due."""

    def due(self, since: datetime, until: datetime) -> Iterable[Due]:
        """What is due in (since, until]; a schedule that cannot be read is one thing that fails, not the end of the others."""


class Timeline:
    """Fires what is due. `before` is called first when the clock is moved, `catch_up` carries out what else goes by the clock up to a
    moment."""

    def __init__(
        self,
        clock: Clock,
        runner: Runner,
        sources: Sequence[Source],
        before: Callable[[], object],
        catch_up: Callable[[datetime], None],
    ) -> None:
        self._clock = clock
        self._runner = runner
        self._sources = sources
        self._before = before
        self._catch_up = catch_up
        self._lock = threading.RLock()
        self._done = clock.now()

    def advance(self, delta: timedelta) -> list[dict[str, str]]:
        """Move the clock by `delta`, firing everything on the way; returns what was fired, in order. Raises ValidationException."""
        if not timedelta(0) <= delta <= LONGEST:
            raise validation(f"the clock moves forward, by {LONGEST.days} days at most")
        with self._lock:
            self._before()
            return self._run_until(self._clock.now() + delta, wait=True)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nothing fires meanwhile."""
        with self._lock:
            yield

    def start(self) -> None:
        """Fire what becomes due as time passes. What became due while the cloud was not running is not made up for."""
        self._done = self._clock.now()
        self._runner.every(("timeline",), PERIOD_S, self._tick)

    def _tick(self) -> None:
        with self._lock:
            self._run_until(self._clock.now(), wait=False)

    def _items(self, until: datetime) -> list[Due]:
        return sorted(item for source in self._sources for item in _listed(source, self._done, until))

    def _run_until(self, until: datetime, *, wait: bool) -> list[dict[str, str]]:
        results = []
        for item in self._items(until):
            if wait:
                self._catch_up(item.moment)
            self._clock.move_to(item.moment)
            self._done = max(self._done, item.moment)
            results.append({"at": item.moment.isoformat(), "name": item.name, "result": _fired(item, wait=wait)})
        if wait:
            self._catch_up(until)
        self._clock.move_to(until)
        self._done = until
        return results


def _listed(source: Source, since: datetime, until: datetime) -> list[Due]:
    try:
        return list(source.due(since, until))
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
