"""Rows of CSV as RFC 4180 has them, in bytes: cells of lines, and lines of cells. A record is one line: a cell holds no newline.

In: lines; out: cells without their quotes, and lines that quote what has to be. What SageMaker says of a broken line is known: it is
what Go's encoding/csv says (`bare " in non quoted field`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import cast

from fogbank.transform.jsonpath import Indexes, PathError, Range

_CELL = re.compile(rb'(?:"((?:[^"]|"")*)"|([^",]*))(,|\Z)')
_QUOTED = re.compile(rb'[",\r\n]')
NEAR = 40
EMPTY = b'""'
"""A row of one empty cell: an empty line would be none."""
Piece = Callable[[bytes], bytes]


class RowError(Exception):
    """A line that is not CSV."""


def lines_of(body: bytes) -> list[bytes]:
    """The lines without their ends; empty ones are no records."""
    lines = body.split(b"\n")
    if b"\r" in body:
        lines = [line.removesuffix(b"\r") for line in lines]
    return [line for line in lines if line] if b"" in lines else lines


def cells(line: bytes) -> list[bytes]:
    """The cells of a line. Raises RowError.

    >>> cells(b'1,"a ""b"", c",')
    [b'1', b'a "b", c', b'']
    """
    if b'"' not in line:
        return line.split(b",")
    found, at = [], 0
    while True:
        match = _CELL.match(line, at)
        if match is None:
            raise RowError(f"{_problem(line, at)} found near: {line[at : at + NEAR].decode(errors='replace')!r}")
        quoted, plain, end = match.groups()
        found.append(plain if quoted is None else quoted.replace(b'""', b'"'))
        if not end:
            return found
        at = match.end()


def _problem(line: bytes, at: int) -> str:
    return 'extraneous or missing " in quoted-field' if line[at : at + 1] == b'"' else 'bare " in non quoted field'


def line(row: Sequence[bytes]) -> bytes:
    """A row as a line without its end; a row of one empty cell is quoted, since an empty line is no row.

    >>> line([b"1", b"a,b"])
    b'1,"a,b"'
    """
    if row == [b""]:
        return EMPTY
    return b",".join([b'"' + cell.replace(b'"', b'""') + b'"' if _QUOTED.search(cell) else cell for cell in row])


def plain(body: bytes) -> bool:
    """Whether no cell is quoted, or would have to be: lines can be cut at commas and put together again as they are."""
    return b'"' not in body and (b"\r" not in body or body.count(b"\r") == body.count(b"\r\n") + body.endswith(b"\r"))


class Picker:
    """Takes the cells of a filter out of rows; raises PathError where a row has not so many."""

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes
        self._known: dict[int, tuple[int, ...]] = {}
        pieces = [_piece(each) for each in indexes.ranges]
        self._pieces = None if None in pieces else cast("list[Piece]", pieces)

    def __call__(self, row: Sequence[bytes]) -> list[bytes]:
        """The cells."""
        chosen = self._known.get(len(row))
        if chosen is None:
            chosen = self._known[len(row)] = self._indexes.of(len(row))
        return [row[index] for index in chosen]

    def plainly(self, lines: Sequence[bytes]) -> list[bytes]:
        """The cells of lines without quotes, as lines: these are cut only where the filter says, not into all their cells."""
        if self._pieces is None:
            return [b",".join(self(line.split(b","))) or EMPTY for line in lines]
        try:
            if len(self._pieces) == 1:
                piece = self._pieces[0]
                return [piece(line) or EMPTY for line in lines]
            if len(self._pieces) == 2:
                first, second = self._pieces
                return [b"%b,%b" % (first(line), second(line)) for line in lines]
            return [b",".join([piece(line) for piece in self._pieces]) for line in lines]
        except IndexError:
            raise PathError("a row has not so many cells") from None


def _piece(each: Range) -> Piece | None:
    """What takes a range out of a plain line, raising IndexError; None where that needs the number of its cells."""
    start, end = each.start or 0, -1 if each.end is None else each.end
    if each.one:
        if start >= 0:
            return lambda line: line.split(b",", start + 1)[start]
        return _last if start == -1 else lambda line: line.rsplit(b",", -start)[start]
    if start >= 0 and end == -1:
        return (lambda line: line.split(b",", start)[start]) if start else (lambda line: line)
    if start < 0 and end == -1:
        return lambda line: b",".join(_checked(line.rsplit(b",", -start), -start)[start:])
    if 0 <= start <= end:
        return lambda line: b",".join(_checked(line.split(b",", end + 1), end + 1)[start : end + 1])
    return None


def _last(line: bytes) -> bytes:
    return line[line.rfind(b",") + 1 :]


def _checked(parts: list[bytes], count: int) -> list[bytes]:
    if len(parts) < count:
        raise IndexError
    return parts
