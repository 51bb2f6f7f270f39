"""How many peers a worker takes; what it says to them is in tests/contracts/container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from fogbank.serve.connection import Connection, Connections
from fogbank.serve.problems import RequestError
from fogbank.serve.protocol import Bodies, Reply, Request, refusal
from fogbank.serve.scoreboard import Scoreboard


class Quick:
    """A service that answers at once."""

    def __init__(self) -> None:
        self.bodies, self.leaving = Bodies(1000), False

    def answers(self, requests: Sequence[Request]) -> Sequence[Reply]:
        return [Reply(200, b"ok", "text/plain") for _ in requests]

    def overloaded(self, waiting: int) -> RequestError | None:
        return None

    def refuse(self, request: Request, error: RequestError) -> Reply:
        return refusal(error)

    def finished(self, request: Request, status: int, sent: int) -> None:
        """Nothing is counted."""

    async def pieces(self, reply: Reply) -> AsyncGenerator[bytes]:
        yield b""


def test_more_peers_than_a_worker_takes_are_told_so_and_the_others_stay() -> None:
    async def told() -> tuple[bytes, bytes, bytes]:
        connections = Connections(Quick(), 10.0, Scoreboard(1).slots[0], most=1)
        server = await asyncio.get_running_loop().create_server(lambda: Connection(connections), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def ask(peer: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
            peer[1].write(b"GET /ping HTTP/1.1\r\nhost: a\r\n\r\n")
            return await peer[0].read(4096)

        first = await asyncio.open_connection("127.0.0.1", port)
        stays = await ask(first)
        second = await asyncio.open_connection("127.0.0.1", port)
        refused = await second[0].read()
        again = await ask(first)
        for peer in (first, second):
            peer[1].close()
        server.close()
        return stays, refused, again

    stays, refused, again = asyncio.run(told())

    assert stays.startswith(b"HTTP/1.1 200 ")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert again.startswith(b"HTTP/1.1 200 ")
