"""What runs for each endpoint: the fleet that serves, in an update the new one beside it, and the router between the two.

In: fleets, placed by whoever carries out a rollout; out: the router of an endpoint, in one look-up that never waits; who comes
while the cloud brings its endpoints up again is told so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from fogbank.cloud.hosting.fleet import Fleet
from fogbank.cloud.hosting.router import Router
from fogbank.cloud.hosting.variant import Variant

Name = tuple[str, str]
"""An endpoint's region and name."""


class ComingError(Exception):
    """The endpoint comes up again after a restart."""


@dataclass
class Stage:
    """One endpoint's fleets. `work` is held by the one who changes them; `closed` when nothing may be placed any more."""

    name: Name
    work: threading.Lock = field(default_factory=threading.Lock)
    live: Fleet | None = None
    pending: Fleet | None = None
    closed: bool = False

    @property
    def fleets(self) -> list[Fleet]:
        """The fleets that there are."""
        return [fleet for fleet in (self.live, self.pending) if fleet is not None]


@dataclass(frozen=True, kw_only=True)
class Running:
    """How many instances of each variant answer now, of the fleet that serves and of the one that is to."""

    live: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)


class Stages:
    """The stages by endpoint; safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[Name, Stage] = {}
        self._routers: dict[Name, Router[Variant]] = {}
        self._coming: set[Name] = set()

    def stage(self, name: Name) -> Stage:
        """The endpoint's stage, which is made."""
        with self._lock:
            return self._stages.setdefault(name, Stage(name))

    def find(self, name: Name) -> Stage | None:
        """The endpoint's stage, if there is one."""
        with self._lock:
            return self._stages.get(name)

    def running(self, name: Name) -> Running:
        """What answers now."""
        stage = self.find(name)
        if stage is None:
            return Running()
        live, pending = stage.live, stage.pending
        return Running(live=live.running if live else {}, pending=pending.running if pending else {})

    def adjust(self) -> None:
        """Begin to replace instances that died, in every fleet."""
        with self._lock:
            fleets = [fleet for stage in self._stages.values() for fleet in stage.fleets]
        for fleet in fleets:
            fleet.adjust()

    def router(self, name: Name) -> Router[Variant] | None:
        """The endpoint's router; None where it takes no traffic. Raises ComingError where it comes up again: ask later."""
        router = self._routers.get(name)
        if router is None and name in self._coming:
            raise ComingError
        return router

    def place(self, stage: Stage, *, live: Fleet | None, pending: Fleet | None) -> bool:
        """Put fleets on the stage; False where it was closed in the meantime, and nothing was put there."""
        with self._lock:
            if not stage.closed:
                stage.live, stage.pending = live, pending
            return not stage.closed

    def route(self, stage: Stage, router: Router[Variant] | None) -> None:
        """Send the endpoint's traffic this way from now on; None: nowhere."""
        with self._lock:
            if stage.closed or router is None:
                self._routers.pop(stage.name, None)
            else:
                self._routers[stage.name] = router

    def expect(self, name: Name) -> None:
        """The endpoint comes up again: those who ask for it are told so."""
        with self._lock:
            self._coming.add(name)

    def arrived(self, name: Name) -> None:
        """It came, or will not."""
        with self._lock:
            self._coming.discard(name)

    def coming(self) -> list[Name]:
        """The endpoints that come up again and do not answer yet."""
        with self._lock:
            return sorted(self._coming)

    def close(self, stage: Stage, timeout_s: float | None = None) -> None:
        """Stop an endpoint's fleets, finishing what is in flight, and forget it. Returns when they have ended, or time is over."""
        with self._lock:
            self._forget(stage)
        _end([stage], timeout_s)

    @contextmanager
    def emptied(self, timeout_s: float) -> Iterator[None]:
        """Nothing is placed any more on any stage that there is when this begins; its fleets have stopped when it ends."""
        with self._lock:
            stages = list(self._stages.values())
            for stage in stages:
                self._forget(stage)
        yield
        _end(stages, timeout_s)

    def _forget(self, stage: Stage) -> None:
        stage.closed = True
        if self._stages.get(stage.name) is stage:
            del self._stages[stage.name]
            self._routers.pop(stage.name, None)
            self._coming.discard(stage.name)


def _end(stages: Sequence[Stage], timeout_s: float | None) -> None:
    tasks = [task for stage in stages for fleet in stage.fleets for task in fleet.close()]
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    for task in tasks:
        task.ended.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
