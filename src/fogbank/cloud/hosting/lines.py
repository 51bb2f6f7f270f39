"""Kept-alive HTTP/1.1 connections from the event loop to one instance: a request and its reply, with nothing in between.

In: a body and headers; out: the reply to a callback on the loop, or why there is none. httptools parses; a body in one piece is
not copied. A connection that breaks breaks its request: whether it is asked again is decided by who knows the instance.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import httptools

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.connection import header_name
from fogbank.cloud.ground.live import Flow

CONNECT_LIMIT_S = 2.0
IDLE_LIMIT_S = 60.0
"""A connection that was idle for longer is not used again: the server lets go of those after 75 s."""
SMALL = 64 * 1024
WATCH_S = 0.25
"""How often those who wait are looked after."""


class NoReplyError(Exception):
    """There is no reply; `container` is the one that gave none."""

    container = "primary"


class RefusedError(NoReplyError):
    """The caller asks for what is not there; the container was not asked."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class InstanceDownError(NoReplyError):
    """The server's process is not there any more, or broke the connection."""


class InstanceTimeoutError(NoReplyError):
    """The server did not answer within the invocation limit."""


class Reply:
    """What a `container` of an instance answered; header names are in lower case."""

    __slots__ = ("container", "data", "headers", "status")

    def __init__(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.status, self.data, self.headers, self.container = status, data, headers, NoReplyError.container


Replied = Callable[["Reply | NoReplyError"], None]
INVOCATIONS = "/invocations"


class Sink(Protocol):
    """Takes a reply that comes in pieces, as they come. Whoever asked still hears of its end, with no data."""

    def begins(self, status: int, headers: Mapping[str, str], flow: Flow) -> None:
        """The reply is a success, and nobody knows how long."""

    def piece(self, data: bytes) -> None:
        """The next of it."""


class Lines:
    """The connections to one port of this machine, or to a Unix socket; used on the event loop alone."""

    def __init__(self, port: int, unix: str = "") -> None:
        self._port, self._unix = port, unix
        self._host = f" HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        self._start = f"POST {INVOCATIONS}{self._host}"
        self._idle: list[_Line] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._asked: set[_Line] = set()
        self._watched = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def ask(
        self,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
        done: Replied,
        sink: Sink | None = None,
        path: str = INVOCATIONS,
    ) -> None:
        """POST. A success that comes in pieces goes to the `sink`, if there is one."""
        more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        start = self._start if path is INVOCATIONS else f"POST {path}{self._host}"
        request = _Asked(
            f"{start}{more}content-length: {len(body)}\r\n\r\n".encode("latin-1"), body, timeout_s, done, sink
        )
        oldest = time.monotonic() - IDLE_LIMIT_S
        while self._idle:
            line = self._idle.pop()
            if line.since >= oldest and not line.gone():
                self._ask(line, request)
                return
            line.close()
        self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(self._connect(request))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _ask(self, line: _Line, request: _Asked) -> None:
        self._asked.add(line)
        if not self._watched:
            self._watched = True
            asyncio.get_running_loop().call_later(WATCH_S, self._watch)
        line.ask(request)

    def _watch(self) -> None:
        """Give up what takes too long; one timer for all, since each would cost a request more than it is worth."""
        now = time.monotonic()
        for line in [line for line in self._asked if line.until <= now]:
            line.late()
        self._watched = bool(self._asked)
        if self._watched:
            asyncio.get_running_loop().call_later(WATCH_S, self._watch)

    def close(self) -> None:
        """Close what is idle, from any thread; what is in use ends with its answer."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close)

    def ended(self, line: _Line) -> None:
        """Nobody waits for the connection's answer any more."""
        self._asked.discard(line)

    def free(self, line: _Line) -> None:
        """The connection can be used again."""
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

    async def _connect(self, request: _Asked) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                if self._unix:
                    _, line = await loop.create_unix_connection(lambda: _Line(self), self._unix)
                else:
                    _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self._port)
        except (OSError, TimeoutError) as error:
            request.done(InstanceDownError(f"no connection: {error}"))
            return
        self._ask(line, request)


class _Asked(NamedTuple):
    """A request, and who waits for its reply."""

    head: bytes
    body: bytes
    timeout_s: float
    done: Replied
    sink: Sink | None


class _Line(asyncio.Protocol):
    """One connection: idle, or with one request."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._transport: asyncio.Transport
        self._parser: Any = httptools.HttpResponseParser(self)  # one for all answers that keep the connection
        self._done: Replied | None = None
        self._sink: Sink | None = None
        self._flows = False
        self.since = self.until = self._timeout_s = 0.0
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server is there."""
        self._transport = transport  # type: ignore[assignment]  # of a socket, so it is a Transport
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def gone(self) -> bool:
        """Whether the server has closed an idle connection: the system knows that before the loop comes to it."""
        return self._lost or bool(self._poll.poll(0))

    def ask(self, request: _Asked) -> None:
        """Send a request; nothing else is asked until its `done` was called."""
        head, body, timeout_s, self._done, self._sink = request
        self._flows = False
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._head = False
        if self._lost:
            self._end(InstanceDownError("the server closed the connection"))
            return
        self._timeout_s, self.until = timeout_s, time.monotonic() + timeout_s
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
        self._headers[header_name(name)] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body is next."""
        self._head = True
        if self._sink is not None and "content-length" not in self._headers:
            status = self._parser.get_status_code()
            self._flows = 200 <= status < 300
            if self._flows:
                self._sink.begins(status, self._headers, self)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._flows and self._sink is not None:
            self._sink.piece(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """The reply is whole, unless it only says that another one comes."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers, self._head = {}, False
            return
        pieces = self._pieces
        reply = Reply(status, pieces[0] if len(pieces) == 1 else b"".join(pieces), self._headers)
        if self._flows:
            self._transport.resume_reading()
        keep = self._parser.should_keep_alive() and not self._transport.is_closing()
        if keep:
            self.since = time.monotonic()
            done = self._take()
            self._lines.free(self)
        else:
            done = self._take()
            self._transport.close()
        done(reply)

    # What a sink calls: it is the flow of a body.

    def pause(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def leave(self) -> None:
        """Nobody takes the rest."""
        self._broken("nobody takes the answer any more")

    def _take(self) -> Replied:
        """Whoever waits, who waits no more."""
        done, self._done = self._done, None
        assert done is not None  # noqa: S101 - it is asked only while somebody waits
        self._lines.ended(self)
        return done

    def _end(self, outcome: Reply | InstanceDownError | InstanceTimeoutError) -> None:
        self._take()(outcome)

    def late(self) -> None:
        """The answer takes too long: it is not waited for."""
        if self._done is not None:
            self._end(InstanceTimeoutError(f"no answer within {self._timeout_s:g} s"))
            self._transport.abort()

    def _broken(self, why: str) -> None:
        if self._done is not None:
            self._end(InstanceDownError(why))
        self._transport.abort()
