"""`fogbank iam deployer`: the least IAM policy of who deploys a stack."""

from __future__ import annotations

import click

from fogbank.cli.groups import Group
from fogbank.cli.terminal import Terminal


@click.group(cls=Group)
def iam() -> None:
    """IAM policies that a stack on AWS needs."""


@iam.command()
@click.option("-s", "--stack", required=True, help="The stack on AWS.")
@click.option("--account", default="", help="The account's number; without one, a placeholder.")
@click.pass_obj
def deployer(terminal: Terminal, stack: str, account: str) -> None:
    """Print the least policy of who deploys the stack, by what its program declares. AWS is not asked."""
    from fogbank.project.project import Project

    terminal.document(Project(events=terminal.show).deployer_policy(stack, account))
