"""A stack's rules as a plain test: `assert broken_rules("prod") == []`."""

from __future__ import annotations

from pathlib import Path

from fogbank.project.project import Project


def broken_rules(stack: str = "", root: Path | str = ".") -> list[str]:
    """The rules of the stack's `fogbank:policy` that its program breaks and no waiver allows, each with its resource and cause.

    Nothing is made and nobody is asked. Raises ProjectError.
    """
    return [f"{item.waiver}: {item.cause}" for item in Project(root).policy(stack) if not item.reason]
