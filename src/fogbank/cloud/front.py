"""The whole life of a request, on one screen: guard, the data plane, ours, moto, loud error.

In: a request on the event loop; out: its answer there. Invocations stay on the loop; whatever else there is has a thread for it.
Nothing here knows a resource.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol
from urllib.parse import urlparse

from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.runner import Threads
from fogbank.cloud.ground.wire import Answer, Request, error_answer

log = logging.getLogger("fogbank.cloud")
LOOPBACK = re.compile(r"(127(\.\d+){3}|localhost|\[::1\]|(?P<bucket>[a-z0-9.-]+)\.localhost)(:\d+)?", re.IGNORECASE)
CLOUDWATCH_READS = ("GetMetric", "ListMetrics")


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


class Front:
    """What the one port answers: the first of `doors` that takes a request, else moto. `calls`, one of the doors, may wait for long:
    it has threads of its own, so that who waits there keeps nobody out."""

    def __init__(
        self,
        data_plane: DataPlane,
        calls: Door,
        doors: Sequence[Door],
        moto: Callable[[Request], Answer],
        before_metrics: Callable[[], None],
        threads: Callable[[str], Threads],
    ) -> None:
        self._data_plane, self._calls = data_plane, calls
        self._doors = (calls, *doors)
        self._moto = moto
        self._before_metrics = before_metrics
        self._threads, self._waiters = threads("request"), threads("call")

    def __call__(self, request: Request, done: Done) -> None:
        """Answer one request, on the event loop."""
        if self._data_plane.takes(request):
            refusal = guard(request)
            if refusal:
                done(refusal)
            else:
                self._data_plane.start(request, done)
            return
        threads = self._waiters if self._calls.takes(request) else self._threads
        threads.submit(partial(self._answer, request, done, asyncio.get_running_loop()))

    def handle(self, request: Request) -> Answer:
        """Guard, ours first, moto second."""
        refusal = guard(request)
        if refusal:
            return refusal
        request = path_style(request)
        door = next((door for door in self._doors if door.takes(request)), None)
        if door is not None:
            with contextlib.suppress(NotOursError):
                return door.handle(request)
        if request.service == "monitoring" and _reads_metrics(request):
            self._before_metrics()
        return self._moto(request)

    def _answer(self, request: Request, done: Done, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread."""
        try:
            answer = self.handle(request)
        except Exception as error:  # a full disk, a bug: the caller gets an AWS error, the log the traceback
            log.exception("%s %s", request.method, request.path)
            answer = error_answer(
                request, 500, "InternalFailure", f"the local cloud failed: {error!r}; see `fogbank cloud logs`"
            )
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(done, answer)


def _reads_metrics(request: Request) -> bool:
    operation = (
        request.headers.get("x-amz-target", "").rpartition(".")[2]
        or request.path.rpartition("/")[2]
        or request.body[:200].decode(errors="replace")
    )
    return any(name in operation for name in CLOUDWATCH_READS)


def guard(request: Request) -> Answer | None:
    """Refuse what does not come from this machine: a foreign Host (DNS rebinding) or a foreign Origin (a web page)."""
    if not LOOPBACK.fullmatch(request.headers.get("host", "")):
        return error_answer(
            request, 403, "AccessDenied", "the local cloud answers on loopback names only (127.0.0.1, localhost)"
        )
    origin = request.headers.get("origin")
    if origin is not None and not LOOPBACK.fullmatch(urlparse(origin).netloc):
        return error_answer(request, 403, "AccessDenied", f"the local cloud does not answer pages of {origin}")
    return None


def path_style(request: Request) -> Request:
    """`bucket.localhost/key` as `localhost/bucket/key`: boto3 addresses buckets so when the endpoint is called localhost."""
    match = LOOPBACK.fullmatch(request.headers["host"])
    if match is None or not match["bucket"] or request.service not in {"s3", ""}:
        return request
    host = "localhost" + (match[4] or "")
    return replace(request, path=f"/{match['bucket']}{request.path}", headers={**request.headers, "host": host})
