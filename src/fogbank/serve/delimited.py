"""CSV: its lines and cells, its header, and the fast way from its bytes to an array of numbers.

Where every cell is a number simdjson reads the whole as JSON's numbers; what is not so plain is split cell by cell.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import simdjson
from numpy.typing import NDArray

from fogbank.contracts.schema import header_names
from fogbank.serve.cells import NUMBER
from fogbank.serve.problems import bad_request
from fogbank.serve.table import Rows

Letters = NDArray[np.uint8]
"""A text's bytes."""
_parsers = threading.local()
COMMA, NEWLINE, OPENS, CLOSES = b",\n[]"
AT_ONCE = 1 << 20
"""Bytes of lines that are parsed at once, about: a parser holds several times as many."""
SMALL_WIDTH = 256
"""Cells of a line whose commas a byte counts."""
PART = 10_000
"""Rows that are split at once where there are many: others have their turn between."""
LEADS_A_NUMBER = b"0123456789-."


class Header:
    """What the first line is: data, or the columns' names in some order. `like_a_number`: a name may be taken for a number."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self.like_a_number = any(name[:1].encode() in LEADS_A_NUMBER for name in names)

    def split(self, body: bytes, stated: str = "") -> tuple[list[str] | None, bytes]:
        """The names where they are not in the schema's order, and the body without them. `stated` is what the content type
        says (RFC 4180): `present`, `absent` or nothing."""
        if (not self.like_a_number and body[:1] in LEADS_A_NUMBER and stated != "present") or not self._names:
            return None, body
        if stated == "absent":
            return None, body
        first, _, rest = body.partition(b"\n")
        cells = header_names(next(iter(split_cells(first.decode("utf-8", "replace"))), []), self._names)
        if stated != "present" and not self._is_header(cells, rest):
            return None, body
        if not rest.strip():
            raise bad_request("the body holds a header and no rows")
        return None if cells == self._names else cells, rest

    def _is_header(self, cells: list[str], rest: bytes) -> bool:
        """Whether these are names. Where all of them may as well be numbers, they are names only if they are all of them in
        order, and rows follow."""
        if all(NUMBER.fullmatch(cell) for cell in cells):
            return cells == self._names and bool(rest.strip())
        if cells == self._names:
            return True
        return len(set(cells) & set(self._names)) * 2 > len(cells) and len(set(cells)) == len(cells)


def split_cells(text: str, *, one_column: bool = False) -> list[list[str]]:
    """The rows' cells. Empty lines are none, but for a table of one column, where they are empty cells. Raises RequestError."""
    if '"' not in text:
        lines = text.removesuffix("\n").split("\n")
        return [line.split(",") for line in lines if one_column or line.strip()]
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise bad_request(f"the body is not CSV: {error}") from error
    return [row or [""] for row in rows if one_column or row]


def rows_of_cells(text: str, *, one_column: bool, whole: bool) -> Iterator[list[list[str]]]:
    """The rows' cells, PART at a time, or all of them at once. Raises RequestError."""
    if whole:
        yield split_cells(text, one_column=one_column)
        return
    if '"' not in text:
        lines = text.removesuffix("\n").split("\n")
        for start in range(0, len(lines), PART):
            yield [line.split(",") for line in lines[start : start + PART] if one_column or line.strip()]
        return
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        while part := list(islice(rows, PART)):
            yield [row or [""] for row in part if one_column or row]
    except csv.Error as error:
        raise bad_request(f"the body is not CSV: {error}") from error


def without_last_lines(text: str) -> str:
    """The text without the empty lines at its end."""
    length = len(text.rstrip())
    return text[: length + max(0, text[length:].find("\n"))] if length < len(text) else text


def plain_numbers(body: bytes, width: int) -> Rows | None:
    """The body as an array where it is lines of `width` JSON numbers and nothing else; None where it is not so plain.

    Every number is finite: JSON has no other, and one beyond a double is no number to the parser.
    """
    size = len(body) - body.endswith(b"\n")
    if b"[" in body:
        return None
    if body.find(b"\n", 0, size) < 0:
        return parsed(b"[" + body[:size] + b"]", 1, width)
    letters = np.frombuffer(body, dtype=np.uint8, count=size)
    newlines = np.flatnonzero(letters == NEWLINE)
    if not _even(letters, newlines, width):
        return None
    lines = len(newlines) + 1
    step = max(1, AT_ONCE * lines // size)
    parts: list[Rows] = []
    for first in range(0, lines, step):
        part = _document(letters, newlines, first, min(lines, first + step))
        table = parsed(part, min(step, lines - first), width)
        if table is None:
            return None
        parts.append(table)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _document(letters: Letters, newlines: NDArray[np.intp], first: int, last: int) -> memoryview:
    """Some of the lines as one JSON array."""
    start = newlines[first - 1] + 1 if first else 0
    end = newlines[last - 1] if last <= len(newlines) else len(letters)
    document = np.empty(end - start + 2, dtype=np.uint8)
    document[0], document[1:-1], document[-1] = OPENS, letters[start:end], CLOSES
    document[newlines[first : last - 1] - start + 1] = COMMA
    return document.data


def parsed(document: bytes | memoryview, lines: int, width: int) -> Rows | None:
    """The numbers of a JSON array as a table; None where it is not so many numbers. It must hold no array but itself."""
    parser = getattr(_parsers, "one", None) or simdjson.Parser()  # one a thread: it keeps its memory from body to body
    _parsers.one = parser
    try:
        array = parser.parse(document)
        numbers = np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)  # type: ignore[union-attr]  # it is an array
    except (ValueError, TypeError, RuntimeError, UnicodeDecodeError):
        _parsers.one = None
        return None
    return numbers.reshape(lines, width) if len(numbers) == lines * width else None


def _even(letters: Letters, newlines: NDArray[np.intp], width: int) -> bool:
    """Whether every line has `width` cells, by the commas between its newline and the one before, if there are so many in all of them."""
    starts = np.concatenate(([0], newlines + 1))
    if starts[-1] >= len(letters) or (np.diff(starts) < 2).any():
        return False  # an empty line
    counts = np.uint8 if width <= SMALL_WIDTH else np.uint32  # one that goes round is not right in all of them
    commas = np.add.reduceat((letters == COMMA).view(np.uint8), starts, dtype=counts)
    return bool((commas == width - 1).all())
