"""`fogbank doctor`: what is in use here, and why."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.terminal import Terminal


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def doctor(terminal: Terminal, as_json: bool) -> None:
    """Show the Pulumi engine in use and why, the container tools, the project, its package and its cloud."""
    from fogbank.project.doctor import inventory

    facts = inventory(Path.cwd())
    if as_json:
        terminal.document(facts)
        return
    for subject, fact in facts.items():
        terminal.result(f"{subject:<9}{fact}")
