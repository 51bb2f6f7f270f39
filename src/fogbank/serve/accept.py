"""Taking connections from the socket that all workers share, so that none takes more than its share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from enum import Enum
from functools import partial

from fogbank.ground.peers import Kernel
from fogbank.serve.connection import Connection, Connections

log = logging.getLogger("fogbank.serve")
WAIT_FOR_OTHERS_S = 0.005
WAIT_FOR_READY_S = 0.02
AT_A_TURN = 64
WAIT_FOR_DESCRIPTORS_S = 0.1
REFUSED_S = 0.2
"""So long a peer that is refused has to read that it is: closed at once, what it still says would take the answer back."""
REFUSED = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Turn(Enum):
    """Whose turn it is to take the next connection."""

    MINE = "take it"
    ANOTHERS = "leave it to another for a moment, then take it"
    NEVER_MINE = "leave it to another"


class Acceptor:
    """Accepts a few connections at a turn. `turn` says whose it is, for a worker that has so many connections; `user` is the one whose
    connections alone are taken, where it is known."""

    def __init__(
        self, listener: socket.socket, connections: Connections, turn: Callable[[int], Turn], user: int | None = None
    ) -> None:
        self._kernel = None if user is None else Kernel()
        self._user = user
        self._listener, self._connections, self._turn = listener, connections, turn
        self._loop = connections.loop
        self._open = True
        self._loop.add_reader(listener, self._accept)

    async def close(self) -> None:
        """Take what waits at the socket, then close it."""
        self._open = False
        self._loop.remove_reader(self._listener)
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._admits(connection):
                    self._connections.coming += 1
                    await self._take(connection)
                else:
                    connection.close()
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(AT_A_TURN):
            turn = self._turn(self._connections.count())
            if turn is not Turn.MINE:
                self._pause(WAIT_FOR_OTHERS_S if turn is Turn.ANOTHERS else WAIT_FOR_READY_S)
                return
            if not self._accept_one():
                return

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._accept_again)

    def _accept_again(self) -> None:
        if self._open:
            self._loop.add_reader(self._listener, self._accept)
            if self._turn(self._connections.count()) is not Turn.NEVER_MINE:
                self._accept_one()

    def _accept_one(self) -> bool:
        """Take one connection; whether there was one."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:  # no descriptor is free, say: the connection waits at the socket
            log.warning("cannot accept a connection: %s", error)
            self._pause(WAIT_FOR_DESCRIPTORS_S)
            return False
        if not self._admits(connection):
            self._loop.call_later(REFUSED_S, connection.close)
            return True
        self._connections.coming += 1
        self._connections.count()
        task: asyncio.Task[None] = self._loop.create_task(self._take(connection))
        self._connections.tasks.add(task)
        task.add_done_callback(self._connections.tasks.discard)
        return True

    def _admits(self, connection: socket.socket) -> bool:
        """Whether the peer is the user who may ask; another is told so, if it listens."""
        if self._kernel is None or connection.family != socket.AF_INET:
            return True
        with contextlib.suppress(OSError):
            owner = self._kernel.owner(connection.getsockname(), connection.getpeername())
            if owner is not None and owner.uid == self._user:
                return True
            connection.send(REFUSED)
            connection.shutdown(socket.SHUT_WR)
        return False

    async def _take(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(partial(Connection, self._connections), connection)
        finally:
            self._connections.coming -= 1
