"""An answer as a table for a person: CSV, JSON and JSON lines, whose rows are lists, objects or single values.

In: an answer's bytes and content type; out: lines of text, or nothing where it is no table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 200
"""Rows that are shown; a file takes all of them."""
WIDEST = 40


def table_lines(body: bytes, content_type: str, *, header: bool) -> list[str]:
    """The lines of a table; none for what is not one. `header` says that a CSV's first line names its columns."""
    try:
        names, rows = _rows(body.decode(), content_type.partition(";")[0].strip(), header=header)
    except (ValueError, KeyError, TypeError):
        return []
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        return []
    shown = [list(map(_cell, row)) for row in rows[:MOST]]
    lines = [names, *shown] if names else shown
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    numbers = [all(_is_number(row[place]) for row in shown) for place in range(len(widths))]
    text = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    ]
    ruled = [text[0], "  ".join("-" * width for width in widths), *text[1:]] if names else text
    return ruled + ([f"... {len(rows) - MOST} more"] if len(rows) > MOST else [])


def _rows(text: str, kind: str, *, header: bool) -> tuple[list[str], list[Sequence[Any]]]:
    """The columns' names where there are any, and the rows. Raises ValueError, KeyError, TypeError."""
    if kind == "text/csv":
        lines = [line for line in csv.reader(io.StringIO(text)) if line]
        return (lines[0], list(lines[1:])) if header and lines else ([], list(lines))
    if kind == "application/jsonlines":
        return _records([json.loads(line) for line in text.splitlines() if line.strip()])
    if kind != "application/json":
        raise ValueError(kind)
    document = json.loads(text)
    return _records(document["predictions"] if isinstance(document, dict) else document)


def _records(items: Sequence[Any]) -> tuple[list[str], list[Sequence[Any]]]:
    if not isinstance(items, list):
        raise TypeError("no rows")
    flat = [_flat(item) if isinstance(item, dict) else item for item in items]
    if flat and all(isinstance(item, dict) for item in flat):
        names = list(flat[0])
        return names, [[item[name] for name in names] for item in flat]
    return [], [item if isinstance(item, list) else [item] for item in flat]


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object's values by name; those of an object inside it beside them."""
    values: dict[str, Any] = {}
    for name, value in item.items():
        values.update(value if isinstance(value, dict) else {name: value})
    return values


def _cell(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool | None) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
