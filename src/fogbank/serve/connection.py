"""HTTP/1.1 on one socket, over httptools' parser: whole requests to the service, each answer in one write.

What is quick is answered in the turn of the loop that it arrives in, without a task. Pipelined requests wait for theirs; a
streamed answer heeds the peer's pace; a peer that sends half a request, or nothing, is let go in time (`Connections.sweep`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

import httptools

from fogbank.serve.problems import RequestError, overloaded
from fogbank.serve.protocol import Bodies, Reply, Request, refusal
from fogbank.serve.scoreboard import Field, Slot
from fogbank.serve.service import failure

log = logging.getLogger("fogbank.serve")
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
HEADERS_LIMIT = 64 * 1024
TOO_LONG = RequestError(431, f"the request's head is larger than {HEADERS_LIMIT} bytes")
CONNECTIONS_LIMIT = 4096
"""Peers of one worker at once; each may hold a head of HEADERS_LIMIT."""
KEEP_ALIVE_S = 75.0
LINGER_S = 0.3
"""A connection that has been idle this long while the server leaves is closed."""


class AnyService(Protocol):
    """What a connection asks of the service behind it; of one model (`service`) or of many (`multi_model`)."""

    bodies: Bodies
    leaving: bool

    def answers(self, requests: Sequence[Request]) -> Sequence[Reply | Coroutine[Any, Any, Reply]]:
        """The answers to the first of these requests, which came at the same moment, at once or later."""

    def overloaded(self, waiting: int) -> RequestError | None:
        """Why one more request is not taken, where so many wait for their turn already."""

    def refuse(self, request: Request, error: RequestError) -> Reply:
        """The answer to a request whose body is not taken."""

    def finished(self, request: Request, status: int, sent: int) -> None:
        """The answer is written."""

    def pieces(self, reply: Reply) -> AsyncGenerator[bytes]:
        """A streamed answer's pieces."""


class Connections:
    """A worker's open connections."""

    def __init__(self, service: AnyService, timeout_s: float, slot: Slot, most: int = CONNECTIONS_LIMIT) -> None:
        self.most = most
        self.service, self._timeout_s, self._slot = service, timeout_s, slot
        self.open: set[Connection] = set()
        self.coming = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        self._arrived: list[tuple[Connection, Request]] = []

    def arrived(self, connection: Connection, request: Request) -> None:
        """A whole request: it is answered with all others that arrive in the same turn of the loop.

        First every answer is made, then every answer is written: code that runs back to back runs from warm caches, and
        a write in between, which goes through the kernel and wakes the peer, costs the next answer twice its time.
        """
        if request.path != "/invocations":  # /ping waits behind no invocation
            connection.send(request, self.service.answers([request])[0])
            return
        if not self._arrived:
            self.loop.call_soon(self._answer_arrived)
        refused = self.service.overloaded(len(self._arrived))
        if refused is None:
            self._arrived.append((connection, request))
        else:
            connection.send(request, self.service.refuse(request, refused))

    def _answer_arrived(self) -> None:
        arrived = self._arrived
        try:
            answers = self.service.answers([request for _, request in arrived])
        except Exception as error:  # noqa: BLE001 - a request that is never answered would hold its connection for ever
            answers = [failure(error)] * len(arrived)
        self._arrived = arrived[len(answers) :]
        if self._arrived:
            self.loop.call_soon(self._answer_arrived)
        for (connection, request), answer in zip(arrived, answers, strict=False):
            try:
                connection.send(request, answer)
            except Exception:  # one peer's answer that cannot be written must not keep the others waiting for theirs
                log.exception("an answer could not be written")
                connection.close()

    def count(self) -> int:
        """Connections that are open or about to be, as the other workers may see too."""
        number = len(self.open) + self.coming
        self._slot[Field.CONNECTIONS] = number
        return number

    def sweep(self, now: float) -> None:
        """Let go of peers that keep a request, or the silence between two, for too long."""
        for connection in list(self.open):
            connection.let_go(now, self._timeout_s)

    async def drain(self, limit_s: float) -> None:
        """Return when every connection is closed: busy ones after their answer, idle ones after a moment to say more."""
        started = time.monotonic()
        while self.open and time.monotonic() < started + limit_s:
            if time.monotonic() > started + LINGER_S:
                for connection in [connection for connection in self.open if connection.idle()]:
                    connection.close()
            await asyncio.sleep(0.01)


