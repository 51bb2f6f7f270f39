"""What goes between a local transform job and the processes that score its mini-batches without HTTP: messages over a socket.

The first process begins at once, and another when it is asked for on its socket, or the server must be asked as there is no memory for it.
A process says first that it is ready, then for each mini-batch what the job writes of it, or that the server must be asked. A message is
a letter, a length (8 bytes, little-endian) and as many bytes.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

MODULE = "fogbank.direct.batches"
"""What is run as a process, by the Python of the model's own environment."""
HEAD = struct.Struct("<cQ")
START, READY, BATCH, OUTPUT, SERVER = b"w", b"r", b"b", b"o", b"s"
"""A process is wanted; it can be asked; a mini-batch; what is written of it; the server must be asked, for the reason that is given."""
BUFFER = 1 << 20


class Message(NamedTuple):
    """What goes over a socket."""

    kind: bytes
    body: bytes


def send(line: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send a message. Raises OSError, TimeoutError."""
    line.sendall(HEAD.pack(kind, len(body)))
    line.sendall(body)


def receive(line: socket.socket) -> Message:
    """The next message. Raises EOFError where the other end has gone, OSError, TimeoutError.

    >>> here, there = socket.socketpair()
    >>> send(here, OUTPUT, b"0.5")
    >>> receive(there)
    Message(kind=b'o', body=b'0.5')
    >>> here.close(), there.close()
    (None, None)
    """
    kind, size = HEAD.unpack(_exactly(line, HEAD.size))
    return Message(kind, _exactly(line, size))


def _exactly(line: socket.socket, size: int) -> bytes:
    body = bytearray(size)
    view, come = memoryview(body), 0
    while come < size:
        count = line.recv_into(view[come:])
        if not count:
            raise EOFError
        come += count
    return bytes(body)
