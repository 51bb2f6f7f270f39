"""A large JSON document in parts, so that no other request waits until all of it is read, and a bad row ends it where it stands.

In: a body; out: the document with each of its long arrays in place as `Pieces`, whose elements are read some hundred kilobytes at a time.
A parser holds Python's one lock until it is done: for twenty megabytes of `{}` that is seconds, in which /ping is not answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.serve.documents import BOM, parse
from fogbank.serve.problems import bad_request

LARGE = 1 << 20
"""Bytes up to which a body is read in one piece: what takes its time there is nothing."""
SCANNED = 1 << 20
PIECE = 1 << 18
LONG = 1 << 16
"""An array of so many bytes is read in parts."""
HEAVIEST = 500_000
"""Lists, objects and texts that are read at once at most."""
DEEPEST = 1000
ARRAYS_LIMIT = 1000
MARK = "\0array-"
ESCAPED = re.compile(rb"\\.", re.DOTALL)
OPEN, CLOSE, COMMA, QUOTE = b'[],"'
STEP = np.zeros(256, dtype=np.int8)
STEP[[*b"[{"]], STEP[[*b"]}"]] = 1, -1
"""How much deeper it is after a letter."""
TELLING = (STEP != 0) | np.isin(np.arange(256), [COMMA, QUOTE])
"""The letters that say where arrays begin, end and are divided."""
NEAR = 512


class Pieces(list[Any]):
    """A long array of a document: empty as a list, `parts` read it."""

    def __init__(self, body: bytes, start: int, end: int, commas: NDArray[np.int64]) -> None:
        super().__init__()
        self._body, self._start, self._end, self._commas = body, start, end, commas

    def parts(self) -> Iterator[list[Any]]:
        """The elements in order, some at a time. Raises RequestError."""
        start, done = self._start, 0
        while start <= self._end:
            next_comma = int(np.searchsorted(self._commas, start + PIECE))
            last = next_comma >= len(self._commas)
            end = self._end if last else int(self._commas[next_comma])
            text = self._body[start:end]
            if not text.strip() and (done or not last):
                raise bad_request("the body is not JSON: an array's element is missing")
            check_weight(text, f"what follows row {done}")
            elements = parse(b"[" + text + b"]", f"what follows row {done}")
            yield elements
            done += len(elements)
            start = end + 1

    def whole(self) -> list[Any]:
        """All elements. Raises RequestError."""
        return [element for part in self.parts() for element in part]


def check_weight(text: bytes, what: str) -> None:
    """Refuse what would hold up all others while it is read. Raises RequestError."""
    if len(text) > HEAVIEST and text.count(b"[") + text.count(b"{") + text.count(b'"') // 2 > HEAVIEST:
        raise bad_request(f"{what} has more lists, objects and texts in one row than one row can have")


@dataclass
class _Scan:
    """How far a body is looked through: the depth and whether within a text at that place, and the arrays so far."""

    depth: int = 0
    in_text: bool = False
    level: int = 0
    start: int = 0
    commas: list[NDArray[np.int64]] = field(default_factory=list)
    arrays: list[tuple[int, int, NDArray[np.int64]]] = field(default_factory=list)


def outline(body: bytes) -> Any:
    """The document, its long arrays as Pieces. Raises RequestError."""
    body = body.removeprefix(BOM)
    scan = _Scan()
    place = 0
    while place < len(body):
        end = _end_of_part(body, place)
        _look(body, place, end, scan)
        place = end
    if scan.level or scan.depth or scan.in_text:
        raise bad_request("the body is not JSON: it ends too early")
    long = [array for array in scan.arrays if array[1] - array[0] > LONG]
    document = parse(_skeleton(body, long), "the body")
    pieces = [Pieces(body, *array) for array in long]
    return _filled(document, pieces, DEEPEST)


def pieces_in(document: Any) -> list[Pieces]:
    """The long arrays of a document."""
    if isinstance(document, Pieces):
        return [document]
    if isinstance(document, dict):
        return [found for value in document.values() for found in pieces_in(value)]
    return []


def with_parts(document: Any, pieces: Pieces, part: list[Any]) -> Any:
    """The document with a part in the place of an array."""
    if document is pieces:
        return part
    if isinstance(document, dict):
        return {key: with_parts(value, pieces, part) for key, value in document.items()}
    return document


def materialized(document: Any) -> Any:
    """The document with all of every array."""
    if isinstance(document, Pieces):
        return document.whole()
    if isinstance(document, dict):
        return {key: materialized(value) for key, value in document.items()}
    return document


def _end_of_part(body: bytes, place: int) -> int:
    """Where a part ends that begins at `place`: not between a backslash and what it escapes."""
    end = min(place + SCANNED, len(body))
    backslashes = len(body[place:end]) - len(body[place:end].rstrip(b"\\"))
    return min(end + backslashes % 2, len(body))


def _look(body: bytes, place: int, end: int, scan: _Scan) -> None:
    """Look through one part: where the arrays begin and end that lie in no other, and the commas of each."""
    part = body[place:end]
    if b"\\" in part:
        part = ESCAPED.sub(b"__", part)
    letters = np.frombuffer(part, dtype=np.uint8)
    told = np.flatnonzero(TELLING[letters])
    letters = letters[told]
    quotes = letters == QUOTE
    plain = ((np.cumsum(quotes, dtype=np.int32) + scan.in_text) & 1) == 0
    scan.in_text ^= bool(np.count_nonzero(quotes) & 1)
    told, letters = told[plain], letters[plain]
    steps = STEP[letters]
    depth = np.cumsum(steps, dtype=np.int32) + scan.depth
    if depth.max(initial=0) > DEEPEST or depth.min(initial=0) < 0:
        raise bad_request("the body is not JSON: its brackets do not match, or nest too deep")
    begins = np.flatnonzero(letters == OPEN)
    at = 0
    while at < len(letters):
        if not scan.level:
            following = int(np.searchsorted(begins, at))
            if following == len(begins):
                break
            at = int(begins[following])
            scan.level, scan.start, scan.commas = int(depth[at]), place + int(told[at]) + 1, []
            at += 1
        stop = _first_below(depth, at, scan.level)
        own = at + np.flatnonzero((letters[at:stop] == COMMA) & (depth[at:stop] == scan.level))
        scan.commas.append(place + told[own])
        if stop < len(letters):
            _close(scan, int(letters[stop]), place + int(told[stop]))
        at = stop + 1
    scan.depth = int(depth[-1]) if len(depth) else scan.depth


def _first_below(depth: NDArray[np.int32], at: int, level: int) -> int:
    """The first place from `at` on that lies less deep than `level`, else the end: what ends soon is found soon."""
    window = NEAR
    while at < len(depth):
        below = depth[at : at + window] < level
        first = int(below.argmax())
        if below[first]:
            return at + first
        at, window = at + window, 2 * window
    return len(depth)


def _close(scan: _Scan, letter: int, place: int) -> None:
    if letter != CLOSE:
        raise bad_request("the body is not JSON: its brackets do not match")
    scan.arrays.append((scan.start, place, np.concatenate(scan.commas)))
    scan.level = 0
    if len(scan.arrays) > ARRAYS_LIMIT:
        raise bad_request("the body has more arrays than any form of rows")


def _skeleton(body: bytes, arrays: list[tuple[int, int, NDArray[np.int64]]]) -> bytes:
    """The body with a mark in the place of each array."""
    parts, place = [], 0
    for number, (start, end, _) in enumerate(arrays):
        parts += [body[place : start - 1], b'"\\u0000array-%d"' % number]
        place = end + 1
    skeleton = b"".join([*parts, body[place:]])
    check_weight(skeleton, "the body")
    return skeleton


def _filled(value: Any, pieces: list[Pieces], depth: int) -> Any:
    if isinstance(value, str) and value.startswith(MARK):
        number = value.removeprefix(MARK)
        return pieces[int(number)] if number.isdecimal() and int(number) < len(pieces) else value
    if isinstance(value, dict) and depth:
        return {key: _filled(item, pieces, depth - 1) for key, item in value.items()}
    return value
