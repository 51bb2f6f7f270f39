"""A CSV of sample rows, and what it says of the columns that a model takes.

In: a file with or without a header, and what the model says of its columns; out: the model's columns with their types, and their cells.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fogbank.contracts.errors import DataError
from fogbank.contracts.schema import Column, Dtype, Value, header_names
from fogbank.serve.cells import EXACT, Cells
from fogbank.serve.problems import RequestError

WHOLE = re.compile(r"[+-]?[0-9]+")
MOST = 10_000
"""The most rows that are read: a baseline is no data set."""
TRUTHS = {"true", "false"}
LOOKS = {
    ("string", "float"),
    ("string", "boolean"),
    ("integer", "float"),
    ("datetime", "string"),
    ("datetime", "float"),
}
"""What a column can be, and what its cells look like, besides what they are."""
SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The columns in the model's order, their cells row by row, and what else the file has."""

    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...] = ()
    ignored: tuple[str, ...] = ()


def read_sample(path: Path, names: Sequence[str], width: int) -> Sample:
    """The sample of a model that knows its columns' names, or how many they are, or neither. Raises DataError.

    Its codes: `sample-unreadable`, `sample-columns`.
    """
    lines = _lines(path)
    if names:
        lines[0] = header_names(lines[0], names)
    has_header = not set(names).isdisjoint(lines[0]) if names else not any(map(_is_number, lines[0]))
    header = lines.pop(0) if has_header else []
    if not lines:
        raise _unreadable(path, "it has no rows")
    takes = list(names) or header or [f"c{place}" for place in range(len(lines[0]))]
    places = [header.index(name) for name in takes if name in header] if has_header else list(range(len(takes)))
    if len(places) != (width or len(takes)) or (not has_header and len(lines[0]) != len(takes)):
        have = ", ".join(header[:SHOWN]) or f"{len(lines[0])} columns without a header"
        want = ", ".join(takes[:SHOWN]) if names else f"{width} columns"
        raise DataError(
            "sample-columns",
            f"{path.name} has {have}; the model takes {want}",
            "give a CSV with a header, with the model's columns and nothing that it is to predict",
        )
    columns = tuple(
        _column(name, [line[place].strip() for line in lines]) for name, place in zip(takes, places, strict=True)
    )
    cells = tuple(
        tuple(_cell(line[place], column) for place, column in zip(places, columns, strict=True)) for line in lines
    )
    return Sample(columns=columns, cells=cells, ignored=tuple(name for name in header if name not in takes))


def known_columns(names: Sequence[str], width: int, words: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns of a model without a sample: numbers, but for those that are known to hold `words`."""
    given = names or [f"c{place}" for place in range(width)]
    return tuple(Column(name=name, dtype="string" if name in words else "float") for name in given)


def typed(sample: Sample, columns: Sequence[Column], words: Sequence[str] = ()) -> Sample:
    """The sample with the types that the model itself declares; codes in a column of `words` are words."""
    own = {column.name: column for column in columns}
    own |= {column.name: replace(column, dtype="string") for column in sample.columns if column.name in words}
    return replace(sample, columns=tuple(own.get(column.name, column) for column in sample.columns))


def remembered(sample: Sample, former: Sequence[Column]) -> Sample:
    """The sample with the types that columns of these names had before, where its cells are of them: what is known rules over what looks so.

    Without cells nothing speaks against them. Cells are read as those of a request are; a category column has also those that are new.
    """
    own = {column.name: column for column in former}
    columns = tuple(
        _kept(own[column.name], column, [row[place] for row in sample.cells]) if column.name in own else column
        for place, column in enumerate(sample.columns)
    )
    return replace(sample, columns=columns)


def _kept(known: Column, seen: Column, cells: Sequence[str]) -> Column:
    """The column as it was, where its cells are of it; else as it looks."""
    column = replace(known, nullable=known.nullable or seen.nullable)
    other = _others(column, cells)
    if known.dtype == "category":
        there = [cell for cell in other if cell.strip() and cell.strip().lower() != "nan"]
        fresh = dict.fromkeys(_like(cell, known.categories) for cell in there)
        column = replace(column, nullable=column.nullable or len(there) < len(other))
        return replace(column, categories=tuple(dict.fromkeys((*known.categories, *fresh))))
    looks = not any(map(str.strip, cells)) or (known.dtype, seen.dtype) in LOOKS or known.dtype == seen.dtype
    return column if looks and not other else seen


def _others(column: Column, cells: Sequence[str]) -> list[str]:
    """The cells that the column does not take, of what may be missing none."""
    reader = Cells(replace(column, nullable=True))

    def takes(cell: str) -> bool:
        try:
            reader.read(cell, 0, text=True)
        except RequestError:
            return False
        return True

    return [cell for cell in dict.fromkeys(cells) if not takes(cell)]


def _like(cell: str, categories: Sequence[Value]) -> Value:
    """A category that is new: a number among numbers."""
    if not all(type(value) in {int, float} for value in categories) or not _is_number(cell):
        return cell
    number = float(cell)
    return int(number) if number.is_integer() else number


def categorized(sample: Sample, categories: Mapping[str, Sequence[Value]]) -> Sample:
    """The sample with the categories that columns had at training."""
    columns = (
        replace(column, dtype="category", categories=tuple(categories[column.name]))
        if categories.get(column.name)
        else column
        for column in sample.columns
    )
    return replace(sample, columns=tuple(columns))


def _lines(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = [line for line, _ in zip(csv.reader(stream), range(MOST + 1), strict=False) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise _unreadable(path, str(error)) from error
    if not lines or any(len(line) != len(lines[0]) for line in lines):
        raise _unreadable(path, "its rows are of unequal length" if lines else "it is empty")
    return lines


def _unreadable(path: Path, cause: str) -> DataError:
    return DataError(
        "sample-unreadable", f"{path} cannot be read as CSV: {cause}", "give a CSV of rows as the model takes them"
    )


def _column(name: str, cells: Sequence[str]) -> Column:
    present = [cell for cell in cells if cell]
    dtype: Dtype = "string"
    if all(map(_is_number, present)):
        dtype = "integer" if any(map(_is_beyond, present)) and all(map(WHOLE.fullmatch, present)) else "float"
    elif {cell.lower() for cell in present} <= TRUTHS:
        dtype = "boolean"
    return Column(name=name, dtype=dtype, nullable=len(present) < len(cells))


def _cell(cell: str, column: Column) -> str:
    """A cell of words is what it is, as pandas reads it; blanks around numbers and truths are none of theirs."""
    return cell if column.dtype == "string" else cell.strip()


def _is_beyond(cell: str) -> bool:
    """Whether it is a whole number that a float would round to another one: keys and identifiers are such."""
    return bool(WHOLE.fullmatch(cell)) and abs(int(cell)) > EXACT


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) or cell.lower() == "nan"
    except ValueError:
        return False
