"""What training leaves beside the model: schema.json, baseline.csv (answers, then rows) and sample.csv (a request)."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TRAINED = Path(__file__).parent.parent / ".fogbank" / "trained"
SAMPLE_ROWS = 5
Columns = Mapping[str, Sequence[Any]]
"""Values by the column's name; an array's `tolist()` where it is one."""


def folder() -> Path:
    """The folder that training leaves everything in, made where it is not there."""
    TRAINED.mkdir(parents=True, exist_ok=True)
    return TRAINED


def leave(columns: Columns, answers: Columns, rows: str = "array") -> None:
    """Write what the model takes and what it answered in memory. A column with None in it may be missing.

    `rows` is the form in which the handler takes them: "array", or "frame" for a DataFrame.
    """
    target = folder()
    schema = {"input": {"columns": _described(columns), "rows": rows}, "output": {"columns": _described(answers)}}
    (target / "schema.json").write_text(json.dumps(schema, indent=2) + "\n")
    asked = list(zip(*columns.values(), strict=True))
    answered = list(zip(*answers.values(), strict=True))
    _csv(target / "sample.csv", asked[:SAMPLE_ROWS])
    baseline = [(*answer, *row) for answer, row in zip(answered, asked, strict=True)]
    _csv(target / "baseline.csv", [(*answers, *columns), *baseline])
    print(f"{len(asked)} rows, answers {', '.join(answers)}")


def _described(columns: Columns) -> list[dict[str, Any]]:
    return [
        {"name": name, "dtype": _dtype(values), "nullable": None in list(values)} for name, values in columns.items()
    ]


def _dtype(values: Sequence[Any]) -> str:
    first = next(value for value in values if value is not None)
    return {bool: "boolean", int: "integer", float: "float", str: "string"}[type(first)]


def _csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
