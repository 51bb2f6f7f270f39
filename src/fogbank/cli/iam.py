"""`fogbank iam deployer`: the least IAM policy of who deploys a stack; `fogbank iam prove`: what a life takes, proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fogbank.cli.groups import Group
from fogbank.cli.options import json_option
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


@iam.command()
@json_option
@click.pass_obj
def prove(terminal: Terminal, as_json: bool) -> None:
    """Live twice on a local cloud of its own, and say which permissions it took: the least policy of each role and of the deployer.

    The first life is recorded; the second has the proposed policies alone, and IAM enforced. That each statement is needed is shown by
    IAM's evaluation of the recorded calls without it. What is declared and no call exercised is told: it is for AWS, or for nothing.
    """
    from fogbank.project.iam_proof import prove as proven
    from fogbank.project.workplace.config import load_config
    from fogbank.project.workplace.events import Steps

    found = proven(load_config(Path.cwd()).root, Steps(terminal.show))
    if as_json:
        terminal.document(found)
        return
    for name, said in found["principals"].items():
        terminal.result(_paragraph(name, said))
    for name in found["roles_without_calls"]:
        terminal.result(f"{name}: no call")
    for name in found["not_asked"]:
        terminal.result(
            f"the endpoint {name} was not asked: its requests wait where its role reads nothing that is known here"
        )
    terminal.note("`--json` has the policies")


def _paragraph(name: str, said: dict[str, Any]) -> str:
    lines = [f"{name}: {len(said['refused_without'])} statement(s), each needed; nothing was refused under them alone"]
    if said["not_needed"]:
        lines = [f"{name}: {len(said['refused_without'])} statement(s), {len(said['not_needed'])} of them not needed"]
    lines += [f"  not declared: {call}" for call in said.get("beyond_declared", ())]
    for statement in said.get("not_exercised", ()):
        lines.append(f"  not exercised: {statement['Effect'].lower()} {', '.join(statement['Action'])}")
        lines += [f"    on {resource}" for resource in statement["Resource"]]
    return "\n".join(lines)
