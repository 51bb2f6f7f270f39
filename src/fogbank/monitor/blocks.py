"""CSV by the block: where lines are plain, columns come at the speed of C; what is not so plain is left to the row reader.

In: a CSV file as bytes; out: blocks of columns, or numbered rows, in the file's order. Plain is a block without quotes, in which every
line has the same number of cells: all numbers of JSON's are read at once, other cells are split. A quote, which may hide a newline,
or a carriage return alone leaves the rest of the file to the row reader.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.dataset import BLANKS, cells, chunk_rows, numbered_rows
from fogbank.monitor.numbers import Plain, json_numbers
from fogbank.monitor.sketch import Floats

BYTES, MOST_BYTES, ROWS = 4 << 20, 32 << 20, 512
"""A block has so many bytes; where lines are long it is larger, for so many rows."""
COMMA, NEWLINE = ord(","), ord("\n")
FRACTION = np.isin(np.arange(256), [ord(letter) for letter in ".eE"])
FEW = 64
"""So many cells are looked at one by one."""
Numbered = tuple[int, list[str]]
Places = NDArray[np.intp]


class Bytes(Protocol):
    """Whatever gives the bytes that follow."""

    def read(self, size: int, /) -> bytes:
        """So many of them, or fewer; none at the end."""


class QuotedError(Exception):
    """A part of a CSV whose rows cannot be told without what comes before it: there are quotes in it, or carriage returns alone."""


class Columns(NamedTuple):
    """So many rows by their columns; the first is the file's line of this number."""

    line: int
    rows: int
    values: Sequence[Plain] | Sequence[list[str | None]]

    def numbered(self) -> list[Numbered]:
        """The same as rows."""
        columns = [values.texts() if isinstance(values, Plain) else values for values in self.values]
        rows = zip(*columns, strict=True)
        return [(number, [cell or "" for cell in row]) for number, row in enumerate(rows, self.line)]


