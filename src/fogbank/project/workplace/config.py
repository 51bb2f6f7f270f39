"""A project's settings, read from its files: found, read, and handed to `contracts.config` to be judged.

In: a folder inside a project; out: one frozen `ProjectConfig`, or one error that lists every problem.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fogbank.contracts.config import DEFAULT_HANDLER, TABLE, ProjectConfig, defaulted, validate
from fogbank.contracts.errors import ConfigError, ProjectError

BUDGET, POLICY = "fogbank:budget", "fogbank:policy"
"""Of a stack's own configuration: what it may cost in a month, and its team's rules."""


def load_config(start: Path) -> ProjectConfig:
    """The settings of the project that `start` lies in. Raises ProjectError, ConfigError."""
    root, table = find_project(start)
    if "handler" not in table and (root / DEFAULT_HANDLER).is_file():
        table = {**table, "handler": str(DEFAULT_HANDLER)}
    return validate(defaulted(table), root)


def find_project(start: Path) -> tuple[Path, dict[str, Any]]:
    """The nearest folder, from `start` upwards, whose pyproject.toml has a `[tool.fogbank]` table, and that table.

    Raises ProjectError: `project-not-found`, and `pyproject-unreadable` where a nearer pyproject.toml cannot be read, for
    it may be the project that is meant.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        table = _table(folder / "pyproject.toml")
        if table is not None:
            return folder, table
    raise ProjectError(
        "project-not-found",
        f"no pyproject.toml with a [tool.fogbank] table in {start} or above it",
        "run `fogbank new NAME` to write a project, or change into one",
    )


def _table(file: Path) -> dict[str, Any] | None:
    """The raw `[tool.fogbank]` of a file; None where there is none."""
    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ProjectError("pyproject-unreadable", f"{file} cannot be read: {error}", "mend that file") from error
    if not isinstance(tools, dict) or "fogbank" not in tools:
        return None
    table = tools["fogbank"]
    if not isinstance(table, dict):
        raise ConfigError(["tool.fogbank is not a table"], TABLE)
    return table
