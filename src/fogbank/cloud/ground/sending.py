"""An answer on its way to one peer: what is in memory in one write, what lies in files chunk by chunk at the peer's pace.

In: a transport, and the request with its answer; out: bytes, and both bodies closed when the last is written or nobody takes it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from fogbank.cloud.ground.wire import Answer, Request

log = logging.getLogger("fogbank.cloud")
SMALL = 64 * 1024
"""A body up to here is joined to its head; a longer one is written as it lies, and not copied."""
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "date", "keep-alive"})
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
WITHOUT_BODY = frozenset({204, 304})


class Sent(Protocol):
    """Hears that a streamed answer has ended."""

    def __call__(self, *, whole: bool) -> None:
        """`whole`: all of it was written."""


class Sending:
    """One answer. `last`: the connection closes after it."""

    def __init__(self, transport: asyncio.Transport, request: Request, answer: Answer, *, last: bool) -> None:
        self._transport, self._request, self._answer, self._last = transport, request, answer, last
        self._parts: Iterator[bytes] = iter(())
        self._paused = self._ended = self._running = False
        self._done: Sent

    def begin(self) -> bool:
        """Write the head, and the body where it is in memory; whether that was all."""
        answer, payload = self._answer, self._answer.payload
        if self._transport.is_closing():
            self.end()
            return True
        pieces = payload.pieces
        size = len(pieces[0]) if len(pieces) == 1 and isinstance(pieces[0], bytes) else payload.size
        head = _head(answer, size, last=self._last)
        if self._request.method == "HEAD" or answer.status in WITHOUT_BODY or not payload.pieces:
            self._transport.write(head)
        elif all(isinstance(piece, bytes) for piece in payload.pieces):
            body = payload.read()
            if len(body) <= SMALL:
                self._transport.write(head + body)
            else:
                self._transport.writelines((head, body))
        else:
            self._transport.write(head)
            return False
        self.end()
        return True

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


def _head(answer: Answer, size: int, *, last: bool) -> bytes:
    lines = [STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} Unknown\r\n"]
    sized = answer.status in WITHOUT_BODY
    for name, value in answer.headers.items():
        lower = name.lower()
        if lower in HOP_BY_HOP:
            continue
        sized = sized or lower == "content-length"
        lines.append(f"{name}: {value}\r\n")
    if not sized:
        lines.append(f"Content-Length: {size}\r\n")
    if last:
        lines.append("Connection: close\r\n")
    lines.append(_date_line(int(time.time())))
    return "".join(lines).encode("latin-1", "replace")


@lru_cache(maxsize=2)
def _date_line(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n"