class Connection(asyncio.Protocol):
    """One peer."""

    def __init__(self, connections: Connections) -> None:
        self._connections, self._service = connections, connections.service
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._writable: asyncio.Event | None = None
        self._waiting: deque[tuple[Request, Reply | None]] = deque()
        self._busy = self._last = False
        self._chunk = self._counted = 0
        self._refused: RequestError | None = None
        self._begin(in_head=False)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer is there."""
        self._transport = transport  # type: ignore[assignment]  # of a socket, so it is a Transport
        crowded = len(self._connections.open) >= self._connections.most
        self._connections.open.add(self)
        if crowded:
            self._refuse_rest(overloaded(f"{self._connections.most} connections are open already"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone."""
        del exc
        self._connections.open.discard(self)
        self._connections.count()
        self._service.bodies.done(self._counted)
        self._counted = 0
        self._waiting.clear()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Bytes of one or more requests."""
        self._chunk = len(data)
        try:
            self._parser.feed_data(data)
            if self._in_head:
                self._head_size += self._chunk
                if self._head_size > HEADERS_LIMIT:
                    self._refuse_rest(TOO_LONG)
        except httptools.HttpParserUpgrade:
            self._last = True  # the request is answered as it is; what follows it would be another protocol
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse_rest(
                cause if isinstance(cause, RequestError) else RequestError(400, "the request is not HTTP")
            )
        except httptools.HttpParserError as error:
            self._refuse_rest(RequestError(400, f"the request is not HTTP: {error}"))

    def eof_received(self) -> bool:
        """The peer says no more; whether it still waits for an answer."""
        self._last = True
        return self._busy

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        """The peer reads again, or is gone."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin(in_head=True)

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The body is next: refuse it now where it is refused anyway."""
        self._in_head = False
        seen = self._head_size + self._chunk  # with bytes of the body, perhaps: only then it is counted
        if seen > HEADERS_LIMIT and sum(map(len, (self._url, *self._headers, *self._headers.values()))) > HEADERS_LIMIT:
            raise TOO_LONG
        self._refused = self._service.bodies.declared(self._headers)
        if (
            b"expect" in self._headers
            and self._headers[b"expect"].lower() == b"100-continue"
            and not self._refused
            and not self._busy
        ):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body; of one that is refused nothing is kept."""
        if self._refused is not None:
            return
        self._size += len(body)
        self._counted += len(body)
        self._refused = self._service.bodies.arrived(len(body), self._size)
        self._body.append(body)
        if self._refused is not None:
            self._body.clear()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._service.bodies.done(self._counted)
        self._counted, self._partial = 0, False
        self._last = self._last or not self._parser.should_keep_alive()
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        method, target = self._parser.get_method().decode("ascii"), self._url.decode("latin-1")
        request = Request(method, target, self._headers, body)
        refused = None if self._refused is None else self._service.refuse(request, self._refused)
        if self._busy:
            self._waiting.append((request, refused))
            self._transport.pause_reading()
        else:
            self._next(request, refused)

    # Answering.

    def idle(self) -> bool:
        """Whether the peer waits for nothing and has sent nothing."""
        return not self._busy and not self._partial

    def close(self) -> None:
        """Close once everything that was written is sent."""
        if not self._transport.is_closing():
            self._transport.close()

    def let_go(self, now: float, timeout_s: float) -> None:
        """Close the connection of a peer that is silent, or in the middle of a request, for too long."""
        if not self._busy and now - self._since > (timeout_s if self._partial else KEEP_ALIVE_S):
            if self._partial:
                self._refuse_rest(RequestError(408, f"the request did not arrive within {timeout_s:g} s"))
            else:
                self.close()

    def _begin(self, *, in_head: bool) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_size, self._size, self._in_head = 0, 0, in_head
        self._counted = 0
        self._body: list[bytes] = []
        self._refused = None
        self._partial = self._in_head
        self._since = time.monotonic()

    def _refuse_rest(self, error: RequestError) -> None:
        """Answer what cannot be read any further, and close."""
        self._last, self._partial = True, False
        if self._transport.is_closing():
            return
        if self._busy:  # an earlier request's answer is on its way: it is the last one
            self._transport.pause_reading()
            return
        self._write(Request("", "", {}), refusal(error))
        self.close()

    def _next(self, request: Request, refused: Reply | None) -> None:
        self._busy = True
        if refused is None:
            self._connections.arrived(self, request)
        else:
            self.send(request, refused)

    def send(self, request: Request, answer: Reply | Coroutine[Any, Any, Reply]) -> None:
        """Write the answer to the request, now or when it is there."""
        if type(answer) is Reply and type(answer.body) is bytes:
            self._write(request, answer)
            self._done(request, answer.status, len(answer.body))
            return
        task = self._connections.loop.create_task(self._answer_later(request, answer))
        self._connections.tasks.add(task)
        task.add_done_callback(self._connections.tasks.discard)

    async def _answer_later(self, request: Request, answer: Reply | Coroutine[Any, Any, Reply]) -> None:
        reply = answer if isinstance(answer, Reply) else await answer
        if isinstance(reply.body, bytes):
            self._write(request, reply)
            status, sent = reply.status, len(reply.body)
        else:
            status, sent = await self._stream(request, reply)
        self._done(request, status, sent)

    def _done(self, request: Request, status: int, sent: int) -> None:
        self._service.finished(request, status, sent)
        if self._waiting:
            following = self._waiting.popleft()
            if not self._waiting:
                self._transport.resume_reading()
            self._connections.loop.call_soon(self._next, *following)  # a peer may send more of them than calls can nest
            return
        self._busy, self._since = False, time.monotonic()
        if self._last or self._service.leaving:
            self.close()

    def _write(self, request: Request, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else b""
        head = f"{_head(request, reply)}content-length: {len(body)}\r\n{self._closing()}\r\n".encode("latin-1")
        self._transport.write(head if request.method == "HEAD" else head + body)

    def _closing(self) -> str:
        return "connection: close\r\n" if self._last or self._service.leaving else ""

    async def _stream(self, request: Request, reply: Reply) -> tuple[int, int]:
        """Write pieces as they come; returns status and bytes. What fails before the first piece is an error of its own;
        what fails later ends the connection without the last chunk, so that the peer sees that the answer is not whole."""
        sent = 0
        async with contextlib.aclosing(self._service.pieces(reply)) as coming:
            try:
                piece = await anext(coming, None)
            except Exception as error:  # noqa: BLE001 - the handler is the user's
                failed = failure(error)
                self._write(request, failed)
                return failed.status, 0
            head = f"{_head(request, reply)}transfer-encoding: chunked\r\n{self._closing()}\r\n"
            self._transport.write(head.encode("latin-1"))
            try:
                while piece is not None and not self._transport.is_closing():
                    if piece:
                        self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                        sent += len(piece)
                    if self._writable is not None:
                        await self._writable.wait()
                    piece = await anext(coming, None)
            except Exception as error:  # noqa: BLE001 - as above
                failure(error)
                self._transport.abort()
                return 500, sent
        self._transport.write(b"0\r\n\r\n")
        return reply.status, sent


def _head(request: Request, reply: Reply) -> str:
    """The status line and headers, but for those that say how long the body is."""
    start = _start(reply.status, reply.content_type)
    named = f"{start}x-request-id: {request.id}\r\n" if request.id else start
    if not reply.headers:
        return named
    return named + "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())


@lru_cache(64)
def _start(status: int, content_type: str) -> str:
    """The status line and the type, which are few."""
    line = STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    return f"{line}content-type: {content_type}\r\n"
