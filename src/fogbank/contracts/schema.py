"""The words for a table's columns: what a package says of its rows, in the manifest and in training's schema.json."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Dtype = Literal["float", "integer", "string", "boolean", "datetime", "category"]
Rows = Literal["array", "frame", "texts"]
Missing = Literal["nan", "none", "empty"]
Value = str | int | float | bool

PANDAS: dict[str, Dtype] = {
    **dict.fromkeys(("float16", "float32", "float64", "Float32", "Float64", "double"), "float"),
    **dict.fromkeys(
        (f"{sign}{bits}" for sign in ("int", "uint", "Int", "UInt") for bits in (8, 16, 32, 64)), "integer"
    ),
    **dict.fromkeys(("object", "str"), "string"),
    "bool": "boolean",
    **dict.fromkeys((f"datetime64[{unit}]" for unit in ("s", "ms", "us", "ns")), "datetime"),
}
"""What pandas calls its dtypes, beside the schema's own words; `string`, `boolean` and `category` are both."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One named column. `nullable` allows an empty cell or NaN.

    `categories` are those of a `category` column, in the training's order. `pandas` is the dtype that the column has in a
    DataFrame, where that is not the usual one; `missing` is what stands for a string that is not there.

    >>> Column(name="age", dtype="Int64").dtype
    Traceback (most recent call last):
    ...
    ValueError: column 'age': dtype 'Int64' is none of float, integer, string, boolean, datetime, category
    """

    name: str
    dtype: Dtype = "float"
    nullable: bool = False
    categories: tuple[Value, ...] = ()
    pandas: str = ""
    missing: Missing = "nan"

    def __post_init__(self) -> None:
        if self.dtype not in get_args(Dtype):
            raise ValueError(f"column {self.name!r}: dtype {self.dtype!r} is none of {', '.join(get_args(Dtype))}")
        if self.missing not in get_args(Missing):
            raise ValueError(
                f"column {self.name!r}: missing {self.missing!r} is none of {', '.join(get_args(Missing))}"
            )
        if (self.dtype == "category") != bool(self.categories):
            raise ValueError(f"column {self.name!r}: a category column, and no other, lists its `categories`")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Columns in the order that a header-less CSV row has them.

    `rows` is the form in which the model takes them: an array, a pandas DataFrame by the columns' names, or the strings of
    the one column. `classes` are a classifier's labels, in the order of its probabilities: an output schema has them.
    """

    columns: tuple[Column, ...]
    rows: Rows = "array"
    classes: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        if self.rows not in get_args(Rows):
            raise ValueError(f"rows {self.rows!r} is none of {', '.join(get_args(Rows))}")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"two columns are called {twice[0]!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)


def header_names(cells: Sequence[str], names: Collection[str]) -> list[str]:
    """The columns that a header's cells stand for: blanks around a cell count only where they tell columns apart.

    >>> header_names([" age", "pay "], [" age", "pay"])
    [' age', 'pay']
    """
    bare = {name.strip(): name for name in names}
    return [cell if cell in names else bare.get(cell.strip(), cell.strip()) for cell in cells]


def schema_from(document: dict[str, Any]) -> Schema:
    """A Schema from its JSON form, `{"columns": [{"name", "dtype", "nullable", ...}], "rows": ..., "classes": ...}`.

    A dtype may be pandas's own name. Raises ValueError, KeyError, TypeError.

    >>> schema_from({"columns": [{"name": "age", "dtype": "Int64"}]}).columns[0]
    Column(name='age', dtype='integer', nullable=False, categories=(), pandas='Int64', missing='nan')
    """
    unknown = sorted(document.keys() - {"columns", "rows", "classes"})
    if unknown:
        raise ValueError(f"a schema has `columns`, `rows` and `classes`, and no {unknown[0]!r}")
    columns = tuple(_column(column) for column in document["columns"])
    return Schema(columns=columns, rows=document.get("rows", "array"), classes=tuple(document.get("classes", ())))


def _column(document: dict[str, Any]) -> Column:
    given = document.get("dtype", "float")
    own = PANDAS.get(given)
    names = {} if own is None else {"dtype": own, "pandas": given}
    categories = tuple(document.get("categories", ()))
    return Column(**{**document, **names, "categories": categories})


def document_of(schema: Schema) -> dict[str, Any]:
    """A Schema's JSON form. What is at its default is left out: so it is in packages that were made before."""
    columns = []
    for column in schema.columns:
        optional = {
            "categories": list(column.categories),
            "pandas": column.pandas,
            "missing": "" if column.missing == "nan" else column.missing,
        }
        more = {name: value for name, value in optional.items() if value}
        columns.append({"name": column.name, "dtype": column.dtype, "nullable": column.nullable, **more})
    optional = {"rows": "" if schema.rows == "array" else schema.rows, "classes": list(schema.classes)}
    return {"columns": columns, **{name: value for name, value in optional.items() if value}}