def parts(file: Bytes, *, header: bool, size: int = BYTES, whole: bool = True) -> Iterator[Columns | list[Numbered]]:
    """A CSV from its first line on, after a byte order mark; with a header, that row comes alone. `size` is a block's at first, in bytes.

    Raises DatasetError; QuotedError where it is not the `whole` file.
    """
    left, line, width = file.read(max(3, size)).removeprefix(b"\xef\xbb\xbf"), 1, 0
    if header and left:
        body, left = _whole_lines(file, left, size)
        line_end = body.index(b"\n") + 1
        first = body[:line_end].rstrip(b"\n").removesuffix(b"\r")
        if b'"' in first or b"\r" in first or not first:
            _needs(whole=whole)
            yield from _headed(_rows(_rest(body + left, file), 1))
            return
        yield [(1, first.decode("utf-8", "surrogateescape").split(","))]
        left, line = body[line_end:] + left, 2
    while left := left or file.read(size):
        body, left = _whole_lines(file, left, size)
        plain = body.replace(b"\r\n", b"\n") if b"\r" in body else body
        if b'"' in plain or b"\r" in plain:
            _needs(whole=whole)
            yield from _rows(_rest(body + left, file), line)
            return
        body = plain
        if not width:
            first = body[: body.index(b"\n")]
            width, size = first.count(b",") + 1, max(size, min(MOST_BYTES, ROWS * len(first)))
        ends = _ends(body, width)
        columns = None if ends is None else _columns(body, ends, width)
        if ends is None or columns is None:
            yield from _rows(io.BytesIO(body), line)
            line += body.count(b"\n")
        else:
            yield Columns(line, len(ends) // width, columns)
            line += len(ends) // width
        left += file.read(max(0, size - len(left)))


def _needs(*, whole: bool) -> None:
    if not whole:
        raise QuotedError


def _columns(body: bytes, ends: Places, width: int) -> Sequence[Plain] | Sequence[list[str | None]] | None:
    """The columns of plain lines; None where they are not UTF-8."""
    block = _Block(body, ends, width)
    try:
        return block.columns()
    except UnicodeDecodeError:
        return None


class _Block:
    """Lines of so many cells each, whose ends are at these places."""

    def __init__(self, body: bytes, ends: Places, width: int) -> None:
        self._body, self._ends, self._rows, self._width = body, ends, len(ends) // width, width
        self._texts = _Texts(body)

    def columns(self) -> Sequence[Plain] | Sequence[list[str | None]]:
        """The values of each column: numbers, or texts of which an absent one is None. Raises UnicodeDecodeError."""
        numbers = json_numbers(self._body[:-1].replace(b"\n", b","), self._rows * self._width)
        if numbers is None:
            return [cells(self._texts.all[at :: self._width]) for at in range(self._width)]
        table = np.ascontiguousarray(numbers.reshape(self._rows, self._width).T)
        return [self._plain(at, column) for at, column in enumerate(table)]

    def _plain(self, at: int, numbers: Floats) -> Plain:
        whole = self._written_whole(at, np.flatnonzero(numbers == np.floor(numbers)))
        texts, width = self._texts, self._width  # they may be asked for late: nothing else is kept so long
        return Plain(numbers, whole, lambda: [text.strip(BLANKS) for text in texts.all[at::width]])

    def _written_whole(self, at: int, rows: Places) -> int:
        """How many of these rows of a column, whose numbers are whole ones, are written without a point or an exponent."""
        if len(rows) > FEW and self._fractions is not None:
            return len(rows) - int(self._fractions[at][rows].sum())
        if len(rows) > FEW:
            return len(rows)
        cells = (int(row) * self._width + at for row in rows)
        texts = (self._body[self._ends[cell - 1] + 1 if cell else 0 : self._ends[cell]] for cell in cells)
        return sum(not text.translate(None, b"0123456789+- \t") for text in texts)

    @cached_property
    def _fractions(self) -> NDArray[np.bool_] | None:
        """Of each column, which cells are written with a point or an exponent; None where none is."""
        marks = np.flatnonzero(FRACTION[np.frombuffer(self._body, np.uint8)])
        if not len(marks):
            return None
        found = np.zeros(self._rows * self._width, np.bool_)
        found[np.searchsorted(self._ends, marks)] = True
        return found.reshape(self._rows, self._width).T


class _Texts:
    """The cells of lines as they are written, row by row."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @cached_property
    def all(self) -> list[str]:
        return self._body[:-1].decode().replace("\n", ",").split(",")


def _headed(chunks: Iterator[list[Numbered]]) -> Iterator[list[Numbered]]:
    """Chunks of rows of which the first one comes alone."""
    for first, *rest in chunks:
        yield [first]
        if rest:
            yield rest
        yield from chunks


def _whole_lines(file: Bytes, body: bytes, size: int) -> tuple[bytes, bytes]:
    """The lines that a block has to their ends, and what follows. The last line of a file has an end here."""
    while True:
        at = body.rfind(b"\n") + 1
        if at:
            return body[:at], body[at:]
        more = file.read(size)
        if not more:
            return body + b"\n", b""
        body += more


def _ends(body: bytes, width: int) -> Places | None:
    """Where the cells of lines end, if every line has so many of them and none is a blank line."""
    if width == 1 and (body.startswith(b"\n") or b"\n\n" in body):
        return None
    letters = np.frombuffer(body, np.uint8)
    places = np.flatnonzero((letters == COMMA) | (letters == NEWLINE))
    if len(places) % width:
        return None
    last = letters[places].reshape(-1, width) == NEWLINE
    return places if last[:, -1].all() and int(last.sum()) == len(last) else None


def _rest(read: bytes, file: Bytes) -> BinaryIO:
    return io.BufferedReader(_Rest(read, file))


def _rows(body: BinaryIO, line: int) -> Iterator[list[Numbered]]:
    """The rows of lines from this number on, in chunks."""
    stream = io.TextIOWrapper(body, encoding="utf-8", errors="surrogateescape", newline="")
    rows = ((line - 1 + number, row) for number, row in numbered_rows(stream))
    for number, row in rows:
        yield [(number, row), *islice(rows, chunk_rows(len(row)) - 1)]


class _Rest(io.RawIOBase):
    """What was read of a file already, and then the rest of it."""

    def __init__(self, read: bytes, file: Bytes) -> None:
        self._read, self._file = memoryview(read), file

    def readable(self) -> bool:
        return True

    def readinto(self, into: NDArray[np.uint8] | memoryview) -> int:  # type: ignore[override]  # whatever takes bytes
        part = self._read[: len(into)] or self._file.read(len(into))
        self._read = self._read[len(part) :]
        into[: len(part)] = part
        return len(part)
