"""The HTTP server under the cloud: one loopback port, an event loop in one thread, as many peers as come.

In: a handler of requests; out: their answers on the wire. What takes its time the handler hands to threads of the runner's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from pathlib import Path

import uvloop

from fogbank.cloud.ground.connection import CONNECTIONS_LIMIT, Connection, Handler, Heard
from fogbank.cloud.ground.peer import Peers
from fogbank.cloud.ground.runner import Runner

BACKLOG = 1024
SWEEP_S = 5.0
CLOSE_LIMIT_S = 5.0


class Server:
    """A server on a loopback port, 0 for any: it listens from now on and answers when it is started. Raises OSError.

    Long bodies lie in files of the folder `incoming` while their requests are answered, if they are `heard`. More peers than `most` are
    told so.
    """

    def __init__(
        self,
        port: int,
        handler: Handler,
        incoming: Path,
        heard: Heard = lambda _: None,
        most: int = CONNECTIONS_LIMIT,
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._handler, self._incoming, self._heard, self._most = handler, incoming, heard, most
        self._connections: set[Connection] = set()
        self._peers = Peers()
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._left = asyncio.Event()
        self._ended = threading.Event()
        self._started = False

    def start(self, runner: Runner) -> None:
        """Answer, in a thread of the runner's."""
        self._started = True
        runner.last("front", self._run)

    def close(self) -> None:
        """Answer what was asked, take no more. Returns when nothing is open any more."""
        if not self._started:
            self._listener.close()
            self._loop.close()
            return
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._left.set)
        self._ended.wait(2 * CLOSE_LIMIT_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()
            self._ended.set()

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._connection, sock=self._listener, backlog=BACKLOG)
        self._sweep()
        await self._left.wait()
        server.close()
        for connection in list(self._connections):
            connection.leave()
        deadline = time.monotonic() + CLOSE_LIMIT_S
        while self._connections:
            if time.monotonic() > deadline:
                for connection in list(self._connections):
                    connection.abort()
            await asyncio.sleep(0.01)

    def _connection(self) -> Connection:
        return Connection(self._handler, self._connections, self._incoming, self._peers, self._heard, self._most)

    def _sweep(self) -> None:
        now = time.monotonic()
        for connection in list(self._connections):
            connection.let_go(now)
        self._loop.call_later(SWEEP_S, self._sweep)
