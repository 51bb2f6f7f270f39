"""Rows as the pandas DataFrame that a model was trained on: by the columns' names, each with its dtype.

In: a column's values, read and checked; out: a frame. pandas is the package's own dependency: pack sees that it is there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.contracts.schema import Column
from fogbank.serve.cells import EXACT

NULLABLE_NUMBERS = ("Int", "UInt", "Float")


def limit_of(column: Column) -> int:
    """The largest whole number that a column of integers holds exactly in a frame."""
    if column.pandas.startswith(("Int", "UInt")) or not column.nullable:
        return int(np.iinfo((column.pandas or "int64").lower()).max)
    return EXACT  # what pandas reads with gaps is a column of doubles


def frame(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> Any:
    """The frame of these columns, a sequence of values for each."""
    import pandas as pd

    series = [_series(column, list(cells)) for column, cells in zip(columns, values, strict=True)]
    return pd.DataFrame({column.name: cells for column, cells in zip(columns, series, strict=True)})


def frame_of_table(columns: Sequence[Column], table: NDArray[np.float64]) -> Any:
    """The frame of a table of doubles that fits the columns."""
    import pandas as pd

    return pd.DataFrame({column.name: _numbers(column, table[:, i]) for i, column in enumerate(columns)})


def _series(column: Column, values: list[Any]) -> Any:
    import pandas as pd

    if column.dtype == "string":
        own = "str" if column.pandas == "str" and pd.__version__ >= "3" else "object"
        return pd.Series(values, dtype=own)
    if column.dtype == "category":
        return pd.Categorical(values, categories=list(column.categories))
    if column.dtype == "datetime":
        return np.array(values, dtype="datetime64[ns]").astype(column.pandas or "datetime64[ns]")
    if column.dtype == "integer" and not column.nullable:
        return np.array(values, dtype=(column.pandas or "int64").lower())
    if column.dtype == "integer" and column.pandas.startswith(NULLABLE_NUMBERS):
        return pd.array([None if _is_nan(value) else value for value in values], dtype=column.pandas)
    return _numbers(column, np.array(values, dtype=np.float64))


def _numbers(column: Column, values: NDArray[np.float64]) -> Any:
    """Doubles as what the column is: floats, whole numbers, or truths."""
    import pandas as pd

    if column.dtype == "boolean":
        return _boolean(values) if column.nullable else values.astype(bool)
    if column.pandas.startswith(NULLABLE_NUMBERS):
        return pd.array(values, dtype=column.pandas)
    if column.dtype == "integer":
        return values if column.nullable else values.astype(column.pandas or "int64")
    return values.astype(column.pandas) if column.pandas else values


def _boolean(values: NDArray[np.float64]) -> Any:
    import pandas as pd

    return pd.array([None if math.isnan(value) else bool(value) for value in values], dtype="boolean")


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
