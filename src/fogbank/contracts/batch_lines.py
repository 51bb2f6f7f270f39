"""What goes between a local transform job and the processes that score its mini-batches without HTTP: messages over a socket.

The first process begins at once, and another when it is asked for on its socket, or the server must be asked as there is no memory for it.
A process says first that it is ready, then for each mini-batch what the job writes of it, or that the server must be asked. A message is
a letter, a length (8 bytes, little-endian) and as many bytes. A mini-batch that lies in files comes as their descriptors, with the places
in them, and its records are counted by who reads it.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

MODULE = "fogbank.direct.batches"
"""What is run as a process, by the Python of the model's own environment."""
HEAD = struct.Struct("<cQ")
PLACE = struct.Struct("<QQ")
"""Of a file that goes with the message: from which byte on, and how many."""
COUNT = struct.Struct("<Q")
"""How many records there were, before what is written of a mini-batch that lay in files."""
START, READY, BATCH, FILES, OUTPUT, SERVER = b"w", b"r", b"b", b"f", b"o", b"s"
"""A process is wanted; it can be asked; a mini-batch; one that lies in files; what is written of it; the server must be asked, for the reason
that is given."""
MOST_FILES = 64
"""Files that a mini-batch may lie in."""
BUFFER = 1 << 20


class Message(NamedTuple):
    """What goes over a socket."""

    kind: bytes
    body: bytes
    files: Sequence[int] = ()


def send(line: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send a message. Raises OSError, TimeoutError."""
    line.sendall(HEAD.pack(kind, len(body)))
    line.sendall(body)


def send_files(line: socket.socket, files: Sequence[tuple[int, int, int]]) -> None:
    """Send a mini-batch that lies in files: (descriptor, first byte, bytes) of each, in order. Raises OSError, TimeoutError."""
    places = b"".join([PLACE.pack(start, size) for _, start, size in files])
    head = HEAD.pack(FILES, len(places))
    sent = socket.send_fds(line, [head], [descriptor for descriptor, _, _ in files])
    line.sendall(head[sent:] + places)


def receive(line: socket.socket) -> Message:
    """The next message; who gets files closes them. Raises EOFError where the other end has gone, OSError, TimeoutError.

    >>> here, there = socket.socketpair()
    >>> send(here, OUTPUT, b"0.5")
    >>> receive(there)
    Message(kind=b'o', body=b'0.5', files=())
    >>> here.close(), there.close()
    (None, None)
    """
    head, files, _, _ = socket.recv_fds(line, HEAD.size, MOST_FILES)
    if not head:
        raise EOFError
    kind, size = HEAD.unpack(head + _exactly(line, HEAD.size - len(head)))
    return Message(kind, _exactly(line, size), tuple(files))


def _exactly(line: socket.socket, size: int) -> bytes:
    body = bytearray(size)
    view, come = memoryview(body), 0
    while come < size:
        count = line.recv_into(view[come:])
        if not count:
            raise EOFError
        come += count
    return bytes(body)
