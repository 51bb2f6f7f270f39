"""Rows against a schema: an array or a frame when every cell fits, else one error that names the row and the column.

The fast way converts everything at once and looks at the whole; only what fails it is read cell by cell, to say where.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.manifest import Schema
from fogbank.serve.cells import EXACT, Cells, shortened
from fogbank.serve.frames import frame, frame_of_table, limit_of
from fogbank.serve.problems import RequestError, bad_request

Rows = NDArray[Any]
"""Shape (rows, columns); float64 where every column is one of numbers."""

NUMBERS = frozenset({float, int})
NUMERIC = frozenset({"float", "integer", "boolean"})


class Table:
    """One package's schema, ready to check rows; without a schema rows are only made rectangular."""

    def __init__(self, schema: Schema | None) -> None:
        self.schema = schema
        self.names: tuple[str, ...] = schema.names if schema else ()
        self._columns = schema.columns if schema else ()
        self.form = schema.rows if schema else "array"
        self.is_array = self.form == "array"
        self.numeric = self.form != "texts" and all(column.dtype in NUMERIC for column in self._columns)
        self._cells = [
            Cells(column, limit_of(column) if self.form == "frame" and column.dtype == "integer" else EXACT)
            for column in self._columns
        ]
        self._doubles = self.is_array and all(column.dtype == "float" for column in self._columns)
        self._whole = [i for i, column in enumerate(self._columns) if column.dtype == "integer"]
        self._truths = [i for i, column in enumerate(self._columns) if column.dtype == "boolean"]
        self._nullable = np.array([column.nullable for column in self._columns], dtype=bool)

    def from_lists(self, rows: list[Any], *, text: bool, plain: bool = True, before: int = 0) -> Any:
        """Rows that are lists of cells, or objects by column name. `text` says that every cell came as text (CSV), `plain`
        that what Python reads as a number is written as one, `before` how many rows the body has before these."""
        if not rows:
            raise bad_request("the body holds no rows")
        if self.schema is None:
            return _untyped_text(rows, plain=plain) if text else untyped(rows)
        width = len(self.names)
        ordered = [
            row if type(row) is list and len(row) == width else self._in_order(row, number)
            for number, row in enumerate(rows, before + 1)
        ]
        if self.numeric and plain and (text or all(NUMBERS.issuperset(map(type, row)) for row in ordered)):
            table = _numbers(ordered)
            if table is not None and self.fits(table):
                return self.formed(table)
        return self._by_cell(ordered, text=text, before=before)

    def one_row(self, document: Any) -> Rows | None:
        """The table of a document that is one row of numbers, or a list of one, where every column is one of doubles.

        None for any other document, which may be rows too. Most requests are such a row: their numbers are looked at in two steps.
        """
        if type(document) is not list or not (self._doubles and document):
            return None
        row = document[0] if len(document) == 1 else document
        if type(row) is not list or len(row) != len(self.names) or not NUMBERS.issuperset(map(type, row)):
            return None
        try:
            return np.array((row,), dtype=np.float64) if math.isfinite(sum(row)) else None
        except OverflowError:
            return None

    def from_array(self, array: Rows) -> Any:
        """An array of numbers; of two dimensions, or one row, where there is a schema."""
        if self.schema is None:
            return array
        if array.ndim == 1:
            array = array.reshape(1, -1)
        if array.ndim != 2:
            raise bad_request(f"the array must have 2 dimensions, not {array.ndim}")
        if not len(array):
            raise bad_request("the body holds no rows")
        if array.shape[1] != len(self.names):
            raise self._wrong_width(array.shape[1], 1)
        rounds = array.dtype.kind in "iu" and bool(self._whole) and _beyond(array[:, self._whole])
        if not self.numeric or rounds:
            return self._by_cell(array.tolist(), text=False)
        table = array.astype(np.float64, copy=False)
        return self.formed(table) if self.fits(table) else self._by_cell(table.tolist(), text=False)

    def fits(self, table: Rows) -> bool:
        """Whether every number is finite where it must be, whole where it must be, and surely the one that was sent."""
        finite = np.isfinite(table)
        if np.count_nonzero(finite) != table.size and not (finite | (np.isnan(table) & self._nullable)).all():
            return False
        if self._whole:
            whole = np.nan_to_num(table[:, self._whole])
            if (whole % 1 != 0).any() or _beyond(whole):
                return False
        return not self._truths or bool(np.isin(np.nan_to_num(table[:, self._truths]), (0.0, 1.0)).all())

    def formed(self, table: Rows) -> Any:
        """A table of numbers that fits, in the form that the model takes."""
        return table if self.is_array else frame_of_table(self._columns, table)

    def check_names(self, names: Collection[str], where: str = "the table") -> None:
        """Refuse names that the schema does not have, and the lack of those that it has."""
        unknown = sorted(set(names) - set(self.names))
        missing = [name for name in self.names if name not in names]
        if unknown or missing:
            differences = [f"unknown column {shortened(name)}" for name in unknown[:3]]
            differences += [f"missing column {name!r}" for name in missing[:3]]
            raise bad_request(f"{where}: {', '.join(differences)}")

    def _in_order(self, row: Any, number: int) -> list[Any]:
        if isinstance(row, dict):
            self.check_names(row.keys(), f"row {number}")
            return [row[name] for name in self.names]
        if not isinstance(row, list):
            if len(self.names) == 1:
                return [row]
            raise bad_request(f"row {number} is neither a list nor an object")
        raise self._wrong_width(len(row), number)

    def _wrong_width(self, width: int, number: int) -> RequestError:
        names = ", ".join(self.names[:4]) + (", ..." if len(self.names) > 4 else "")
        return bad_request(f"row {number} has {width} columns, the schema has {len(self.names)}: {names}")

    def _by_cell(self, rows: Sequence[Sequence[Any]], *, text: bool, before: int = 0) -> Any:
        read = [
            [cells.read(cell, i, text=text) for cells, cell in zip(self._cells, row, strict=True)]
            for i, row in enumerate(rows, before + 1)
        ]
        if self.form == "frame":
            return frame(self._columns, list(zip(*read, strict=True)))
        if self.form == "texts":
            return np.array([row[0] for row in read], dtype=object)
        table: Rows = np.empty((len(read), len(self.names)), dtype=np.float64 if self.numeric else object)
        for i, row in enumerate(read):
            for j, value in enumerate(row):
                table[i, j] = float(value) if j in self._whole else value
        return table


