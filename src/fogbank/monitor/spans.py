"""Files in parts that are read apart from one another: small ones together, and a large one of lines by its bytes.

In: files; out: groups of about as many bytes each, in the files' order. They depend on the files alone, so that a profile of much data is
the same on every machine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

SIZE = 16 << 20
"""Bytes of a group: what takes a core a quarter of a second, so that starting a process is worth it."""
LINES, TIMES = 8192, 16
"""A part of a file with long lines has about so many of them, and up to so many times a group's bytes: each part is a profile of every column."""
LEAST, PARTS = 512, 4
"""A file has so many parts, for as many cores, where each has at least so many lines."""


@dataclass(kw_only=True)
class Span:
    """A file, or its lines that begin from the byte `start` on and before `end`. `lines` is how many have been read."""

    file: Path
    start: int = 0
    end: int | None = None
    lines: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is all of the file."""
        return not self.start and self.end is None

    def open(self) -> Reading:
        """Its bytes. Raises OSError."""
        return Reading(self, self.file.open("rb"))


class Reading:
    """The bytes of a span, as a context that closes the file."""

    def __init__(self, span: Span, stream: BinaryIO) -> None:
        self._span, self._stream, self._left = span, stream, -1
        span.lines = 0
        if not span.whole:
            end = None if span.end is None else self._line_from(span.end)
            start = self._line_from(span.start)
            self._left = (os.fstat(stream.fileno()).st_size if end is None else end) - start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()

    def read(self, size: int, /) -> bytes:
        """So many bytes, or fewer; none at the end."""
        if self._left < 0:
            return self._stream.read(size)
        found = self._stream.read(max(0, min(size, self._left)))
        self._left -= len(found)
        self._span.lines += found.count(b"\n")
        return found

    def lines(self) -> Iterator[bytes]:
        """The lines, each with its end."""
        for line in self._stream:
            if self._left == 0:
                return
            yield line
            self._span.lines += 1
            self._left -= len(line) if self._left > 0 else 0

    def _line_from(self, place: int) -> int:
        """Where the first line begins that does so from a place on; the stream is there then."""
        if not place:
            self._stream.seek(0)
            return 0
        self._stream.seek(place - 1)
        self._stream.readline()
        return self._stream.tell()


def grouped(files: Sequence[Path], *, split: bool, size: int = SIZE) -> list[list[Span]]:
    """Groups of `size` bytes and more, of whole files; with `split`, a file of two groups and more is parts of them, or of longer ones where
    its first two lines are long."""
    groups: list[list[Span]] = []
    bytes_ = 0
    for file in files:
        own = _size(file)
        part = _part(file, own, size) if split and own >= 2 * size else size
        if split and own >= 2 * part:
            starts = range(0, own - part + 1, part)
            ends = [*starts[1:], None]
            groups += [[Span(file=file, start=at, end=end)] for at, end in zip(starts, ends, strict=True)]
            bytes_ = 0
        elif bytes_:
            groups[-1].append(Span(file=file))
            bytes_ += own
        else:
            groups.append([Span(file=file)])
            bytes_ = max(1, own)
        if bytes_ >= size:
            bytes_ = 0
    return groups


def _part(file: Path, own: int, size: int) -> int:
    """How many bytes a part of a file of so many has at least; where it cannot be opened, which its reader tells, that does not matter."""
    try:
        with file.open("rb") as stream:
            line = max(len(stream.readline(TIMES * SIZE // LEAST)) for _ in range(2))
    except OSError:
        return size
    enough = min(TIMES, LINES * line // SIZE) * size
    return max(size, min(enough, max(own // PARTS, LEAST * line * size // SIZE)))


def listing(folder: Path) -> str:
    """A digest of the files below a folder, by their names and bytes: where it is the same, so are the groups."""
    files = sorted((path.relative_to(folder).as_posix(), _size(path)) for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _size(file: Path) -> int:
    """The bytes of a file; nothing where it cannot be looked at, which its reader tells."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
