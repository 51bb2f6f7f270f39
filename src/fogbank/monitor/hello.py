"""How hosts come to the first one: each says the job's token and its name, before anything else is heard of it.

In: connections of anybody; out: those of the hosts that are awaited. A stranger is believed nothing, is kept no longer than a hello may
take, and keeps nobody else waiting: who has come is heard all at the same time.
"""

from __future__ import annotations

import hmac
import selectors
import socket
import struct
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

HELLO_S = 10.0
"""So long a whole hello may take."""
LONGEST, MOST = 1024, 256
"""Bytes of a hello; connections that are heard at the same time: beyond these the oldest goes."""
LENGTH = struct.Struct(">H")


def hello(token: str, name: str) -> bytes:
    """What a host says when it comes.

    >>> hello("ab", "algo-2")
    b'\\x00\\tab algo-2'
    """
    said = f"{token} {name}".encode()
    return LENGTH.pack(len(said)) + said


@dataclass
class Guest:
    """Who has come, and what it has said so far; it may do so until `until`."""

    connection: socket.socket
    until: float
    said: bytes = b""

    def hear(self) -> bool:
        """Whether it has said all of it. Raises OSError, also where it has ended, or says too much."""
        while left := self._left():
            with suppress(BlockingIOError):
                if not (more := self.connection.recv(left)):
                    raise OSError("it has ended")
                self.said += more
                continue
            return False
        return True

    def name(self, token: str) -> str:
        """Who it is; nobody where the token is another."""
        own, _, name = self.said[LENGTH.size :].partition(b" ")
        return name.decode(errors="replace") if hmac.compare_digest(own, token.encode()) else ""

    def _left(self) -> int:
        """How many bytes are still to come. No byte behind the hello is read."""
        if len(self.said) < LENGTH.size:
            return LENGTH.size - len(self.said)
        [size] = LENGTH.unpack_from(self.said)
        if size > LONGEST:
            raise OSError(f"a hello of {size} bytes")
        return LENGTH.size + int(size) - len(self.said)


@dataclass
class Reception:
    """Where hosts are met; `lacking` are the names of those that are awaited."""

    listener: socket.socket
    token: str
    lacking: Collection[str]
    hello_s: float = HELLO_S
    _guests: dict[int, Guest] = field(default_factory=dict)

    def met(self, until: float) -> Iterator[tuple[str, socket.socket]]:
        """The hosts as they come, until all are there. Raises TimeoutError where one has not come by then, OSError."""
        self.listener.setblocking(False)
        lacking = {*self.lacking}
        with selectors.DefaultSelector() as watched:
            watched.register(self.listener, selectors.EVENT_READ)
            try:
                while lacking:
                    if until <= (now := time.monotonic()):
                        raise TimeoutError("timed out")
                    first = min([until, *(guest.until for guest in self._guests.values())])
                    for guest in self._heard(watched, first - now):
                        if (name := guest.name(self.token)) in lacking:
                            lacking.discard(name)
                            yield name, guest.connection
                        else:
                            guest.connection.close()
            finally:
                for guest in self._guests.values():
                    guest.connection.close()
                self._guests.clear()

    def _heard(self, watched: selectors.BaseSelector, wait_s: float) -> list[Guest]:
        """Who has said its hello, after so long at most."""
        heard = []
        for key, _ in watched.select(max(0.0, wait_s)):
            guest = self._come(watched) if key.fileobj is self.listener else self._guests.get(key.fd)
            if guest is None:
                continue
            try:
                if guest.hear():
                    self._leave(watched, guest)
                    heard.append(guest)
            except OSError:
                self._send_away(watched, guest)
        for guest in [each for each in self._guests.values() if each.until <= time.monotonic()]:
            self._send_away(watched, guest)
        return heard

    def _come(self, watched: selectors.BaseSelector) -> Guest | None:
        """Who has come; nobody where it has gone again."""
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, ConnectionError):
            return None
        connection.setblocking(False)
        if len(self._guests) >= MOST:
            self._send_away(watched, next(iter(self._guests.values())))
        guest = Guest(connection, time.monotonic() + self.hello_s)
        self._guests[connection.fileno()] = guest
        watched.register(connection, selectors.EVENT_READ)
        return guest

    def _leave(self, watched: selectors.BaseSelector, guest: Guest) -> None:
        watched.unregister(guest.connection)
        del self._guests[guest.connection.fileno()]

    def _send_away(self, watched: selectors.BaseSelector, guest: Guest) -> None:
        self._leave(watched, guest)
        guest.connection.close()
