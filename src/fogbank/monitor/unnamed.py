"""Rows without names, of which the right number of columns is known when all are read.

In: rows, or columns of rows; out: the profile of those that are as long as most are, and the others, set aside. What was read of parts of
the data merges, in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fogbank.monitor.blocks import Columns
from fogbank.monitor.dataset import NAMED, Aside, cells, chunk_rows, positional
from fogbank.monitor.profile import Profile

WIDTHS = 8
"""Of rows without names, so many different numbers of columns are kept apart until it is known which is the right one."""


@dataclass
class _Width:
    """The rows of one number of columns: those that wait for a chunk to be full, and the profile of the others."""

    profile: Profile = field(default_factory=Profile)
    waiting: list[list[str]] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    count: int = 0


class UnnamedRows:
    """Rows without names: their columns are those of `names`, in their order, and those beyond SageMaker's `_c<i>`.

    Which number of columns is the right one is known at the end: what most rows have, of two that are as frequent that of the names.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = names
        self._widths: dict[int, _Width] = {}
        self._others = Aside()

    def add(self, file: str, line: int, row: list[str]) -> None:
        """Take a row."""
        width = self._width(file, line, len(row), 1)
        if width is None:
            return
        width.waiting.append(row)
        if len(width.waiting) >= chunk_rows(len(row)):
            self._profile(len(row), width)

    def add_columns(self, file: str, part: Columns) -> None:
        """Take rows that are read as columns already."""
        number = len(part.values)
        width = self._width(file, part.line, number, part.rows)
        if width is not None:
            width.profile.add(dict(zip(positional(number, self._names), part.values, strict=True)), part.rows)

    def _width(self, file: str, line: int, number: int, rows: int) -> _Width | None:
        """Where rows of so many columns go, and that they are there; None where that number is one too many."""
        width = self._widths.get(number)
        if width is None:
            if len(self._widths) == WIDTHS:
                for at in range(line, line + rows):
                    self._others.add(file, at, f"a row has {number} columns")
                return None
            width = self._widths[number] = _Width()
        width.count += rows
        width.places += [(file, at) for at in range(line, line + min(rows, NAMED - len(width.places)))]
        return width

    def packed(self) -> UnnamedRows:
        """The same with no rows that wait."""
        for number, width in self._widths.items():
            self._profile(number, width)
        return self

    def merge(self, other: UnnamedRows, lines: int = 0) -> None:
        """Take what was read of what follows: its lines count from `lines`."""
        for number, width in other.packed()._widths.items():
            own = self._widths.get(number)
            if own is None and len(self._widths) == WIDTHS:
                for file, at in width.places:
                    self._others.add(file, at + lines, f"a row has {number} columns")
                self._others.more(width.count - len(width.places))
                continue
            places = [(file, at + lines) for file, at in width.places]
            if own is None:
                self._widths[number] = replace(width, places=places)
                continue
            own.count += width.count
            own.places += places[: NAMED - len(own.places)]
            own.profile.merge(width.profile)
        self._others.merge(other._others, lines)

    def settled(self, aside: Aside) -> Profile:
        """The profile of the rows of the right number of columns; the others are set aside."""
        if not self._widths:
            return Profile()
        right = max(self._widths, key=lambda number: (self._widths[number].count, number == len(self._names)))
        for number, width in self._widths.items():
            if number != right:
                for file, line in width.places:
                    aside.add(file, line, f"a row has {number} columns, the others {right}")
                aside.more(width.count - len(width.places))
        for bad in self._others.named:
            aside.add(bad.file, bad.line, f"{bad.reason}, the others {right}")
        aside.more(self._others.count - len(self._others.named))
        self._profile(right, self._widths[right])
        return self._widths[right].profile

    def _profile(self, number: int, width: _Width) -> None:
        add_rows(width.profile, width.waiting, positional(number, self._names))
        width.waiting.clear()


def add_rows(profile: Profile, rows: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    """Take a chunk of rows that are as long as the names."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    profile.add({name: cells(column) for name, column in zip(names, columns, strict=True)}, len(rows))
