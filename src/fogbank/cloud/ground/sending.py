"""An answer on its way to one peer: what is in memory in one write, what lies in files chunk by chunk at the peer's pace.

In: a transport, and the request with its answer; out: bytes, and both bodies closed when the last is written or nobody takes it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from fogbank.cloud.ground.live import Live
from fogbank.cloud.ground.wire import Answer, Request

log = logging.getLogger("fogbank.cloud")
SMALL = 64 * 1024
"""A body up to here is joined to its head; a longer one is written as it lies, and not copied."""
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "date", "keep-alive"})
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
WITHOUT_BODY = frozenset({204, 304})
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
"""No value of a header has one of these, whoever said it: what comes behind a line's end would be a header of its own."""


class Sent(Protocol):
    """Hears that a streamed answer has ended."""

    def __call__(self, *, whole: bool) -> None:
        """`whole`: all of it was written."""


def send_whole(transport: asyncio.Transport, request: Request, answer: Answer, *, last: bool) -> bool:
    """Write the head, and the body where all of it is in memory: then both bodies are closed. False where the body is to be streamed.
    `last`: the connection closes after it."""
    payload = answer.payload
    pieces = payload.pieces
    if not transport.is_closing():
        head = _head(answer, payload.size, last=last)
        if request.method == "HEAD" or answer.status in WITHOUT_BODY or not pieces:
            transport.write(head)
        elif all(type(piece) is bytes for piece in pieces):
            body = payload.read()
            if len(body) <= SMALL:
                transport.write(head + body)
            else:
                transport.writelines((head, body))
        else:
            transport.write(head)
            return False
    request.payload.close()
    payload.close()
    return True


def send_live(
    transport: asyncio.Transport, request: Request, answer: Answer, live: Live, done: Callable[[], None]
) -> None:
    """Write the head of an answer whose body comes as it comes, and let it come; `done` hears of the end."""
    request.payload.close()
    if transport.is_closing():
        live.end()
        done()
        return
    transport.write(_head(answer, None, last=False))
    live.begin(transport, done)


class Sending:
    """An answer whose body is streamed; its head is written."""

    def __init__(self, transport: asyncio.Transport, request: Request, answer: Answer) -> None:
        self._transport, self._request, self._answer = transport, request, answer
        self._parts: Iterator[bytes] = iter(())
        self._paused = self._ended = self._running = False
        self._done: Sent

    def stream(self, done: Sent) -> None:
        """Write the body's parts at the peer's pace; `done` hears of the end, unless `end` comes first."""
        self._done, self._parts = done, self._answer.payload.parts()
        asyncio.get_running_loop().call_soon(self._go_on)

    def pause(self) -> None:
        """The peer reads slowly."""
        self._paused = True

    def resume(self) -> None:
        """The peer has read."""
        self._paused = False
        self._go_on()

    def end(self) -> None:
        """Nothing more is written; both bodies are closed, once."""
        if not self._ended:
            self._ended = True
            self._request.payload.close()
            self._answer.payload.close()

    def _go_on(self) -> None:
        """One chunk, and others have their turn before the next."""
        if self._paused or self._ended or self._running:
            return
        self._running = True
        try:
            part = next(self._parts, None)
        except OSError:
            log.exception("an answer could not be read to its end")
            self.end()
            self._done(whole=False)
            return
        finally:
            self._running = False
        if part is None:
            self.end()
            self._done(whole=True)
            return
        self._transport.write(part)
        asyncio.get_running_loop().call_soon(self._go_on)


def _head(answer: Answer, size: int | None, *, last: bool) -> bytes:
    """`size` None: nobody knows it, and the body comes in chunks."""
    status = answer.status
    lines = [STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"]
    sized = status in WITHOUT_BODY
    for name, value in answer.headers.items():
        lower = _lower(name)
        if lower in HOP_BY_HOP:
            continue
        sized = sized or lower == "content-length"
        lines.append(f"{name}: {_in_line(value)}\r\n")
    lines += [f"Set-Cookie: {_in_line(cookie)}\r\n" for cookie in answer.cookies]
    if size is None:
        lines.append("Transfer-Encoding: chunked\r\n")
    elif not sized:
        lines.append(f"Content-Length: {size}\r\n")
    if last:
        lines.append("Connection: close\r\n")
    lines.append(_date_line(int(time.time())))
    return "".join(lines).encode("latin-1", "replace")


def _in_line(value: str) -> str:
    return value if value.isprintable() else CONTROL.sub(" ", value)


@lru_cache(maxsize=2)
def _date_line(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n"


_lower = lru_cache(maxsize=1024)(str.lower)
