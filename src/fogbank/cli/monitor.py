"""`fogbank monitor`: run a monitoring schedule now, and show what its last execution found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fogbank.cli.options import json_option, stack_option
from fogbank.cli.terminal import Terminal
from fogbank.contracts.errors import VIOLATIONS_FOUND

if TYPE_CHECKING:
    from fogbank.project.monitor import Verdict


@click.group()
def monitor() -> None:
    """Monitoring schedules: run one now, or show the last verdict."""


@monitor.command()
@click.argument("schedule")
@json_option
@stack_option
@click.pass_context
def run(ctx: click.Context, schedule: str, as_json: bool, stack: str) -> None:
    """An execution of SCHEDULE now, over what was captured since the last one. Exit code 8 when there are violations."""
    from fogbank.project.project import Project

    _show(ctx, Project(events=ctx.obj.show).monitor(schedule, stack=stack), as_json=as_json)


@monitor.command()
@click.argument("schedule")
@json_option
@stack_option
@click.pass_context
def show(ctx: click.Context, schedule: str, as_json: bool, stack: str) -> None:
    """The last execution of SCHEDULE. Exit code 8 when it found violations."""
    from fogbank.project.project import Project

    _show(ctx, Project().last_verdict(schedule, stack=stack), as_json=as_json)


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
    ctx.exit(VIOLATIONS_FOUND if verdict.violations else 0)
