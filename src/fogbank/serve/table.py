"""Rows against a schema: an array when every cell fits, else one error that names the row and the column.

The fast way converts everything at once and looks at the whole; only what fails it is read cell by cell, to say where.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.manifest import Column, Schema
from fogbank.serve.problems import RequestError, bad_request

Rows = NDArray[Any]
"""Shape (rows, columns); float64 unless a column holds strings."""

NUMBERS = frozenset({float, int})


class Table:
    """One package's schema, ready to check rows; without a schema rows are only made rectangular."""

    def __init__(self, schema: Schema | None) -> None:
        self.schema = schema
        self.names: tuple[str, ...] = schema.names if schema else ()
        self._columns = schema.columns if schema else ()
        self.numeric = all(column.dtype != "string" for column in self._columns)
        self._whole = [i for i, column in enumerate(self._columns) if column.dtype == "integer"]
        self._nullable = np.array([column.nullable for column in self._columns], dtype=bool)

    def from_lists(self, rows: list[Any], *, text: bool) -> Rows:
        """Rows that are lists of cells, or objects by column name. `text` says that every cell came as text (CSV)."""
        if not rows:
            raise bad_request("the body holds no rows")
        if self.schema is None:
            return _untyped(rows)
        width = len(self.names)
        ordered = [
            row if type(row) is list and len(row) == width else self._in_order(row, number)
            for number, row in enumerate(rows, 1)
        ]
        if self.numeric and (text or all(NUMBERS.issuperset(map(type, row)) for row in ordered)):
            table = _numbers(ordered)
            if table is not None and (
                (not text and not self._whole) or self.fits(table)
            ):  # JSON has no number that is not finite
                return table
        return self._by_cell(ordered, text=text)

    def from_array(self, array: Rows) -> Rows:
        """An array of numbers, of two dimensions."""
        if array.ndim == 1:
            array = array.reshape(1, -1)
        if array.ndim != 2:
            raise bad_request(f"the array must have 2 dimensions, not {array.ndim}")
        if not len(array):
            raise bad_request("the body holds no rows")
        if self.schema is None:
            return array
        if array.shape[1] != len(self.names):
            raise self._wrong_width(array.shape[1], 1)
        if not self.numeric:
            return self._by_cell(array.tolist(), text=False)
        table = array.astype(np.float64, copy=False)
        return table if self.fits(table) else self._refuse(table)

    def fits(self, table: Rows) -> bool:
        """Whether every number is finite where it must be, and whole where it must be."""
        if not np.isfinite(table).all() and not (np.isfinite(table) | (np.isnan(table) & self._nullable)).all():
            return False
        return not self._whole or bool((np.nan_to_num(table[:, self._whole]) % 1 == 0).all())

    def _refuse(self, table: Rows) -> NoReturn:
        """Name the first number that does not fit."""
        wrong = ~np.isfinite(table) & ~(np.isnan(table) & self._nullable)
        if self._whole:
            wrong[:, self._whole] |= np.nan_to_num(table[:, self._whole]) % 1 != 0
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        _cell(float(table[row, column]), self._columns[column], row + 1, text=False)
        raise bad_request(f"row {row + 1}, column {self.names[column]!r} does not fit the schema")

    def check_names(self, names: Collection[str], where: str = "the table") -> None:
        """Refuse names that the schema does not have, and the lack of those that it has."""
        unknown = sorted(set(names) - set(self.names))
        missing = [name for name in self.names if name not in names]
        if unknown or missing:
            said = [f"unknown column {_short(name)}" for name in unknown[:3]]
            said += [f"missing column {name!r}" for name in missing[:3]]
            raise bad_request(f"{where}: {', '.join(said)}")

    def _in_order(self, row: Any, number: int) -> list[Any]:
        if isinstance(row, dict):
            self.check_names(row.keys(), f"row {number}")
            return [row[name] for name in self.names]
        if not isinstance(row, list):
            raise bad_request(f"row {number} is neither a list nor an object")
        raise self._wrong_width(len(row), number)

    def _wrong_width(self, width: int, number: int) -> RequestError:
        names = ", ".join(self.names[:4]) + (", ..." if len(self.names) > 4 else "")
        return bad_request(f"row {number} has {width} columns, the schema has {len(self.names)}: {names}")

    def _by_cell(self, rows: Sequence[Sequence[Any]], *, text: bool) -> Rows:
        table: Rows = np.empty((len(rows), len(self.names)), dtype=np.float64 if self.numeric else object)
        for i, row in enumerate(rows):
            for j, column in enumerate(self._columns):
                table[i, j] = _cell(row[j], column, i + 1, text=text)
        return table


def _numbers(rows: list[Any]) -> Rows | None:
    try:
        table = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return table if table.ndim == 2 else None


def _untyped(rows: list[Any]) -> Rows:
    if any(isinstance(row, dict) for row in rows):
        raise bad_request("rows are objects, and the package has no schema that orders their columns; send lists")
    table = _numbers(rows)
    if table is not None:
        return table
    width = len(rows[0]) if isinstance(rows[0], list) else -1
    for number, row in enumerate(rows, 1):
        if (len(row) if isinstance(row, list) else -1) != width:
            raise bad_request(f"row {number} has another number of columns than row 1")
    return np.array(rows, dtype=object)


def _cell(value: Any, column: Column, row: int, *, text: bool) -> Any:
    where = f"row {row}, column {column.name!r}"
    if column.dtype == "string":
        if value is None and not column.nullable:
            raise bad_request(f"{where}: a value is required")
        if value is not None and not isinstance(value, str):
            raise bad_request(f"{where}: {_short(value)} is not a string")
        return value
    if value is None or (text and not value.strip()):
        if column.nullable:
            return math.nan
        raise bad_request(f"{where}: a value is required")
    if not text and type(value) not in NUMBERS:
        raise bad_request(f"{where}: {_short(value)} is not a number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_request(f"{where}: {_short(value)} is not a number") from error
    if math.isinf(number) or (math.isnan(number) and not column.nullable):
        raise bad_request(f"{where}: {_short(value)} is not a finite number")
    if column.dtype == "integer" and not math.isnan(number) and number % 1:
        raise bad_request(f"{where}: {_short(value)} is not a whole number")
    return number


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:57] + "..."
