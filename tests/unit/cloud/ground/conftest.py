"""A server of a test's own, and peers that speak to it byte by byte."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.server import Server
from fogbank.cloud.ground.wire import Answer, Request


class Served:
    """A server that answers each request with `answer`, in a thread when `go` is set; `asked` counts requests,
    `received` are those that are answered."""

    def __init__(self, incoming: Path) -> None:
        self.incoming = incoming
        self.received: list[Request] = []
        self.asked = 0
        self.answer: Callable[[Request], Answer] = lambda _: Answer(status=207, headers={"X-A": "1"}, body=b"answer")
        self.go = threading.Event()
        self.go.set()
        self._runner = Runner()
        self._threads = self._runner.threads("answers", 4)
        self.server = Server(0, self._handle, incoming)
        self.server.start(self._runner)

    @property
    def port(self) -> int:
        return self.server.port

    def _handle(self, request: Request, done: Done) -> None:

        loop = asyncio.get_running_loop()
        self.asked += 1

        def work() -> None:
            assert self.go.wait(20)
            if request.payload.size:
                assert len(request.body) == request.payload.size
            self.received.append(request)
            loop.call_soon_threadsafe(done, self.answer(request))

        self._threads.submit(work)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(20)
        return connection

    def say(self, data: bytes, *, end: bool = True) -> bytes:
        """All that the server answers to these bytes until it closes; with `end` the peer says that nothing more comes."""
        with self.connect() as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    answer = bytearray()
    while part := connection.recv(1 << 16):
        answer += part
    return bytes(answer)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "incoming").mkdir()
    served = Served(tmp_path / "incoming")
    yield served
    served.go.set()
    served.server.close()
