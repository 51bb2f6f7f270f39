"""Connections to an instance: kept alive, used again, and every way in which an answer does not come."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from fogbank.cloud.ground.live import Flow
from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError, Lines, Reply
from fogbank.ground.ports import free_port

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nhi"


class Script:
    """A server whose connections all do the same; `heads` are the requests' that it got, `connections` how many came."""

    def __init__(self, answer: bytes | None, *, close: bool = False) -> None:
        self.answer, self.close = answer, close
        self.heads: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
                self.heads.append(head)
                if self.answer is not None:
                    writer.write(self.answer)
                    await writer.drain()
                if self.close:
                    return


@contextlib.asynccontextmanager
async def lines_to(script: Script) -> AsyncIterator[Lines]:
    server = await asyncio.start_server(script.talk, "127.0.0.1", 0)
    lines = Lines(server.sockets[0].getsockname()[1])
    async with server:
        yield lines
        lines.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def ask(lines: Lines, body: bytes = b"body", timeout_s: float = 20.0) -> Any:
    replied: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    lines.ask(body, {"x-a": "1"}, timeout_s, replied.set_result)
    return await replied


def outcome(script: Script, times: int = 1, timeout_s: float = 20.0) -> Any:
    async def run() -> Any:
        async with lines_to(script) as lines:
            return [await ask(lines, timeout_s=timeout_s) for _ in range(times)][-1]

    return asyncio.run(run())


def test_a_connection_is_used_again() -> None:
    script = Script(OK)
    reply = outcome(script, times=3)

    assert isinstance(reply, Reply)
    assert (reply.status, reply.data, reply.headers["content-type"]) == (200, b"hi", "a/b")
    assert (len(script.heads), script.connections) == (3, 1)
    assert script.heads[0].startswith(b"POST /invocations HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\nx-a: 1\r\ncontent-length: 4\r\n\r\n" in script.heads[0]


@pytest.mark.parametrize(
    ("answer", "close"),
    [
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, False),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", True),
    ],
)
def test_every_form_of_an_answer_that_is_whole(answer: bytes, close: bool) -> None:
    reply = outcome(Script(answer, close=close), times=2)

    assert (reply.status, reply.data) == (200, b"hi")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "the connection broke"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", "the connection broke"),
        (b"", "the connection broke"),
        (b"SSH-2.0\r\n", "the answer is not HTTP"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(answer: bytes, why: str) -> None:
    reply = outcome(Script(answer, close=True))

    assert isinstance(reply, InstanceDownError)
    assert why in str(reply)


def test_an_answer_that_does_not_come_in_time_is_none_and_its_connection_is_not_used_again() -> None:
    script = Script(None)
    reply = outcome(script, times=2, timeout_s=0.05)

    assert isinstance(reply, InstanceTimeoutError)
    assert script.connections == 2


def test_nobody_there_is_down() -> None:
    reply = asyncio.run(ask(Lines(free_port())))

    assert isinstance(reply, InstanceDownError)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async def run() -> tuple[list[Any], int]:
        script = Script(OK, close=True)
        async with lines_to(script) as lines:
            replies = []
            for _ in range(3):
                replies.append(await ask(lines))
                await asyncio.sleep(0.02)
            return replies, script.connections

    replies, connections = asyncio.run(run())
    assert [reply.data for reply in replies] == [b"hi"] * 3
    assert connections == 3


def test_a_connection_that_was_closed_while_the_loop_was_busy_is_not_used_again() -> None:
    leave, left = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        listener.settimeout(20)
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(OK)
                leave.wait(20)
            left.set()

    async def run(port: int) -> tuple[Any, Any]:
        lines = Lines(port)
        first = await ask(lines)
        leave.set()
        left.wait(20)  # the loop does nothing meanwhile
        second = await ask(lines)
        lines.close()
        return first, second

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        replies = asyncio.run(run(listener.getsockname()[1]))
        server.join()

    assert [(reply.status, reply.data) for reply in replies] == [(200, b"hi")] * 2


def test_a_body_of_megabytes_arrives_whole() -> None:
    async def run() -> Any:
        async with lines_to(Script(OK)) as lines:
            return await ask(lines, b"x" * (5 << 20))

    assert asyncio.run(run()).data == b"hi"


class Taken:
    """A sink: what it got, and the flow that it came from."""

    def __init__(self, *, leaves: bool = False) -> None:
        self.leaves = leaves
        self.pieces: list[bytes] = []
        self.begun: list[tuple[int, str]] = []

    def begins(self, status: int, headers: Mapping[str, str], flow: Flow) -> None:
        self.begun.append((status, headers["content-type"]))
        flow.pause()
        asyncio.get_running_loop().call_later(0.01, flow.resume)
        if self.leaves:
            asyncio.get_running_loop().call_later(0.02, flow.leave)

    def piece(self, data: bytes) -> None:
        self.pieces.append(data)


def taken(answer: bytes, sink: Taken, *, close: bool = False, times: int = 1) -> tuple[Any, int]:
    """What who asked hears in the end, and how many connections it took."""

    async def run() -> tuple[Any, int]:
        script = Script(answer, close=close)
        async with lines_to(script) as lines:
            for _ in range(times):
                replied: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                lines.ask(b"body", {}, 20.0, replied.set_result, sink)
                reply = await replied
            return reply, script.connections

    return asyncio.run(run())


CHUNKS = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n"


def test_a_reply_in_pieces_goes_to_its_sink_and_the_connection_is_used_again() -> None:
    sink = Taken()
    reply, connections = taken(CHUNKS + b"0\r\n\r\n", sink, times=2)

    assert (reply.status, reply.data, connections) == (200, b"", 1)
    assert b"".join(sink.pieces) == b"onetwo" * 2
    assert sink.begun == [(200, "a/b")] * 2


def test_a_reply_of_a_known_length_and_one_that_is_no_success_are_whole() -> None:
    sink = Taken()
    assert taken(OK, sink)[0].data == b"hi"
    refused = taken(CHUNKS.replace(b"200 OK", b"500 No") + b"0\r\n\r\n", sink)[0]

    assert (refused.status, refused.data) == (500, b"onetwo")
    assert (sink.begun, sink.pieces) == ([], [])


def test_pieces_that_break_off_and_a_sink_that_leaves_are_told_to_who_asked() -> None:
    sink = Taken()
    broken = taken(CHUNKS, sink, close=True)[0]
    left = taken(CHUNKS, Taken(leaves=True))[0]

    assert b"".join(sink.pieces) == b"onetwo"
    assert isinstance(broken, InstanceDownError)
    assert "the connection broke" in str(broken)
    assert "nobody takes the answer any more" in str(left)