def _beyond(whole: Rows) -> bool:
    """Whether a number is so large that its neighbours are no doubles: it may have been rounded."""
    return bool(((whole >= EXACT) | (whole <= -EXACT)).any())


def _numbers(rows: list[Any]) -> Rows | None:
    try:
        table = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return table if table.ndim == 2 else None


def joined(tables: list[Any]) -> Any:
    """Tables of one schema, one below the other."""
    if len(tables) == 1:
        return tables[0]
    if isinstance(tables[0], np.ndarray):
        return np.concatenate(tables)
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def untyped(document: Any) -> Rows:
    """JSON without a schema, of whatever shape, as the toolkit's `numpy.array` makes it. Raises RequestError."""
    if isinstance(document, list) and not document:
        raise bad_request("the body holds no rows")
    try:
        array = np.array(document)
    except (ValueError, OverflowError) as error:
        raise bad_request("the rows are not of one length") from error
    return array if array.dtype.kind in "iufb" else np.array(document, dtype=object)


def _untyped_text(rows: list[list[str]], *, plain: bool) -> Rows:
    """CSV without a schema: numbers, whole ones where all of them are; else text. Raises RequestError."""
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise bad_request(f"row {number} has another number of columns than row 1")
    for kind in (np.int64, np.float64) if plain else ():
        try:
            return np.array(rows, dtype=kind)
        except (ValueError, OverflowError):
            continue
    return np.array(rows, dtype=object)
