"""`fogbank up | preview | refresh | destroy | outputs`: the Pulumi engine over the project's stack."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fogbank.cli.options import json_option, stack_option, yes_option
from fogbank.cli.terminal import Terminal

if TYPE_CHECKING:
    from fogbank.engine.operations import Summary
    from fogbank.project.project import Agree, Project

HIDDEN_OUTPUTS = {"transform_job"}
"""Long, and of use to programs alone; `outputs` has them."""


@click.command()
@stack_option
@click.option("--packed", is_flag=True, help="Deploy the package that is there, byte for byte: train and pack nothing.")
@click.option("--no-check", is_flag=True, help="Deploy without rehearsing the package first (`fogbank check`).")
@yes_option
@json_option
@click.pass_obj
def up(terminal: Terminal, stack: str, packed: bool, no_check: bool, yes: bool, as_json: bool) -> None:
    """Train, pack and check what has changed, start the local cloud, and create or update the stack's resources.

    For a stack on AWS the changes are shown, and made when you agree.
    """
    project = _project(terminal)
    agree = None if yes else _asking(terminal, f"Make these changes to the stack {project.stack_name(stack)!r} on AWS?")
    summary = project.deploy(stack, packed=packed, check=not no_check, agree=agree)
    if as_json:
        terminal.document({"changes": dict(summary.changes), "outputs": dict(summary.outputs)})
        return
    for key, value in summary.outputs.items():
        if key not in HIDDEN_OUTPUTS:
            terminal.result(f"{key:<16} {value}")


@click.command()
@stack_option
@click.option("--expect-no-changes", is_flag=True, help="Fail if anything would change.")
@json_option
@click.pass_obj
def preview(terminal: Terminal, stack: str, expect_no_changes: bool, as_json: bool) -> None:
    """Show what `up` would do."""
    summary = _project(terminal).preview(stack, expect_no_changes=expect_no_changes)
    if as_json:
        terminal.document({"changes": dict(summary.changes)})
        return
    for line in _changes(summary):
        terminal.result(line)


@click.command()
@stack_option
@click.pass_obj
def refresh(terminal: Terminal, stack: str) -> None:
    """Make the stack's state what the cloud says."""
    _project(terminal).refresh(stack)


@click.command()
@stack_option
@yes_option
@click.pass_obj
def destroy(terminal: Terminal, stack: str, yes: bool) -> None:
    """Delete every resource of the stack, and the stack."""
    project = _project(terminal)
    if not yes and not project.is_local(stack):
        question = f"Delete every resource of the stack {project.stack_name(stack)!r} on AWS?"
        if not _confirmed(question):
            raise click.Abort
    project.destroy(stack)


@click.command()
@stack_option
@click.argument("name", required=False)
@click.pass_obj
def outputs(terminal: Terminal, stack: str, name: str | None) -> None:
    """The stack's outputs as JSON, or one of them."""
    values = _project(terminal).outputs(stack)
    if name is None:
        terminal.document(values)
    elif name in values:
        terminal.result(str(values[name]))
    else:
        raise click.BadParameter(f"no output {name!r}; there are {', '.join(values) or 'none'}", param_hint="NAME")


def _changes(summary: Summary) -> list[str]:
    """One line for each resource that changes."""
    lines = (f"{item.op:<20} {item.kind:<64} {item.name}" for item in summary.operations if item.op != "same")
    return list(dict.fromkeys(lines))


def _asking(terminal: Terminal, question: str) -> Agree:
    """Shows the changes, and asks."""

    def agree(plan: Summary) -> bool:
        for line in _changes(plan):
            terminal.note(line)
        return _confirmed(question)

    return agree


def _confirmed(question: str) -> bool:
    """The answer; that nobody is there to give one is said."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody answered; where nobody can be asked, give --yes") from None


def _project(terminal: Terminal) -> Project:
    from fogbank.project.project import Project

    return Project(events=terminal.show)
