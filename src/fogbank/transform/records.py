"""From an object's bytes, as they come, to the mini-batches of a transform job; from replies to its output. Memory is a mini-batch.

Source: CreateTransformJob in the API reference; AWS Developer Guide "Use Batch Transform"; the SageMaker SDK's local mode.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from fogbank.ground.aws import join_key
from fogbank.transform.framing import FRAMES, FrameError

SINGLE = "SingleRecord"
WRAPPED = 31
"""zlib's word for a gzip header and trailer."""
LOOK = 1 << 14
"""How many bytes are looked through for the last newline of a mini-batch, at once."""
AT_ONCE = 1 << 20
"""How many bytes are decompressed at once, for a few may hold very many, and looked through for the end of a record."""


class RecordError(Exception):
    """An object that cannot be split as the job says."""


@dataclass(frozen=True, slots=True)
class MiniBatch:
    """Whole records as they lie in the object: the first is record number `first`, from 1, and they end at byte `end` of it."""

    body: bytes
    first: int
    count: int
    end: int

    def __str__(self) -> str:
        return f"record {self.first}" if self.count == 1 else f"records {self.first}-{self.first + self.count - 1}"


def decompressed(parts: Iterable[bytes], compression: str) -> Iterator[bytes]:
    """The object's bytes; `Gzip` is undone before splitting, member by member. Raises RecordError."""
    if compression != "Gzip":
        yield from parts
        return
    stream, begun = zlib.decompressobj(WRAPPED), False
    try:
        for part in parts:
            left = part
            while left:
                if stream.eof:
                    stream = zlib.decompressobj(WRAPPED)
                begun = True
                if made := stream.decompress(left, AT_ONCE):
                    yield made
                left = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise RecordError(f"CompressionType is Gzip and the object is not gzip: {error}") from error
    if not begun or not stream.eof:
        raise RecordError("CompressionType is Gzip and the object is not gzip: it ends too early")


