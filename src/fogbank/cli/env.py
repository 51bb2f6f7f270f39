"""`fogbank env`: the environment in which plain `pulumi`, boto3 and the AWS CLI work on this project's stacks."""

from __future__ import annotations

import shlex

import click

from fogbank.cli.terminal import Terminal


@click.command()
@click.pass_obj
def env(terminal: Terminal) -> None:
    """Print shell lines: eval "$(fogbank env)" makes plain `pulumi up -s local` work."""
    from fogbank.project.project import Project

    for name, value in Project(events=terminal.show).environment().items():
        terminal.result(f"export {name}={shlex.quote(value)}")
