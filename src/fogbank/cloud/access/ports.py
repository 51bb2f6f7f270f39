"""The ports of what is declared: one server each, on loopback, as long as the thing is there.

In: a name, and what answers; out: its port, the one that it had before where that is free.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.runner import Runner, Threads
from fogbank.cloud.ground.server import Server
from fogbank.cloud.ground.wire import Answer, Request

log = logging.getLogger("fogbank.cloud")
MOST = 256
"""Connections of one port at once."""
THREADS = 64
"""Requests that are answered at once, of all ports."""
FAILED = Answer(status=500, headers={"content-type": "application/json"}, body=b'{"message":"Internal Server Error"}')
Answers = Callable[[Request], Answer]


class Ports:
    """Servers by name; safe from many threads. Long bodies lie in the folder `incoming`."""

    def __init__(self, runner: Runner, incoming: Path) -> None:
        self._runner, self._incoming, self._lock = runner, incoming, threading.Lock()
        self._threads: Threads = runner.threads("access", THREADS)
        self._servers: dict[str, Server] = {}

    def open(self, name: str, wanted: int, answers: Answers) -> int:
        """Listen and answer; the port. Raises OSError."""
        handler = partial(self._begin, answers)
        try:
            server = Server(wanted, handler, self._incoming, most=MOST)
        except OSError:
            if not wanted:
                raise
            server = Server(0, handler, self._incoming, most=MOST)
        with self._lock:
            self._servers[name] = server
        server.start(self._runner)
        return server.port

    def close(self, name: str) -> None:
        """Answer nothing there any more."""
        with self._lock:
            server = self._servers.pop(name, None)
        if server is not None:
            server.close()

    def close_all(self) -> None:
        """Nothing anywhere."""
        for name in list(self._servers):
            self.close(name)

    def _begin(self, answers: Answers, request: Request, done: Done) -> None:
        self._threads.submit(partial(self._answer, answers, request, done, asyncio.get_running_loop()))

    def _answer(self, answers: Answers, request: Request, done: Done, loop: asyncio.AbstractEventLoop) -> None:
        try:
            answer = answers(request)
        except Exception:  # a bug, a full disk: who asked gets an answer, the log the traceback
            log.exception("%s %s", request.method, request.path)
            answer = FAILED
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(done, answer)
