"""Instances of one kind, kept at the number that a capacity says, each request with one that lives.

In: a host that starts and stops instances; out: seats for requests. What is missing is started and what is too much is stopped
beside the requests, each in a task of its own: one slow start keeps nobody waiting who does not need that very instance.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol
from zlib import crc32

from fogbank.cloud.ground.runner import Key, Runner, Task, Work
from fogbank.cloud.hosting.capacity import Capacity, Load
from fogbank.cloud.hosting.instance import FleetGoneError, StartError
from fogbank.cloud.hosting.lines import InstanceDownError, Replied, Sink
from fogbank.cloud.hosting.router import Choose, Draw
from fogbank.contracts.container import STOP_GRACE_S

LOOK_S = 0.2
SEEN_S = 0.01
"""An instance that was seen to live is not looked at again for so long: who comes to one that died meanwhile goes once more."""
LONGEST_PAUSE_S = 60.0

Tell = Callable[[str, Mapping[str, str]], None]
"""Takes what became of an instance (Started, Replaced, Died, Stopped), and which one it is."""


class Answered(Protocol):
    """A reply in one piece."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def data(self) -> bytes:
        """The body."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""


class Server(Protocol):
    """An instance, as those see it who ask it."""

    @property
    def id(self) -> str:
        """What it is known by."""

    def alive(self) -> bool:
        """Whether it runs."""

    def ask(
        self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied, sink: Sink | None = None
    ) -> None:
        """Ask it, on the event loop: `done` gets the reply there, or InstanceDownError, InstanceTimeoutError. A `sink` gets a reply that
        comes in pieces."""

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answered:
        """Ask it and wait. Raises InstanceDownError, InstanceTimeoutError."""

    def kill(self) -> None:
        """End it at once."""


class Host(Protocol):
    """Starts and stops instances of one kind."""

    def start(self, stop: threading.Event) -> Server:
        """A ready instance. Raises StartError, also where `stop` is set before it is ready."""

    def stop(self, server: Any, grace_s: float) -> None:
        """End an instance; what is in flight may take `grace_s`."""


class SeatGoneError(Exception):
    """The one instance that could be asked is not there any more."""


class Seat:
    """An instance and the number of requests that are with it; `seen` is when it was seen to live, by the monotonic clock."""

    __slots__ = ("leaving", "outstanding", "seen", "server")

    def __init__(self, server: Server) -> None:
        self.server, self.outstanding, self.leaving, self.seen = server, 0, False, 0.0


class _Start:
    """An instance that comes, and the dead one that it is to replace."""

    __slots__ = ("replaces", "task")

    def __init__(self, replaces: str | None) -> None:
        self.replaces, self.task = replaces, Task(key=())


class Pool:
    """The instances; safe from many threads. `key` begins the keys of its tasks, `most` is how many requests an instance has at once."""

    first_pause_s: ClassVar[float] = 5.0
    """After a start that failed the next one waits so long, and each time twice as long."""

    def __init__(
        self,
        host: Host,
        capacity: Capacity,
        choose: Choose,
        runner: Runner,
        key: Key,
        tell: Tell,
        most: int | None = None,
    ) -> None:
        self._host = host
        self._capacity = capacity
        self._choose, self._most = choose, most
        self._runner = runner
        self._key = key
        self._tell = tell
        self._draw: Draw = random.random
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._seats: tuple[Seat, ...] = ()
        self._starting: list[_Start] = []
        self._dead: list[str] = []
        self._failure: StartError | None = None
        self._pause_s, self._paused_until = self.first_pause_s, 0.0
        self._closed = False

    @property
    def running(self) -> int:
        """How many instances answer."""
        return len(self._seats)

    @property
    def outstanding(self) -> int:
        """How many requests are with instances."""
        return sum(seat.outstanding for seat in self._seats)

    def resize(self, capacity: Capacity) -> None:
        """Have another capacity from now on; what could not be started before is tried again."""
        with self._changed:
            self._capacity, self._failure, self._paused_until = capacity, None, 0.0
        self.adjust()

    def adjust(self) -> None:
        """Begin to start what is missing and to stop what is too much; does not wait. A dead instance is missing."""
        with self._changed:
            if self._closed:
                return
            for seat in self._seats:
                if not seat.server.alive():
                    self._bury(seat)
            excess = len(self._seats) + len(self._starting) - self._wanted()
            if excess < 0 and time.monotonic() >= self._paused_until:
                for _ in range(-excess):
                    self._begin_start()
            for start in self._starting[: max(0, excess)]:
                start.task.stop.set()
                excess -= 1
            for seat in sorted(self._seats, key=lambda seat: seat.outstanding)[: max(0, excess)]:
                self._retire(seat)

    def wait(self, stop: threading.Event) -> None:
        """Return when as many instances answer as are to. Raises StartError, also where `stop` is set before that."""
        with self._changed:
            while not (stop.is_set() or self._closed):
                if self._failure is not None:
                    raise self._failure
                if not self._starting and len(self._seats) == self._wanted():
                    return
                self._changed.wait(LOOK_S)
        raise StartError("it was stopped while it started")

    def take(self, key: str = "", only: str = "") -> Seat | None:
        """A seat for one request, with an instance that lives; `leave` it. Requests of one `key` go to one instance, as long as the
        instances are the same; with `only`, it is the instance of that id. None where one is starting, or none has room: ask again. Does
        not wait. Raises SeatGoneError for an instance that is not there any more, FleetGoneError, InstanceDownError."""
        while True:
            with self._lock:
                seats = self._seats
                if only:
                    seats = tuple(seat for seat in seats if seat.server.id == only)
                    if not seats:
                        raise SeatGoneError
                if not seats:
                    self._fetch()
                    return None
                if not seats[1:]:
                    seat = seats[0]
                elif key:
                    seat = max(seats, key=lambda each: crc32(f"{key} {each.server.id}".encode()))
                else:
                    seat = seats[self._choose([each.outstanding for each in seats], self._draw)]
                if self._most is not None and seat.outstanding >= self._most:
                    self.adjust()
                    return None
                seat.outstanding += 1
            now = time.monotonic()
            if now - seat.seen < SEEN_S:
                return seat
            if seat.server.alive():  # asks the system: without the lock
                seat.seen = now
                return seat
            self.leave(seat)
            with self._changed:
                self._bury(seat)

    def leave(self, seat: Seat) -> None:
        """The request is answered."""
        with self._lock:
            seat.outstanding -= 1
            if seat.leaving:
                self._changed.notify_all()

    def close(self) -> list[Task]:
        """Begin to stop every instance, finishing what is in flight; the tasks that do so. Nothing is started any more."""
        with self._changed:
            self._closed = True
            for start in self._starting:
                start.task.stop.set()
            tasks = [*(start.task for start in self._starting), *(self._retire(seat) for seat in self._seats)]
            self._changed.notify_all()
        return tasks

    # What follows but the tasks' own work is called with the lock held.

    def _wanted(self) -> int:
        outstanding = sum(seat.outstanding for seat in self._seats)
        return self._capacity.instances(Load(running=len(self._seats), outstanding=outstanding))

    def _fetch(self) -> None:
        """Have an instance started where there is none, or say why none comes."""
        self.adjust()
        if self._closed:
            raise FleetGoneError
        if not self._starting and not self._seats:
            reason = f"the instance died and cannot be replaced: {self._failure}" if self._failure else "no instance"
            raise InstanceDownError(reason)

    def _bury(self, seat: Seat) -> None:
        if seat not in self._seats:
            return  # another request saw it first
        self._seats = tuple(other for other in self._seats if other is not seat)
        self._dead.append(seat.server.id)
        self._tell("Died", {"instance": seat.server.id})
        self._begin("clean", lambda _: self._host.stop(seat.server, 0))

    def _begin_start(self) -> None:
        start = _Start(self._dead.pop() if self._dead else None)
        self._starting.append(start)
        start.task = self._begin("start", partial(self._start, start), partial(self._not_started, start))

    def _retire(self, seat: Seat) -> Task:
        seat.leaving = True
        self._seats = tuple(other for other in self._seats if other is not seat)
        return self._begin("stop", lambda _: self._drain(seat))

    def _begin(self, verb: str, work: Work, failed: Callable[[Exception], None] | None = None) -> Task:
        return self._runner.begin((*self._key, verb), work, failed)

    # The work of tasks.

    def _start(self, start: _Start, stop: threading.Event) -> None:
        try:
            server = self._host.start(stop)
        except StartError as error:
            self._not_started(start, error, stopped=stop.is_set())
            return
        with self._changed:
            self._starting.remove(start)
            left_over = self._closed or stop.is_set()
            if not left_over:
                self._seats = (*self._seats, Seat(server))
                self._failure, self._pause_s = None, self.first_pause_s
            self._changed.notify_all()
        if left_over:
            self._host.stop(server, 0)
        elif start.replaces:
            self._tell("Replaced", {"instance": server.id, "dead": start.replaces})
        else:
            self._tell("Started", {"instance": server.id})

    def _not_started(self, start: _Start, error: Exception, *, stopped: bool = False) -> None:
        with self._changed:
            self._starting.remove(start)
            if start.replaces:
                self._dead.append(start.replaces)
            if not stopped:
                self._failure = error if isinstance(error, StartError) else StartError(repr(error))
                self._paused_until = time.monotonic() + self._pause_s
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            self._changed.notify_all()

    def _drain(self, seat: Seat) -> None:
        with self._changed:
            self._changed.wait_for(lambda: seat.outstanding == 0, STOP_GRACE_S)
        self._host.stop(seat.server, STOP_GRACE_S)
        self._tell("Stopped", {"instance": seat.server.id})
