"""`fogbank verify-account`: one bounded run of everything on a real account, and a report of what it answered."""

from __future__ import annotations

import sys

import click

from fogbank.cli.options import json_option
from fogbank.cli.terminal import Terminal

DIFFERS = 7
"""The exit code of a run in which the account answered otherwise than the local cloud."""


@click.command()
@click.option("-s", "--stack", required=True, help="The stack on AWS whose region, profile and repository are used.")
@click.option("--yes", is_flag=True, help="Do not ask: it costs money.")
@json_option
@click.pass_context
def verify_account(ctx: click.Context, stack: str, yes: bool, as_json: bool) -> None:
    """Push, deploy, invoke, update, roll back, batch, monitor and destroy on a stack's account, under names of its own.

    What AWS answered is written beside what the local cloud answers, to .fogbank/verify/report.json and report.md, without secrets or
    account numbers. Exit code 7 where they differ.
    """
    from fogbank.project.account.account_suite import HOURS, most_usd
    from fogbank.project.project import Project

    terminal: Terminal = ctx.obj
    question = f"This runs about {HOURS * 60:g} minutes in the account and costs at most {most_usd():.2f} USD. Go on?"
    if not yes and not _confirmed(question):
        raise click.Abort
    report = Project(events=terminal.show).verify_account(stack)
    if as_json:
        terminal.document(report.document())
    else:
        terminal.result(report.markdown())
    ctx.exit(0 if report.passed else DIFFERS)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked; give --yes")
    return click.confirm(question, err=True)
