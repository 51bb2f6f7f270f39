"""`fogbank env`: the environment in which plain `pulumi`, boto3 and the AWS CLI work on this project's stacks."""

from __future__ import annotations

import shlex

import click

from fogbank.cli.options import stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@stack_option
@click.pass_obj
def env(terminal: Terminal, stack: str) -> None:
    """Print shell lines: eval "$(fogbank env)" makes plain `pulumi up -s local` work.

    With a stack on AWS they say where the programs are and unset what is the local cloud's: your login, your credentials and your
    passphrase are what they were.
    """
    from fogbank.project.project import Project

    for name, value in Project(events=terminal.show).environment(stack).items():
        terminal.result(f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}")
