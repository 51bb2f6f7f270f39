"""What the sample and its answer are held against: the package's own schemas, where it has them.

In: CSV, and the columns that a package's manifest declares; out: how many rows that is, and in which way it is something else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from fogbank.contracts.schema import header_names

NUMBERS = frozenset({"float", "integer"})


def rows_of(text: str) -> int:
    """How many rows a text has: a line feed ends one, and nothing else does.

    >>> rows_of("a\\u2028b\\nc\\x0cd\\n")
    2
    """
    return len(text.strip(" \t\r\n").split("\n"))


def sample_rows(sample: str, names: Sequence[str]) -> int:
    """How many rows a sample has, without its header: a first line that is the columns' names.

    >>> sample_rows("a,b\\n1,2\\n", ["a", "b"]), sample_rows("1,2\\n3,4\\n", ["a", "b"])
    (1, 2)
    """
    return rows_of(sample) - (bool(names) and header_names(_first(sample), names) == list(names))


def unlike(answer: str, columns: Sequence[tuple[str, str]]) -> str:
    """In which way the first row of an answer is not what is declared, names and dtypes in order; empty where it is.

    >>> unlike("0.2,0.8\\n", [("label", "integer")])
    'schema.json declares 1 column(s) of output (label), and the first row of the answer has 2: 0.2,0.8'
    >>> unlike("spam\\n", [("label", "integer")])
    "schema.json declares label as integer, and the first row of the answer has 'spam'"
    >>> unlike("1\\n", [("label", "integer")])
    ''
    """
    cells = _cells(answer)
    if len(cells) != len(columns):
        names = ", ".join(name for name, _ in columns)
        return (
            f"schema.json declares {len(columns)} column(s) of output ({_short(names)}), "
            f"and the first row of the answer has {len(cells)}: {_short(','.join(cells))}"
        )
    for cell, (name, dtype) in zip(cells, columns, strict=True):
        if dtype in NUMBERS and cell and not _is_number(cell):
            return f"schema.json declares {name} as {dtype}, and the first row of the answer has {_short(cell)!r}"
    return ""


def _cells(text: str) -> list[str]:
    return [cell.strip() for cell in _first(text)]


def _first(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text.lstrip("\ufeff"))), [])


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
