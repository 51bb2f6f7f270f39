"""Data sets as named columns of text, put together by name.

In: CSV text, rows, other data sets; out: a `Dataset`. Position counts only where a format has no names: a CSV without a header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST_CELL = 1 << 30
"""Python's csv module refuses cells of more than 128 KiB of its own accord; a text may be longer."""


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


def read_csv_files(files: Sequence[Path], *, header: bool = True) -> Dataset:
    """One data set of several CSV files; with headers, the columns find one another by name. Raises DatasetError."""
    parts = []
    for file in files:
        try:
            parts.append(read_csv(file.read_bytes().decode("utf-8-sig"), header=header))
        except (OSError, UnicodeDecodeError, DatasetError) as error:
            raise DatasetError(f"{file.name}: {error}") from error
    return joined(parts)


def read_csv(text: str, *, header: bool = True) -> Dataset:
    """A CSV. Without a header its columns are SageMaker's `_c0`, `_c1`, ... Raises DatasetError for rows of unequal length."""
    rows = csv_rows(text)
    if not rows:
        raise DatasetError("the CSV is empty")
    names = rows.pop(0) if header else []
    if twice := next((name for i, name in enumerate(names) if name in names[:i]), None):
        raise DatasetError(f"the header has the column {twice!r} twice")
    return table(rows, names)


def csv_rows(text: str) -> list[list[str]]:
    """The rows of a CSV that are not blank. Raises DatasetError."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise DatasetError(f"it is not CSV: {error}") from error


def table(rows: Sequence[Sequence[str | None]], names: Sequence[str]) -> Dataset:
    """Rows under names; columns beyond the names are `_c<i>`. Raises DatasetError."""
    width = len(rows[0]) if rows else len(names)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DatasetError(f"row {number} has {len(row)} columns, row 1 has {width}")
    named = [*names[:width], *(f"_c{i}" for i in range(len(names), width))]
    return Dataset({name: [cell(row[i]) for row in rows] for i, name in enumerate(named)})


def records(rows: Sequence[Mapping[str, str | None]], first: Sequence[str] = ()) -> Dataset:
    """Rows of which each has its own names: a name that a row lacks is a missing value there. The names of `first` come first."""
    present = dict.fromkeys(name for row in rows for name in row)
    order = [*(name for name in first if name in present), *(name for name in present if name not in first)]
    return Dataset({name: [cell(row.get(name)) for row in rows] for name in order})


def joined(parts: Sequence[Dataset]) -> Dataset:
    """One data set of several, by name: a column that one of them lacks has missing values there."""
    if len(parts) == 1:
        return parts[0]
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return Dataset(
        {
            name: [value for part in parts for value in part.columns.get(name, [None] * part.item_count)]
            for name in names
        }
    )


def cell(value: str | None) -> str | None:
    """A cell without the blanks around it; nothing but blanks is a missing value. Other signs of Unicode are text."""
    return (value.strip(" \t\r\n") or None) if value is not None else None
