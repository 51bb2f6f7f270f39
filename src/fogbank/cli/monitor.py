"""`fogbank monitor`: run a monitoring schedule now, show what its last execution found, and edit what it is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fogbank.cli.groups import Group
from fogbank.cli.names import names
from fogbank.cli.options import json_option, stack_option
from fogbank.cli.terminal import Terminal
from fogbank.contracts.errors import VIOLATIONS_FOUND

if TYPE_CHECKING:
    from fogbank.project.monitoring.verdict import Verdict


@click.group(cls=Group)
def monitor() -> None:
    """Monitoring schedules: run one now, show the last verdict, edit the constraints."""


@monitor.command()
@click.argument("schedule", shell_complete=names("monitoring schedule"))
@json_option
@stack_option
@click.pass_context
def run(ctx: click.Context, schedule: str, as_json: bool, stack: str) -> None:
    """An execution of SCHEDULE now, over what was captured since the last one. Exit code 8 when there are violations."""
    from fogbank.project.project import Project

    _show(ctx, Project(events=ctx.obj.show).monitor(schedule, stack=stack), as_json=as_json)


@monitor.command()
@click.argument("schedule", shell_complete=names("monitoring schedule"))
@json_option
@stack_option
@click.pass_context
def show(ctx: click.Context, schedule: str, as_json: bool, stack: str) -> None:
    """The last execution of SCHEDULE. Exit code 8 when it found violations."""
    from fogbank.project.project import Project

    _show(ctx, Project(events=ctx.obj.show).last_verdict(schedule, stack=stack), as_json=as_json)


@monitor.command()
@click.option("--check", "only_check", is_flag=True, help="Do not open an editor: check the file as it is.")
@click.pass_context
def edit(ctx: click.Context, only_check: bool) -> None:
    """Edit the project's constraints.json, which `fogbank pack` takes in place of its suggestion; it is checked."""
    from fogbank.project.packaging.constraints import constraints_file
    from fogbank.project.project import Project

    project = Project(events=ctx.obj.show)
    if not only_check:
        click.edit(filename=str(constraints_file(project.config)))
    ctx.obj.result(f"{project.constraints()} is right; `fogbank pack` takes it")


def _show(ctx: click.Context, verdict: Verdict, *, as_json: bool) -> None:
    terminal: Terminal = ctx.obj
    if as_json:
        terminal.document(verdict.document())
    else:
        terminal.result(f"{verdict.status}: {len(verdict.violations)} violation(s)")
        for item in verdict.violations:
            terminal.result(
                f"  {item['feature_name']:<28} {item['constraint_check_type']:<24} {item['description'].strip()}"
            )
        if verdict.aside:
            terminal.result(f"  set aside: {verdict.aside}")
    ctx.exit(VIOLATIONS_FOUND if verdict.violations else 0)
