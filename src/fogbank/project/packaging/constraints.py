"""The project's own constraints.json: what packing suggests, edited. It travels with the package in place of the suggestion.

In: the project's folder; out: the checked file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DataError
from fogbank.contracts.manifest import load_manifest
from fogbank.contracts.monitoring import CONSTRAINTS


def constraints_file(config: ProjectConfig) -> Path:
    """Where the project's own are; where there are none yet, those that the package suggests are put there. Raises PackageError."""
    file = config.root / CONSTRAINTS
    if not file.exists():
        load_manifest(config.package)
        file.write_bytes((config.package / CONSTRAINTS).read_bytes())
    return file


def own_constraints(config: ProjectConfig, suggested: bytes) -> bytes:
    """The project's own, or without any the suggested ones.

    Raises DataError: `constraints-invalid` with all that is wrong, `constraints-columns` where they are of other columns.
    """
    file = config.root / CONSTRAINTS
    if not file.exists():
        return suggested
    document, expected = checked(file), json.loads(suggested)
    own, names = _names(document), _names(expected)
    if own != names:
        differ = sorted({*own} ^ {*names}) or [name for name, other in zip(own, names, strict=True) if name != other]
        raise DataError(
            "constraints-columns",
            f"{file.name} is of other columns than the model's data, or in another order: {', '.join(differ[:5])}",
            f"edit {file.name}, or delete it and run `fogbank monitor edit` again",
        )
    return file.read_bytes()


def checked(file: Path) -> dict[str, Any]:
    """The document of a constraints file. Raises DataError (`constraints-invalid`) with all that is wrong."""
    from fogbank.monitor import constraint_problems

    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _invalid(file, [f"it cannot be read: {error}"]) from error
    if problems := constraint_problems(document):
        raise _invalid(file, problems)
    whole: dict[str, Any] = document
    return whole


def _invalid(file: Path, problems: list[str]) -> DataError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return DataError(
        "constraints-invalid", f"{file.name} has {len(problems)} problem(s):\n{lines}", "`fogbank monitor edit`"
    )


def _names(document: dict[str, Any]) -> list[str]:
    return [item["name"] for item in document["features"]]