def without(parts: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The parts but for their first `count` bytes."""
    for part in parts:
        if count < len(part):
            yield part[count:] if count else part
        count = max(0, count - len(part))


def mini_batches(
    parts: Iterable[bytes], split_type: str, strategy: str, limit: int, *, at: int = 0, first: int = 1
) -> Iterator[MiniBatch]:
    """Whole records: one each, or as many as fit into `limit` bytes (0: no limit); without a SplitType the object is one record.

    A final newline makes no record, and a line ends at a newline and nowhere else. The parts begin at byte `at` of the object, with
    record `first`. Raises RecordError.

    >>> [batch.body for batch in mini_batches([b"1,2\\n3", b",4\\n5"], "Line", "MultiRecord", 8)]
    [b'1,2\\n3,4\\n', b'5']
    """
    feed = _Feed(iter(parts))
    cut = _cutter(split_type, strategy, limit)
    while True:
        size, count = cut(feed, first)
        if not count:
            return
        at += size
        yield MiniBatch(feed.take(size), first, count, at)
        first += count
        if split_type == "None":
            return


class Laid(Protocol):
    """An object's bytes that can be read anywhere."""

    @property
    def size(self) -> int:
        """The byte behind its last one."""

    def read(self, start: int, size: int) -> bytes:
        """`size` bytes from byte `start` of the object on. Raises OSError where it has not so many."""


def places(laid: Laid, limit: int, *, at: int = 0, first: int = 1) -> Iterator[tuple[int, int]]:
    """(start, size) of what `mini_batches` makes of lines, as many as fit into `limit` bytes: only their ends are read, and they are not
    counted. Raises RecordError, OSError.
    """
    begin = at
    while at < laid.size:
        end = _line_end(laid, at, at + limit) if limit and laid.size - at > limit else laid.size
        if end is None:
            raise _too_long(first + newlines(laid, begin, at), limit)
        yield at, end - at
        at = end


def newlines(laid: Laid, start: int, end: int) -> int:
    """How many newlines lie between two bytes of an object. Raises OSError."""
    steps = range(start, end, AT_ONCE)
    return sum(laid.read(at, min(AT_ONCE, end - at)).count(b"\n") for at in steps)


def _line_end(laid: Laid, start: int, end: int) -> int | None:
    """The byte behind the last newline between two bytes."""
    while end > start:
        begin = max(start, end - LOOK)
        found = laid.read(begin, end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return None


def lines_in(body: bytes) -> int:
    """How many lines a mini-batch has, the last with or without its newline."""
    return body.count(b"\n") + (body != b"" and not body.endswith(b"\n"))


def output_key(prefix: str, key: str, output_prefix: str) -> str:
    """Where the reply to the object `key` goes: its path below the input prefix's folder, and `.out`.

    >>> output_key("in/", "in/a/b.csv", "out")
    'out/a/b.csv.out'
    """
    folder = prefix[: prefix.rfind("/") + 1]  # a prefix may end inside a name: `in/day-` matches `in/day-1.csv`
    below = key[len(folder) :]
    return join_key(output_prefix, below) + ".out"


def assembled(reply: bytes, assemble_with: str) -> bytes:
    """What a reply is in the output: with `Line` it ends in exactly one newline, unless it is empty and nobody was asked.

    (AWS's pages say that a newline is added after each reply. A reply that has one already is not given a second.)
    """
    return reply + b"\n" if assemble_with == "Line" and not reply.endswith(b"\n") else reply


class _Feed:
    """What has come of an object and is not taken yet: `data` from `start` on."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self.data, self.start, self.ended = b"", 0, False

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return len(self.data) - self.start

    def fill(self, size: int | None) -> bool:
        """Let at least `size` bytes come, or all (None). False where there are not so many."""
        if not self.ended and (size is None or self.size < size):
            come, held = [self.data[self.start :]], self.size
            while size is None or held < size:
                part = next(self._parts, None)
                if part is None:
                    self.ended = True
                    break
                come.append(part)
                held += len(part)
            self.data, self.start = b"".join(come), 0
        return size is not None and self.size >= size

    def take(self, size: int) -> bytes:
        """The next bytes, which have come."""
        taken = self.data[self.start : self.start + size]
        self.start += size
        return taken


Cut = Callable[[_Feed, int], tuple[int, int]]
"""(bytes, records) of the next mini-batch, whose first record has that number; no records at the end. Raises RecordError."""


def _cutter(split_type: str, strategy: str, limit: int) -> Cut:
    if split_type == "None":
        return lambda feed, first: _whole(feed, first, limit)
    if split_type in FRAMES:
        return lambda feed, first: _frames(feed, first, FRAMES[split_type], 1 if strategy == SINGLE else 0, limit)
    return lambda feed, first: (_line if strategy == SINGLE else _lines)(feed, first, limit)


def _whole(feed: _Feed, first: int, limit: int) -> tuple[int, int]:
    if feed.fill(limit + 1 if limit else None):
        raise _too_long(first, limit)
    return feed.size, 1


def _line(feed: _Feed, first: int, limit: int) -> tuple[int, int]:
    looked = 0
    while True:
        end = feed.data.find(b"\n", feed.start + looked)
        size = end + 1 - feed.start if end >= 0 else feed.size
        if limit and size > limit:
            raise _too_long(first, limit)
        if end >= 0 or feed.ended:
            return size, int(size > 0)
        looked = feed.size
        feed.fill(looked + AT_ONCE)


def _lines(feed: _Feed, first: int, limit: int) -> tuple[int, int]:
    more = feed.fill(limit + 1 if limit else None)
    size = feed.data.rfind(b"\n", feed.start, feed.start + limit) + 1 - feed.start if more else feed.size
    if more and size <= 0:
        raise _too_long(first, limit)
    end = feed.start + size
    unended = size > 0 and feed.data[end - 1 : end] != b"\n"
    return size, feed.data.count(b"\n", feed.start, end) + unended


def _frames(feed: _Feed, first: int, end_of: Callable[[bytes, int], int], most: int, limit: int) -> tuple[int, int]:
    """As many frames as fit; at most `most`, where that is not 0."""
    size = count = 0
    while not most or count < most:
        if not feed.fill(size + 1):
            break
        try:
            end = end_of(feed.data, feed.start + size) - feed.start
            while feed.size < end <= (limit or end) and feed.fill(end):
                end = end_of(feed.data, feed.start + size) - feed.start
        except FrameError as error:
            raise RecordError(f"record {first + count} cannot be read: {error}") from error
        if limit and end > limit:
            if not count:
                raise _too_long(first, limit)
            break
        if end > feed.size:
            raise RecordError(f"record {first + count} cannot be read: the object ends within it")
        size, count = end, count + 1
    return size, count


def _too_long(record: int, limit: int) -> RecordError:
    return RecordError(f"record {record} has more bytes than MaxPayloadInMB allows ({limit})")
