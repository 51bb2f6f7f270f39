"""`fogbank doctor`: what is in use here, and why; with a stack on AWS, what its account would refuse."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.terminal import Terminal

BLOCKED = 7
"""The exit code of a preflight that would end in an error: AWS's."""


@click.command()
@click.option("-s", "--stack", default="", help="Look into the account of this stack on AWS before anything bills.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def doctor(ctx: click.Context, stack: str, as_json: bool) -> None:
    """Show the Pulumi engine in use and why, the container tools, the project, its package and its cloud.

    With -s: the account's identity, repository and image, instance types and quotas, names, Model Monitor and your own permissions.
    Exit code 7 when `fogbank up` would fail.
    """
    terminal: Terminal = ctx.obj
    if stack:
        _preflight(ctx, terminal, stack, as_json=as_json)
        return
    from fogbank.project.doctor import inventory

    facts = inventory(Path.cwd())
    if as_json:
        terminal.document(facts)
        return
    for subject, fact in facts.items():
        terminal.result(f"{subject:<9}{fact}")


def _preflight(ctx: click.Context, terminal: Terminal, stack: str, *, as_json: bool) -> None:
    from fogbank.project.project import Project

    findings = Project(events=terminal.show).preflight(stack)
    if as_json:
        terminal.document({"findings": [item.document() for item in findings]})
    for item in () if as_json else findings:
        terminal.result(f"{'mend' if item.blocks else 'know'} {item.code}: {item.cause}\n     {item.fix}")
    ctx.exit(BLOCKED if any(item.blocks for item in findings) else 0)
