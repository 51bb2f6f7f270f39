"""Questions before something changes on AWS: the changes are shown, and somebody answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fogbank.cli.terminal import Terminal

if TYPE_CHECKING:
    from fogbank.engine.operations import Summary
    from fogbank.project.project import Agree


def changes_of(summary: Summary) -> list[str]:
    """One line for each resource that changes."""
    lines = (f"{item.op:<20} {item.kind:<64} {item.name}" for item in summary.operations if item.op != "same")
    return list(dict.fromkeys(lines))


def asking(terminal: Terminal, question: str) -> Agree:
    """Shows the changes, and asks."""

    def agree(plan: Summary) -> bool:
        for line in changes_of(plan):
            terminal.note(line)
        return confirmed(question)

    return agree


def confirmed(question: str) -> bool:
    """The answer; that nobody is there to give one is said."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody answered; where nobody can be asked, give --yes") from None
