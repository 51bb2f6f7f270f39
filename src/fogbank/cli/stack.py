"""`fogbank up | preview | refresh | cancel | destroy | outputs`: the Pulumi engine over the project's stack."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import click

from fogbank.cli.asking import asking, changes_of, confirmed
from fogbank.cli.calls import ROWS, how_to_call, standing_by
from fogbank.cli.names import outputs as outputs_there
from fogbank.cli.options import json_option, stack_option, yes_option
from fogbank.cli.terminal import Terminal

if TYPE_CHECKING:
    from fogbank.engine.operations import Summary
    from fogbank.project.project import Project

FAILED = "Failed"
HIDDEN_OUTPUTS = {"transform_job"}
"""Long, and of use to programs alone; `outputs` has them."""

packed_option = click.option(
    "--packed", is_flag=True, help="Take the package that is there, byte for byte: train and pack nothing."
)


@click.command()
@stack_option
@packed_option
@click.option("--no-check", is_flag=True, help="Deploy without rehearsing the package first (`fogbank check`).")
@yes_option
@json_option
@click.pass_obj
def up(terminal: Terminal, stack: str, packed: bool, no_check: bool, yes: bool, as_json: bool) -> None:
    """Train, pack and check what has changed, start the local cloud, and create or update the stack's resources.

    For a stack on AWS the changes are shown, and made when you agree.
    """
    project = _project(terminal)
    agree = None if yes else asking(terminal, f"Make these changes to the stack {project.stack_name(stack)!r} on AWS?")
    summary = project.deploy(stack, packed=packed, check=not no_check, agree=agree)
    if as_json:
        terminal.document({"changes": dict(summary.changes), "outputs": dict(summary.outputs)})
        return
    for key, value in summary.outputs.items():
        if key not in HIDDEN_OUTPUTS:
            terminal.result(f"{key:<16} {value}")
    for text in _calls(project, stack, summary):
        terminal.result(f"\n{text}")


@click.command()
@stack_option
@packed_option
@click.option("--expect-no-changes", is_flag=True, help="Fail if anything would change.")
@json_option
@click.pass_obj
def preview(terminal: Terminal, stack: str, packed: bool, expect_no_changes: bool, as_json: bool) -> None:
    """Show what `up` would do."""
    summary = _project(terminal).preview(stack, packed=packed, expect_no_changes=expect_no_changes)
    if as_json:
        terminal.document({"changes": dict(summary.changes)})
        return
    for line in changes_of(summary):
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
def cancel(terminal: Terminal, stack: str, yes: bool) -> None:
    """End the update of the stack that is under way, or of which a lock was left; what was made stays in its state.

    A process of this machine is interrupted, as by Ctrl-C; a lock of a dead one is taken away. The next `up` goes on.
    """
    project = _project(terminal)
    if not yes and not project.is_local(stack):
        question = f"Cancel what is under way in the stack {project.stack_name(stack)!r} on AWS?"
        if not confirmed(question):
            raise click.Abort
    project.cancel(stack)


@click.command()
@stack_option
@yes_option
@click.pass_obj
def destroy(terminal: Terminal, stack: str, yes: bool) -> None:
    """Delete every resource of the stack, and the stack."""
    project = _project(terminal)
    if not yes and not project.is_local(stack):
        question = f"Delete every resource of the stack {project.stack_name(stack)!r} on AWS?"
        if not confirmed(question):
            raise click.Abort
    project.destroy(stack)


@click.command()
@stack_option
@click.argument("name", required=False, shell_complete=outputs_there)
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


def _calls(project: Project, stack: str, summary: Summary) -> list[str]:
    """How to call each endpoint of the local cloud; an account's, where the program says which it is, by fogbank."""
    sample = project.config.trained / "sample.csv"
    place = os.path.relpath(sample) if sample.is_file() else ""
    schema = project.config.trained / "schema.json"
    without = standing_by(schema.read_bytes()) if schema.is_file() else ROWS
    if project.is_local(stack):
        status = project.cloud.status()
        return [
            how_to_call(status["url"], name, place, without)
            for name, state in status["endpoints"].items()
            if state != FAILED
        ]
    name = summary.outputs.get("endpoint")
    rows = shlex.quote(place) if place else without.argument
    return [f"{name} answers\n  fogbank invoke -s {project.stack_name(stack)} {name} {rows}"] if name else []


def _project(terminal: Terminal) -> Project:
    from fogbank.project.project import Project

    return Project(events=terminal.show)
