"""Questions before something is changed or loaded: it is shown, and somebody answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fogbank.cli.terminal import Terminal

if TYPE_CHECKING:
    from fogbank.engine.operations import Summary
    from fogbank.pack import Look
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


def trusted(look: Look) -> bool:
    """Whether somebody at a terminal says that the file may be loaded; nobody does where there is none."""
    if not sys.stdin.isatty():
        return False
    foreign = f", and of {', '.join(look.foreign)}" if look.foreign else ""
    text = f"The file is a pickle of {', '.join(look.needs)}{foreign}: it can run any code when it is loaded. Is it yours to trust?"
    return click.confirm(text, err=True)
