"""One cell against its column: the value that the model gets for it, or an error that names the row and the column.

In: a cell as it came, from JSON or as text; out: a float, an int, a bool, a string, a datetime64 or a category.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from fogbank.contracts.schema import Column, Value
from fogbank.serve.problems import bad_request

EXACT = 2**53
"""Whole numbers up to here are exact in a double; beyond, the nearest double is another number."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d{1,400}", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)
YEARS = range(1678, 2262)
"""What a datetime64 of nanoseconds holds."""
TRUTHS = {"true": True, "false": False}
Reader = Callable[[Any, bool], Any]
"""A cell that is not missing and whether it is text, to its value. Raises ValueError with the end of a sentence."""


class Cells:
    """One column's cells. `limit` is the largest whole number that it can hold exactly."""

    def __init__(self, column: Column, limit: int = EXACT) -> None:
        self.column, self._limit = column, limit
        self._labels: dict[Any, Value] = {_key(value): value for value in column.categories}
        self._texts = {str(value): value for value in column.categories}
        readers: dict[str, Reader] = {
            "float": _number,
            "integer": self._integer,
            "string": _string,
            "boolean": _boolean,
            "datetime": _datetime,
            "category": self._category,
        }
        self._read = readers[column.dtype]
        self._numeric = column.dtype in {"float", "integer", "boolean"}
        self._worded = column.dtype == "string" or any(isinstance(value, str) for value in column.categories)
        self.missing = missing_value(column)

    def read(self, value: Any, row: int, *, text: bool) -> Any:
        """The value of a cell. Raises RequestError 400."""
        try:
            if self._is_missing(value, text=text):
                if self.column.nullable:
                    return self.missing
                raise bad_request(f"{self._where(row)}: a value is required")
            return self._read(value.strip() if text and not self._worded else value, text)
        except (ValueError, OverflowError) as error:
            raise bad_request(f"{self._where(row)}: {shortened(value)} {error}") from error

    def _is_missing(self, value: Any, *, text: bool) -> bool:
        if value is None or value == "":
            return value is None or text
        if text and value.isspace():
            return not self._worded
        number = _not_a_number(value, text=text)
        return number and (self.column.nullable if self._numeric else not text)

    def _where(self, row: int) -> str:
        return f"row {row}, column {self.column.name!r}"

    def _integer(self, value: Any, text: bool) -> int:
        if type(value) is int or (text and WHOLE.fullmatch(value)):
            whole = int(value)
        else:
            number = _number(value, text)
            if number % 1:
                raise ValueError("is not a whole number")
            if self._limit > EXACT <= abs(number):  # what was sent as a float may have been another number
                raise ValueError(f"may have been rounded: send whole numbers from {EXACT} on as such, not as floats")
            whole = int(number)
        if abs(whole) > self._limit:
            raise ValueError(f"does not fit: a whole number here is at most {self._limit}, and none is rounded")
        return whole

    def _category(self, value: Any, text: bool) -> Value:
        category = self._texts.get(value) if text else self._labels.get(_key(value))
        if category is None:
            names = ", ".join(map(repr, self.column.categories[:5])) + (", ..." if len(self._labels) > 5 else "")
            raise ValueError(f"is not one of the column's {len(self._labels)} categories: {names}")
        return category


def missing_value(column: Column) -> Any:
    """What stands for a cell that is not there."""
    if column.dtype == "string":
        return {"nan": math.nan, "none": None, "empty": ""}[column.missing]
    return {"datetime": np.datetime64("NaT", "ns"), "category": None}.get(column.dtype, math.nan)


def _not_a_number(value: Any, *, text: bool) -> bool:
    return value.strip().lower() == "nan" if text else type(value) is float and math.isnan(value)


def _key(value: Any) -> Any:
    """Equal for what is equal in JSON: 1 and 1.0, and neither of them true."""
    return (bool, value) if isinstance(value, bool) else value if isinstance(value, str | int | float) else repr(value)


def _number(value: Any, text: bool) -> float:
    if text and NUMBER.fullmatch(value):
        number = float(value)
    elif text and value.lower() in TRUTHS:
        number = float(TRUTHS[value.lower()])
    elif text and value.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        number = math.inf
    elif not text and type(value) in {int, float, bool}:
        number = float(value)
    else:
        raise ValueError("is not a number")
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _boolean(value: Any, text: bool) -> bool:
    number = _number(value, text)
    if number not in {0.0, 1.0}:
        raise ValueError("is neither true nor false")
    return bool(number)


def _string(value: Any, text: bool) -> str:
    del text
    if not isinstance(value, str):
        raise ValueError("is not a string")  # noqa: TRY004 - the caller makes one answer of all of these
    return value


def _datetime(value: Any, text: bool) -> Any:
    """ISO 8601; what has a zone is turned into UTC."""
    del text
    if not isinstance(value, str):
        raise ValueError("is not a date or time as 2026-01-31T12:00:00")  # noqa: TRY004 - as above
    try:
        if MOMENT.fullmatch(value):
            moment = np.datetime64(value.replace(" ", "T"))
        else:
            zoned = dt.datetime.fromisoformat(value)
            moment = np.datetime64(zoned.astimezone(dt.UTC).replace(tzinfo=None) if zoned.tzinfo else zoned)
    except ValueError as error:
        raise ValueError("is not a date or time as 2026-01-31T12:00:00") from error
    if int(str(moment)[:4]) not in YEARS:
        raise ValueError(f"is not between the years {YEARS[0]} and {YEARS[-1]}")
    return moment.astype("datetime64[ns]")


def shortened(value: Any) -> str:
    """A value as an error names it."""
    written = repr(value)
    return written if len(written) <= 60 else written[:57] + "..."
