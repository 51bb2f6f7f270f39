"""Kept-alive HTTP/1.1 connections from the event loop to one instance: a request and its reply, with nothing in between.

In: a body and headers; out: the reply to a callback on the loop, or why there is none. httptools parses; a body in one piece is
not copied. A connection that breaks breaks its request: whether it is asked again is decided by who knows the instance.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httptools

CONNECT_LIMIT_S = 2.0
IDLE_LIMIT_S = 60.0
"""A connection that was idle for longer is not used again: the server lets go of those after 75 s."""
SMALL = 64 * 1024


class InstanceDownError(Exception):
    """The server's process is not there any more, or broke the connection."""


class InstanceTimeoutError(Exception):
    """The server did not answer within the invocation limit."""


class Reply:
    """What an instance answered; header names are in lower case."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.status, self.data, self.headers = status, data, headers


Replied = Callable[["Reply | InstanceDownError | InstanceTimeoutError"], None]


class Lines:
    """The connections to one port of this machine; used on the event loop alone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._start = f"POST /invocations HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        self._idle: list[_Line] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def ask(self, body: bytes, headers: Mapping[str, str], timeout_s: float, done: Replied) -> None:
        """POST /invocations."""
        more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{self._start}{more}content-length: {len(body)}\r\n\r\n".encode("latin-1")
        oldest = time.monotonic() - IDLE_LIMIT_S
        while self._idle:
            line = self._idle.pop()
            if line.since >= oldest:
                line.ask(head, body, timeout_s, done)
                return
            line.close()
        self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(self._connect(head, body, timeout_s, done))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def close(self) -> None:
        """Close what is idle, from any thread; what is in use ends with its answer."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close)

    def free(self, line: _Line) -> None:
        """The connection has answered."""
        if self._closed:
            line.close()
        else:
            self._idle.append(line)

    def lost(self, line: _Line) -> None:
        """The connection has gone."""
        if line in self._idle:
            self._idle.remove(line)

    def _close(self) -> None:
        self._closed = True
        for line in self._idle:
            line.close()
        self._idle.clear()

    async def _connect(self, head: bytes, body: bytes, timeout_s: float, done: Replied) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                _, line = await loop.create_connection(lambda: _Line(self, loop), "127.0.0.1", self._port)
        except (OSError, TimeoutError) as error:
            done(InstanceDownError(f"no connection: {error}"))
            return
        line.ask(head, body, timeout_s, done)


class _Line(asyncio.Protocol):
    """One connection: idle, or with one request."""

    def __init__(self, lines: Lines, loop: asyncio.AbstractEventLoop) -> None:
        self._lines, self._loop = lines, loop
        self._transport: asyncio.Transport
        self._parser: Any = httptools.HttpResponseParser(self)  # one for all answers that keep the connection
        self._done: Replied | None = None
        self._limit: asyncio.TimerHandle | None = None
        self.since = 0.0
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server is there."""
        self._transport = transport  # type: ignore[assignment]  # of a socket, so it is a Transport

    def ask(self, head: bytes, body: bytes, timeout_s: float, done: Replied) -> None:
        """Send a request; nothing else is asked until `done` was called."""
        self._done = done
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._head = False
        if self._lost:
            self._end(InstanceDownError("the server closed the connection"))
            return
        self._limit = self._loop.call_later(timeout_s, self._late, timeout_s)
        if len(body) <= SMALL:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def close(self) -> None:
        """Nothing more is asked."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Bytes of the reply."""
        if self._done is None:  # an answer that nobody asked for
            self._transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._broken("the server wants another protocol")
        except httptools.HttpParserError as error:
            self._broken(f"the answer is not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has closed the connection, or it broke."""
        self._lost = True
        self._lines.lost(self)
        if self._done is None:
            return
        if self._head and not {"content-length", "transfer-encoding"} & self._headers.keys():
            self._end(Reply(self._parser.get_status_code(), b"".join(self._pieces), self._headers))
        else:
            self._end(InstanceDownError(f"the connection broke: {exc or 'the server closed it'}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body is next."""
        self._head = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        """The reply is whole, unless it only says that another one comes."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers, self._head = {}, False
            return
        pieces = self._pieces
        reply = Reply(status, pieces[0] if len(pieces) == 1 else b"".join(pieces), self._headers)
        keep = self._parser.should_keep_alive() and not self._transport.is_closing()
        if keep:
            self.since = time.monotonic()
            done = self._take()
            self._lines.free(self)
        else:
            done = self._take()
            self._transport.close()
        done(reply)

    def _take(self) -> Replied:
        """Whoever waits, who waits no more."""
        done, self._done = self._done, None
        assert done is not None  # noqa: S101 - it is asked only while somebody waits
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        return done

    def _end(self, outcome: Reply | InstanceDownError | InstanceTimeoutError) -> None:
        self._take()(outcome)

    def _late(self, timeout_s: float) -> None:
        if self._done is not None:
            self._end(InstanceTimeoutError(f"no answer within {timeout_s:g} s"))
            self._transport.abort()

    def _broken(self, why: str) -> None:
        if self._done is not None:
            self._end(InstanceDownError(why))
        self._transport.abort()
