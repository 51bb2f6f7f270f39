"""Data sets as named columns of text, put together by name.

In: CSV text, rows, other data sets; out: a `Dataset`. Position counts only where a format has no names: a CSV without a header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

LONGEST_CELL = 1 << 30
"""Python's csv module refuses cells of more than 128 KiB of its own accord; a text may be longer."""
NAMED = 1000
"""So many bad records are named; all are counted."""
CHUNK_ROWS, CHUNK_CELLS = 1 << 16, 1 << 20
"""A data set is read in chunks of so many rows at most, and so many cells."""
BLANKS = " \t\r\n"
TRUTHS = {"True": "true", "False": "false"}


class DatasetError(Exception):
    """Data that the analyzer cannot read; the text is the job's failure reason."""


@dataclass(frozen=True)
class Dataset:
    """Named columns of equal length; an absent value is None, everything else its text."""

    columns: Mapping[str, Sequence[str | None]]

    @property
    def item_count(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


@dataclass(frozen=True, kw_only=True)
class BadRecord:
    """A record that cannot be read; `line` counts from 1. Where it is 0, the file cannot be read, or not to its end."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


@dataclass
class Aside:
    """The records that cannot be read: all are counted, the first thousand named."""

    count: int = 0
    named: list[BadRecord] = field(default_factory=list)

    def add(self, file: str, line: int, reason: str) -> None:
        """Set one aside."""
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append(BadRecord(file=file, line=line, reason=reason))

    def more(self, count: int) -> None:
        """Count some that are not named."""
        self.count += count

    def merge(self, other: Aside, lines: int = 0) -> None:
        """Take those of what follows: its lines count from `lines`. A file is named once."""
        for bad in other.named:
            if bad.line:
                self.add(bad.file, bad.line + lines, bad.reason)
            elif bad not in self.named:
                self.add(bad.file, 0, bad.reason)
        self.more(other.count - len(other.named))


def chunk_rows(width: int) -> int:
    """How many rows of so many columns are read at once."""
    return max(16, min(CHUNK_ROWS, CHUNK_CELLS // max(1, width)))


def header_names(names: list[str]) -> list[str]:
    """The names of a header. Raises DatasetError where one is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DatasetError(f"the header has the column {name!r} twice")
        seen.add(name)
    return names


def csv_rows(text: str) -> list[list[str]]:
    """The rows of a CSV that are not blank. Raises DatasetError."""
    return [row for _, row in numbered_rows(io.StringIO(text, newline=""))]


def numbered_rows(lines: Iterator[str] | io.TextIOBase) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV that are not blank, each with the line that it ends at. Raises DatasetError."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(f"it is not CSV: {error}") from error


def table(rows: Sequence[Sequence[str | None]], names: Sequence[str]) -> Dataset:
    """Rows under names; columns beyond the names are `_c<i>`. Raises DatasetError."""
    width = len(rows[0]) if rows else len(names)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DatasetError(f"row {number} has {len(row)} columns, row 1 has {width}")
    named = positional(width, names)
    columns = zip(*rows, strict=True) if rows else ((),) * width
    return Dataset({name: cells(column) for name, column in zip(named, columns, strict=True)})


def positional(width: int, names: Sequence[str]) -> list[str]:
    """The names of so many columns: those beyond the names are SageMaker's `_c<i>`."""
    return [*names[:width], *(f"_c{i}" for i in range(len(names), width))]


def records(rows: Sequence[Mapping[str, str | None]], first: Sequence[str] = ()) -> Dataset:
    """Rows of which each has its own names: a name that a row lacks is a missing value there. The names of `first` come first."""
    present = dict.fromkeys(name for row in rows for name in row)
    leading = dict.fromkeys(name for name in first if name in present)
    order = [*leading, *(name for name in present if name not in leading)]
    return Dataset({name: cells([row.get(name) for row in rows]) for name in order})


def cells(values: Sequence[str | None]) -> list[str | None]:
    """Cells without the blanks around them; nothing but blanks is a missing value. Other signs of Unicode are text.

    Python's `True` and `False` are JSON's: the same truth may be captured as CSV that pandas wrote, and as JSON.
    """
    if None in values:
        return [cell(value) for value in values]
    whole = "".join(values)  # type: ignore[arg-type]  # none is None
    if any(blank in whole for blank in BLANKS) or any(truth in whole for truth in TRUTHS):
        return [cell(value) for value in values]
    return [value or None for value in values] if "" in values else list(values)


def cell(value: str | None) -> str | None:
    """One cell, likewise."""
    if value is None:
        return None
    text = value.strip(BLANKS)
    return TRUTHS.get(text, text) or None
