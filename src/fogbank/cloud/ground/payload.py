"""The bytes of a request or an answer, wherever they are: in memory, in a file of their own that goes with them, in parts of files.

In: bytes, a stream that is spooled, or pieces of files; out: their size, and the bytes as a whole or chunk by chunk. Nothing here is
copied that need not be: a room that keeps a body takes its file, and a server may send a piece of a file by the kernel.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

SPOOL_OVER = 1 << 20
"""Bytes up to which a body stays in memory; what is longer goes to a temporary file."""
CHUNK = 1 << 18


class Readable(Protocol):
    """Where a body comes from."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`size` bytes of a file from `offset` on."""

    file: Path
    offset: int
    size: int

    def parts(self, chunk: int = CHUNK) -> Iterator[bytes]:
        """The bytes, chunk by chunk. Raises OSError where the file has not that many."""
        left = self.size
        with self.file.open("rb", buffering=0) as source:
            source.seek(self.offset)
            while left:
                part = source.read(min(chunk, left))
                if not part:
                    raise OSError(f"{self.file} ends {left} bytes too early")
                left -= len(part)
                yield part


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A body. `temporary` is the file that goes when the body is closed, if nobody took it; `closing` is called then.

    Who is given a payload closes it, once; one that is all in memory needs no closing.
    """

    pieces: tuple[bytes | Piece, ...] = ()
    temporary: Path | None = None
    closing: Callable[[], None] | None = None

    @classmethod
    def of(cls, body: bytes) -> Payload:
        """A body in memory."""
        return _in_memory(body) if body else EMPTY

    @classmethod
    def of_temporary(cls, file: Path) -> Payload:
        """A body that is a whole temporary file, which goes with it."""
        return cls(pieces=(Piece(file, 0, file.stat().st_size),), temporary=file)

    @cached_property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(piece.size if isinstance(piece, Piece) else len(piece) for piece in self.pieces)

    def read(self) -> bytes:
        """All of it in memory."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], bytes):
            return self.pieces[0]
        return b"".join(self.parts())

    def parts(self, chunk: int = CHUNK) -> Iterator[bytes]:
        """The bytes in order: what is in memory as it is, what is in files by chunks."""
        for piece in self.pieces:
            if isinstance(piece, Piece):
                yield from piece.parts(chunk)
            elif piece:
                yield piece

    def take(self, target: Path) -> bool:
        """Give the temporary file the name `target`, on the same file system, in one step; False where there is no such file."""
        if self.temporary is None:
            return False
        self.temporary.replace(target)
        return True

    def close(self) -> None:
        """Let the temporary file go, if nobody took it, and say so to who lent the pieces.

        One that cannot be removed is nobody's failure: the next start removes it (`emptied`).
        """
        if self.temporary is not None:
            with contextlib.suppress(OSError):
                self.temporary.unlink()
        if self.closing is not None:
            self.closing()


EMPTY = Payload()


def _in_memory(body: bytes) -> Payload:
    """One piece, as the constructor makes it; there is one for each request and each answer."""
    payload = object.__new__(Payload)
    payload.__dict__.update(pieces=(body,), temporary=None, closing=None, size=len(body))
    return payload


def spool(parts: Iterator[bytes], folder: Path) -> Payload:
    """A body from its parts: in memory while it is small, else in a temporary file of `folder`. What cannot be written leaves nothing."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size > SPOOL_OVER:
            return _spooled(held, parts, folder)
    return Payload.of(b"".join(held))


def emptied(folder: Path) -> Path:
    """The folder for bodies on their way, without what a cloud that was killed left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder


def _spooled(held: list[bytes], rest: Iterator[bytes], folder: Path) -> Payload:
    handle, name = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb", buffering=0) as target:
            for part in held:
                write_all(target.fileno(), part)
            held.clear()
            for part in rest:
                write_all(target.fileno(), part)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Payload.of_temporary(Path(name))


def write_all(descriptor: int, part: bytes) -> None:
    """Write all of it, however often the file system takes less. Raises OSError."""
    view = memoryview(part)
    while view:
        view = view[os.write(descriptor, view) :]


def parts_of(source: Readable) -> Iterator[bytes]:
    """What a stream has, chunk by chunk."""
    return iter(lambda: source.read(CHUNK), b"")
