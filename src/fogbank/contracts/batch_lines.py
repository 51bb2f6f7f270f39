"""What goes between a local transform job and the processes that score its mini-batches without HTTP: messages over a socket.

The first process begins at once, and another when it is asked for on its socket, or the server must be asked as there is no memory for it.
A process says first that it is ready, then for each mini-batch what the job writes of it, or that the server must be asked. A message is
a letter, a length (8 bytes, little-endian) and as many bytes. A mini-batch of lines in files, which who scores it counts, is sent by the
kernel, without a copy here. Nothing but bytes goes over, either way: who has a file's descriptor, though only to read, can open the file
again to write if it is their user's, and objects with the same bytes are one file.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

MODULE = "fogbank.direct.batches"
"""What is run as a process, by the Python of the model's own environment."""
HEAD = struct.Struct("<cQ")
COUNT = struct.Struct("<Q")
"""How many records there were, before what is written of a mini-batch whose lines are counted."""
START, READY, BATCH, LINES, OUTPUT, SERVER = b"w", b"r", b"b", b"l", b"o", b"s"
"""A process is wanted; it can be asked; a mini-batch; one whose lines are counted; what is written of it; the server must be asked, for the
reason that is given."""
LONGEST = 1 << 30
"""Bytes of a message: who says more is not believed. SageMaker's largest mini-batch has 100 MB."""
BUFFER = 1 << 20


class Message(NamedTuple):
    """What goes over a socket."""

    kind: bytes
    body: bytes


def send(line: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send a message. Raises OSError, TimeoutError."""
    line.sendall(HEAD.pack(kind, len(body)))
    line.sendall(body)


def send_lines(line: socket.socket, files: Sequence[tuple[BinaryIO, int, int]]) -> None:
    """Send a mini-batch of lines that lies in files: a file, the first byte, and how many, of each, in order. Raises OSError, also where a file
    ends too early, TimeoutError."""
    line.sendall(HEAD.pack(LINES, sum(size for _, _, size in files)))
    for file, start, size in files:
        if line.sendfile(file, start, size) < size:
            raise OSError(f"{file.name} ends too early")


def receive(line: socket.socket) -> Message:
    """The next message; a descriptor that comes with it is not taken. Raises EOFError where the other end has gone, OSError, also for a message
    that is too long, TimeoutError.

    >>> here, there = socket.socketpair()
    >>> send(here, OUTPUT, b"0.5")
    >>> receive(there)
    Message(kind=b'o', body=b'0.5')
    >>> here.close(), there.close()
    (None, None)
    """
    kind, size = HEAD.unpack(_exactly(line, HEAD.size))
    if size > LONGEST:
        raise OSError(f"a message of {size} bytes")
    return Message(kind, _exactly(line, size))


def _exactly(line: socket.socket, size: int) -> bytes:
    """So many bytes: in one step where the socket has no timeout."""
    begun = line.recv(size, socket.MSG_WAITALL) if size else b""
    if len(begun) == size:
        return begun
    if not begun:
        raise EOFError
    body = bytearray(size)
    body[: len(begun)] = begun
    view, come = memoryview(body), len(begun)
    while come < size:
        count = line.recv_into(view[come:])
        if not count:
            raise EOFError
        come += count
    return bytes(body)
