"""A baseline from training data: the statistics and the constraints that it suggests."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import DataError
from fogbank.monitor.constraints import suggest_constraints
from fogbank.monitor.dataset import Dataset, DatasetError
from fogbank.monitor.files import profile_files
from fogbank.monitor.profile import statistics


def suggest(
    csv_file: Path, columns: tuple[str, ...], words: Iterable[str] = (), texts: Collection[str] = ()
) -> tuple[bytes, bytes]:
    """statistics.json and constraints.json of a CSV with a header, whose columns must be `columns`, in that order; those of `words` are no
    numbers, whatever they look like, and no value of `texts` is one of a few.

    Raises DataError (`baseline-missing`, `baseline-columns`, `baseline-unreadable`).
    """
    if not csv_file.is_file():
        raise DataError("baseline-missing", f"there is no baseline data at {csv_file}", "run `fogbank train`")
    try:
        read = profile_files([csv_file], "csv", {}).whole()
    except DatasetError as error:
        raise DataError("baseline-unreadable", str(error), "run `fogbank train` again") from error
    own = tuple(read.profile.columns)
    if own != columns:
        at = next(
            (i for i, (a, b) in enumerate(zip(own, columns, strict=False)) if a != b), min(len(own), len(columns))
        )
        raise DataError(
            "baseline-columns",
            f"the baseline's columns do not match the schema: it has {len(own)}, the schema (output, then input) has {len(columns)}; "
            f"the first that differs is number {at + 1}: {own[at : at + 1] or ('nothing',)} instead of {columns[at : at + 1] or ('nothing',)}",
            "write the baseline with the output columns first, then the input columns, in the schema's order",
        )
    stats = read.profile.of_words(words).document()
    constraints = suggest_constraints(stats)
    for item in constraints["features"]:
        if item["name"] in texts:
            item.pop("string_constraints", None)
    return encode(stats), encode(constraints)


def nothing(columns: tuple[str, ...]) -> tuple[bytes, bytes]:
    """statistics.json and constraints.json of no rows at all: what a model has that was brought without any."""
    stats = statistics(Dataset(dict.fromkeys(columns, ())))
    return encode(stats), encode(suggest_constraints(stats))


def encode(document: Any) -> bytes:
    """The bytes of a monitoring file: same document, same bytes."""
    return (json.dumps(document, indent=1) + "\n").encode()
