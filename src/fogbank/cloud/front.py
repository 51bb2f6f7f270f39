"""The whole life of a request, on one screen: the gate, the data plane, ours, moto, loud error.

In: a request on the event loop; out: its answer there. Invocations stay on the loop; whatever else there is has a thread for it.
Nothing here knows a resource.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.gate import LOOPBACK, Gate
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.runner import Threads
from fogbank.cloud.ground.wire import Answer, Request, error_answer, too_deep

log = logging.getLogger("fogbank.cloud")


class Door(Protocol):
    """A room that answers requests of its own."""

    def takes(self, request: Request) -> bool:
        """Whether the request is for this room."""

    def handle(self, request: Request) -> Answer:
        """Answer it. Raises NotOursError where it turns out to be about something that moto has."""


class DataPlane(Protocol):
    """The room that answers on the event loop."""

    def takes(self, request: Request) -> bool:
        """Whether the request is for this room."""

    def start(self, request: Request, done: Done) -> None:
        """Begin to answer it; does not wait."""


class Waits(Protocol):
    """The room of requests that may wait for long and hold no thread meanwhile."""

    def takes(self, request: Request) -> bool:
        """Whether the request is for this room."""

    def start(self, request: Request, told: Callable[[Answer], None]) -> None:
        """Begin to answer it, in a thread; `told` gets the answer, now or later, in any thread."""


class Rights(Protocol):
    """What IAM says, where it is enforced."""

    def refusal(self, request: Request) -> Answer | None:
        """Why a request is not answered."""

    def hidden(self, request: Request, answer: Answer) -> Answer:
        """An answer as who asks may know it."""


class Everything:
    """IAM is not enforced."""

    @staticmethod
    def refusal(request: Request) -> Answer | None:
        """Nothing is refused."""
        del request
        return None

    @staticmethod
    def hidden(request: Request, answer: Answer) -> Answer:
        """Nothing is hidden."""
        del request
        return answer


class Front:
    """What the one port answers: the first of `doors` that takes a request, else moto. `calls`, one of the doors, may wait for long:
    it has threads of its own, so that who waits there keeps nobody out."""

    def __init__(
        self,
        gate: Gate,
        data_plane: DataPlane,
        calls: Door,
        doors: Sequence[Door],
        moto: Callable[[Request], Answer],
        waits: Waits,
        threads: tuple[Threads, Threads],
        rights: Rights,
    ) -> None:
        """`threads` are those of requests, and those of `calls`."""
        self._rights = rights
        self._gate, self._data_plane, self._calls, self._waits = gate, data_plane, calls, waits
        self._doors = (calls, *doors)
        self._moto = moto
        self._threads, self._waiters = threads

    def __call__(self, request: Request, done: Done) -> None:
        """Answer one request, on the event loop."""
        quick = request.payload.temporary is None and request.peer.is_known
        if quick and self._data_plane.takes(request):
            refusal = self._gate.refusal(request) or self._rights.refusal(request)
            if refusal:
                done(refusal)
            else:
                self._data_plane.start(request, done)
            return
        threads = self._waiters if self._calls.takes(request) else self._threads
        threads.submit(partial(self._answer, request, done, asyncio.get_running_loop()))

    def inside(self, request: Request) -> Answer | None:
        """Answer the cloud's own rooms in their own thread; None for what is answered on the event loop alone."""
        return None if self._data_plane.takes(request) else self._inside(request)

    def _inside(self, request: Request) -> Answer:
        """Ours first, moto second."""
        request = path_style(request)
        if (closed := self._gate.closed(request) or self._rights.refusal(request)) is not None:
            return closed
        return self._rights.hidden(request, self._served(request))

    def _served(self, request: Request) -> Answer:
        door = next((door for door in self._doors if door.takes(request)), None)
        if door is not None:
            with contextlib.suppress(NotOursError):
                return door.handle(request)
        return self._moto(request)

    def _answer(self, request: Request, done: Done, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread."""

        def tell(answer: Answer) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(done, answer)

        try:
            refusal = self._gate.refusal(request)
            if refusal is not None:
                tell(refusal)
            elif not (takes := self._data_plane.takes(request)) and not self._waits.takes(request):
                tell(self._inside(request))
            elif (forbidden := self._rights.refusal(request)) is not None:
                tell(forbidden)
            elif takes:  # it is its peer's first, or has a long body
                loop.call_soon_threadsafe(self._data_plane.start, request, done)
            else:
                self._waits.start(request, tell)
        except RecursionError:
            log.info("%s %s is nested too deeply", request.method, request.path, exc_info=True)
            tell(too_deep(request))
        except Exception as error:  # a full disk, a bug: the caller gets an AWS error, the log the traceback
            log.exception("%s %s", request.method, request.path)
            failed = f"the local cloud failed: {error!r}; see `fogbank cloud logs`"
            tell(error_answer(request, 500, "InternalFailure", failed))


def path_style(request: Request) -> Request:
    """`bucket.localhost/key` as `localhost/bucket/key`: boto3 addresses buckets so when the endpoint is called localhost."""
    match = LOOPBACK.fullmatch(request.headers["host"])
    if match is None or not match["bucket"] or request.service not in {"s3", ""}:
        return request
    host = "localhost" + (match[4] or "")
    return replace(request, path=f"/{match['bucket']}{request.path}", headers={**request.headers, "host": host})
