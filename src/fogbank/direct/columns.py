"""Mini-batches of CSV whose filters are sets of columns, without a step for each row: the same bytes as line by line.

In: lines of as many cells each, none of them quoted; out: what a job writes of them, or None: then line by line. The cells that
InputFilter leaves out are blanks of the JSON that is read, and an output's cells are copied as they lie in the input and in the reply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.transform import TransformRequest
from fogbank.serve import media
from fogbank.serve.delimited import CLOSES, COMMA, NEWLINE, OPENS, Letters, parsed
from fogbank.serve.encode import is_array, is_plain, numbers_as_lines
from fogbank.serve.handler import Call, Handler
from fogbank.serve.problems import RequestError
from fogbank.transform.association import Association

LONGEST = 256
"""Bytes of neighbouring cells that are copied or left out in one step; where some are longer it is done line by line."""
ROWS = 2048
"""Rows that are copied at once: what fits into a cache."""
SPACE, NOTHING = b" \0"
Places = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Rows of a text: cell j of row i lies between `bounds[i, j]` and `bounds[i, j + 1]`, neither included. Shape (rows, cells + 1)."""

    letters: Letters
    bounds: Places

    @classmethod
    def of(cls, text: bytes) -> Cells | None:
        """The rows of a text that ends in a newline or not; None where a line is empty, or they have not as many cells each."""
        size = len(text) - text.endswith(b"\n")
        if not size:
            return None
        letters = np.frombuffer(text, dtype=np.uint8, count=size)
        newlines, commas = (np.flatnonzero(letters == letter) for letter in (NEWLINE, COMMA))
        lines = len(newlines) + 1
        width, left = divmod(len(commas), lines)
        if left:
            return None
        bounds = np.empty((lines, width + 2), dtype=np.intp)
        bounds[0, 0], bounds[1:, 0] = -1, newlines
        bounds[:-1, -1], bounds[-1, -1] = newlines, len(letters)
        bounds[:, 1:-1] = commas.reshape(lines, width)
        if (bounds[:, 1] <= bounds[:, 0]).any() or (bounds[:, -1] <= bounds[:, -2]).any():
            return None
        return None if not width and (np.diff(bounds) < 2).any() else cls(letters=letters, bounds=bounds)

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return int(self.bounds.shape[1]) - 1

    def run(self, first: int, last: int) -> Run:
        """Neighbouring cells of each row, both ends included."""
        return Run(letters=self.letters, starts=self.bounds[:, first] + 1, ends=self.bounds[:, last + 1])

    def document(self, kept: Sequence[int]) -> memoryview | None:
        """The cells that are kept as a JSON array, if they are JSON; None where what is left out is too long."""
        letters = np.empty(len(self.letters) + 2, dtype=np.uint8)
        letters[0], letters[1:-1], letters[-1] = OPENS, self.letters, CLOSES
        letters[self.bounds[1:, 0] + 1] = COMMA
        for first, last in runs([cell for cell in range(self.width) if cell not in kept]):
            # with the comma before them; the first of a row with that behind them
            starts, ends = self.bounds[:, first] + (not first), self.bounds[:, last + 1] + (not first)
            if int((ends - starts).max()) > LONGEST:
                return None
            for places, inside in windows(starts + 1, ends + 1):
                letters[places[inside]] = SPACE
        return letters.data


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A piece of each row of a text."""

    letters: Letters
    starts: Places
    ends: Places

    @property
    def longest(self) -> int:
        """Bytes of the longest piece."""
        return int((self.ends - self.starts).max())


class Columns:
    """What a job does to rows of numbers. `before` and `after` are the cells of InputFilter and OutputFilter, None for all."""

    def __init__(self, handler: Handler, association: Association, width: int) -> None:
        self._handler, self._width, self._join = handler, width, association.join
        self._before, self._after = association.input.indexes(), association.output.indexes()
        self._fits = True

    @classmethod
    def of(cls, handler: Handler, request: TransformRequest) -> Columns | None:
        """None where records are no rows of CSV, before the model or behind it, or are not looked at."""
        association, package = Association.of(request.processing), handler.package
        content_type, accept = request.source.content_type or "", request.target.accept or ""
        if not association.reads or content_type != media.CSV or package is None or package.input is None:
            return None
        if accept not in {"", media.CSV}:
            return None
        try:
            accepted = handler.accept(Call(b"", content_type, accept))
        except RequestError:  # it is said of each record
            return None
        return cls(handler, association, len(package.input.names)) if accepted == media.CSV else None

    def output(self, body: bytes) -> bytes | None:
        """What is written of a mini-batch; None from the first prediction on that is no array: each would be made twice."""
        try:
            return self._output(body) if self._fits else None
        except Exception:  # noqa: BLE001 - line by line the same is met, and said
            return None

    def _output(self, body: bytes) -> bytes | None:
        if any(letter in body for letter in (b'"', b"\r", b"[", b"\0")):
            return None
        cells = Cells.of(body)
        if cells is None:
            return None
        kept = [*range(cells.width)] if self._before is None else [*self._before.of(cells.width)]
        if kept != sorted(set(kept)) or len(kept) != self._width:
            return None
        document = cells.document(kept)
        table = None if document is None else parsed(document, len(cells.bounds), self._width)
        prediction: Any = None if table is None else self._handler.of_numbers(table)
        self._fits = prediction is None or is_array(prediction)
        if not is_plain(prediction) or len(prediction) != len(cells.bounds):
            return None
        return self._written(cells, prediction.reshape(len(prediction), -1))

    def _written(self, cells: Cells, prediction: NDArray[Any]) -> bytes | None:
        """The cells that OutputFilter picks of the input's, if they are joined, and the prediction's."""
        own = cells.width if self._join else 0
        width = own + prediction.shape[1]
        picked = [*range(width)] if self._after is None else [*self._after.of(width)]
        if min(picked) >= own:
            return numbers_as_lines(np.ascontiguousarray(prediction[:, [cell - own for cell in picked]]))
        pieces = []
        for first, last in runs(picked, own):
            if first < own:
                pieces.append(cells.run(first, last))
            else:
                reply = Cells.of(numbers_as_lines(np.ascontiguousarray(prediction[:, first - own : last + 1 - own])))
                if reply is None:
                    return None
                pieces.append(reply.run(0, last - first))
        if max(piece.longest for piece in pieces) > LONGEST:
            return None
        if len(picked) == 1 and (pieces[0].ends == pieces[0].starts).any():
            return None  # a row of one empty cell is quoted
        return beside(pieces)


def lines_in(body: bytes) -> int:
    """How many lines a mini-batch has, the last with or without its newline; 0 where it is empty."""
    letters = np.frombuffer(body, dtype=np.uint8) if body else np.empty(0, dtype=np.uint8)
    return int(np.count_nonzero(letters == NEWLINE)) + int(bool(body) and letters[-1] != NEWLINE)


def runs(cells: Sequence[int], border: int = -1) -> Iterator[tuple[int, int]]:
    """The first and the last of cells that follow each other; none goes over the border.

    >>> list(runs([0, 1, 2, 5, 3, 4], border=4))
    [(0, 2), (5, 5), (3, 3), (4, 4)]
    """
    first = last = None
    for cell in cells:
        if first is not None and last is not None:
            if cell == last + 1 and cell != border:
                last = cell
                continue
            yield first, last
        first = last = cell
    if first is not None and last is not None:
        yield first, last


def windows(starts: Places, ends: Places) -> Iterator[tuple[Places, NDArray[np.bool_]]]:
    """Some rows at a time: the places from each start on, as many as the longest piece has, and which of them are in the row's piece."""
    for at in range(0, len(starts), ROWS):
        part = slice(at, at + ROWS)
        sizes = (ends[part] - starts[part])[:, np.newaxis]
        steps = np.arange(sizes.max())
        yield starts[part][:, np.newaxis] + steps, steps < sizes


def beside(pieces: Sequence[Run]) -> bytes:
    """Rows of the pieces with commas between them. They hold no byte that is 0."""
    made = []
    for parts in zip(*(windows(piece.starts, piece.ends) for piece in pieces), strict=True):
        columns = []
        for piece, (places, inside) in zip(pieces, parts, strict=True):
            columns += [np.where(inside, piece.letters.take(places, mode="clip"), NOTHING), _letter(COMMA, len(places))]
        columns[-1] = _letter(NEWLINE, len(columns[-1]))
        made.append(np.concatenate(columns, axis=1, dtype=np.uint8, casting="unsafe").tobytes())
    return b"".join(made).translate(None, bytes([NOTHING]))


def _letter(letter: int, rows: int) -> Letters:
    return np.full((rows, 1), letter, dtype=np.uint8)
