"""A baseline from training data: the statistics and the constraints that it suggests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import DataError
from fogbank.monitor.constraints import suggest_constraints
from fogbank.monitor.dataset import DatasetError, read_csv
from fogbank.monitor.profile import statistics


def suggest(csv_file: Path, columns: tuple[str, ...]) -> tuple[bytes, bytes]:
    """statistics.json and constraints.json of a CSV with a header, whose columns must be `columns`, in that order.

    Raises DataError (`baseline-missing`, `baseline-columns`, `baseline-unreadable`).
    """
    if not csv_file.is_file():
        raise DataError("baseline-missing", f"there is no baseline data at {csv_file}", "run `fogbank train`")
    try:
        data = read_csv(csv_file.read_text())
    except DatasetError as error:
        raise DataError("baseline-unreadable", f"{csv_file.name}: {error}", "run `fogbank train` again") from error
    found = tuple(data.columns)
    if found != columns:
        wrong = next(
            (i for i, (a, b) in enumerate(zip(found, columns, strict=False)) if a != b), min(len(found), len(columns))
        )
        raise DataError(
            "baseline-columns",
            f"the baseline's columns do not match the schema: it has {len(found)}, the schema (output, then input) has {len(columns)}; "
            f"the first that differs is number {wrong + 1}: {found[wrong : wrong + 1] or ('nothing',)} instead of {columns[wrong : wrong + 1] or ('nothing',)}",
            "write the baseline with the output columns first, then the input columns, in the schema's order",
        )
    stats = statistics(data)
    return encode(stats), encode(suggest_constraints(stats))


def encode(document: Any) -> bytes:
    """The bytes of a monitoring file: same document, same bytes."""
    return (json.dumps(document, indent=1) + "\n").encode()
