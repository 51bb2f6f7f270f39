"""A body that is written while it comes: nobody knows how long it will be, and it goes in chunks, at the pace of who reads it.

In: parts, on the event loop; out: HTTP's chunked coding on a transport. Where it comes from (`Flow`) is told when its reader is slow and
when nobody reads it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

LAST = b"0\r\n\r\n"


class Flow(Protocol):
    """Where a body comes from."""

    def pause(self) -> None:
        """Bring no more for now."""

    def resume(self) -> None:
        """Go on."""

    def leave(self) -> None:
        """Nobody takes any more of it."""


class Live:
    """One such body; used on the event loop alone. What is written before `begin` is kept until then."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.held: list[bytes] = []
        self.ended = False
        self._whole = False
        self._transport: asyncio.Transport | None = None
        self._done: Callable[[], None] = lambda: None

    def begin(self, transport: asyncio.Transport, done: Callable[[], None]) -> None:
        """Write to a transport, whose head is written; `done` hears that all of it is, unless `end` comes first."""
        self._transport, self._done = transport, done
        held, self.held = self.held, []
        for part in held:
            self.write(part)
        if self._whole:
            self.close()

    def write(self, part: bytes) -> None:
        """A part; an empty one is none."""
        if self.ended or not part:
            return
        if self._transport is None:
            self.held.append(part)
        else:
            self._transport.writelines((b"%x\r\n" % len(part), part, b"\r\n"))

    def close(self) -> None:
        """The body is whole."""
        self._whole = True
        if self._transport is not None and not self.ended:
            self.ended = True
            self._transport.write(LAST)
            self._done()

    # What the connection calls.

    def pause(self) -> None:
        """The peer reads slowly."""
        if not self._whole:
            self._flow.pause()

    def resume(self) -> None:
        """The peer has read."""
        if not self._whole:
            self._flow.resume()

    def end(self) -> None:
        """The peer has gone: nothing more is written."""
        if not self.ended:
            self.ended = True
            if not self._whole:
                self._flow.leave()
