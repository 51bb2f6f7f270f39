"""`fogbank history` and `fogbank rollback`: what was deployed, and the way back to it."""

from __future__ import annotations

import click

from fogbank.cli.asking import asking
from fogbank.cli.options import json_option, stack_option, yes_option
from fogbank.cli.terminal import Terminal


@click.command()
@stack_option
@click.option("-n", "--last", default=20, show_default=True, help="How many, newest first.")
@json_option
@click.pass_obj
def history(terminal: Terminal, stack: str, last: int, as_json: bool) -> None:
    """Show a stack's deployments: the package's digest, who, when, and what came of it.

    They are the engine's own history, in the stack's backend: whoever shares its state sees them. `*` marks the package that is live.
    """
    from fogbank.project.project import Project
    from fogbank.project.versions.deployments import live_digest

    project = Project(events=terminal.show)
    found = project.history(stack)
    if as_json:
        terminal.document([item.document() for item in found[:last]])
        return
    live = live_digest(found)
    for item in found[:last]:
        mark = "*" if item.digest and item.digest == live else " "
        what = f"{item.verdict:<9} {item.digest[:12] or '-':<12}{mark} {item.what}"
        terminal.result(
            f"{item.number:>4}  {item.when:%Y-%m-%d %H:%M:%S}  {what}" + (f" by {item.who}" if item.who else "")
        )
    if not found:
        terminal.note("nothing was deployed")
    elif project.is_local(stack):
        terminal.note("note: kept on this machine alone, with the local stack's state")


@click.command()
@click.argument("to", default="")
@stack_option
@yes_option
@json_option
@click.pass_obj
def rollback(terminal: Terminal, to: str, stack: str, yes: bool, as_json: bool) -> None:
    """Deploy an earlier package again, byte for byte: nothing is trained or packed.

    TO is a deployment's number or the beginning of its digest, as `fogbank history` shows them; without one it is the newest good
    deployment of another package than the newest. The Pulumi program stays as it is.
    """
    from fogbank.project.project import Project

    project = Project(events=terminal.show)
    agree = None if yes else asking(terminal, f"Go back in the stack {project.stack_name(stack)!r} on AWS?")
    summary = project.rollback(to, stack=stack, agree=agree)
    if as_json:
        terminal.document({"changes": dict(summary.changes), "outputs": dict(summary.outputs)})
    else:
        terminal.note(
            "note: the next `fogbank up` deploys what the project makes; `fogbank up --packed` stays with this package"
        )
