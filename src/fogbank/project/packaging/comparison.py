"""Answers compared with the model in memory: the project's rows, what the model itself says of them, and how far answers are off.

In: a trained project; out: rows, expectations, a comparison.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
from collections.abc import Sequence
from typing import Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DataError, FogbankError
from fogbank.contracts.manifest import Manifest

TOLERANCE = 1e-9
SHIFTED_COLUMNS = 3
Rows = Sequence[Sequence[float]]


def project_rows(config: ProjectConfig, manifest: Manifest) -> list[list[float]]:
    """Every row of the project's data, from rows.csv. Raises DataError."""
    path = config.trained / "rows.csv"
    if not path.is_file():
        raise DataError(
            "rows-missing",
            f"training left no {path}",
            "write every row of the data, with a header, to rows.csv in training",
        )
    header, *rows = csv.reader(io.StringIO(path.read_text()))
    if tuple(header) != manifest.package.input.names:
        raise DataError(
            "rows-columns", f"{path} has other columns than the schema", "write the schema's columns, in order"
        )
    return [[float(cell) for cell in row] for row in rows]


def in_memory(config: ProjectConfig, rows: Rows) -> list[list[float]]:
    """What the trained model says through the handler's predict_fn in this process: not compiled, no server, no cloud."""
    import joblib
    import numpy as np

    from fogbank.pack import read_trained

    sys.path.insert(0, str(config.root))
    if config.handler is None:
        raise FogbankError(
            "handler-missing", "the demo compares with the handler's predict_fn, and there is no handler"
        )
    spec = importlib.util.spec_from_file_location("project_handler", config.handler)
    if spec is None or spec.loader is None:
        raise FogbankError("handler-missing", f"{config.handler} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answers: list[list[float]] = module.predict_fn(np.array(rows), joblib.load(read_trained(config.trained).model))
    return answers


def compared(path: str, answers: Rows, expected: Rows) -> dict[str, Any]:
    """How far answers that came by some path are off, as the report has it. Raises DataError (`answers-differ`)."""
    bug = "this is a bug in fogbank or in the handler"
    if len(answers) != len(expected):
        raise DataError("answers-differ", f"{path}: {len(answers)} answers for {len(expected)} rows", bug)
    differences = [
        abs(a - b) for answer, row in zip(answers, expected, strict=True) for a, b in zip(answer, row, strict=True)
    ]
    largest = max(differences)
    if not all(difference <= TOLERANCE for difference in differences):  # a NaN is within no tolerance
        raise DataError(
            "answers-differ", f"{path}: answers differ from the model in memory by up to {largest:.3g}", bug
        )
    return {"path": path, "rows": len(answers), "largest_difference": largest, "equal": True}


def shifted(rows: Rows) -> list[list[float]]:
    """The rows as a miscalibrated instrument would send them: the first columns half as large again."""
    return [[value * 1.5 if i < SHIFTED_COLUMNS else value for i, value in enumerate(row)] for row in rows]


def to_csv(rows: Rows) -> bytes:
    """Rows as CSV without a header; every float by its shortest exact form."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def from_csv(body: bytes) -> list[list[float]]:
    """Rows of numbers from CSV."""
    return [[float(cell) for cell in row] for row in csv.reader(io.StringIO(body.decode()))]
