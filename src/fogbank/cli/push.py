"""`fogbank push`: the package's image to a registry."""

from __future__ import annotations

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.dependencies import MACHINES


@click.command()
@click.argument("reference", default="")
@click.option("--platform", type=click.Choice(list(MACHINES)), help="Default: `platform` in [tool.fogbank].")
@click.pass_obj
def push(terminal: Terminal, reference: str, platform: str | None) -> None:
    """Push the package's image to REFERENCE (default: `repository` in [tool.fogbank]); prints it with its digest.

    What has arrived is not sent again: a push that was interrupted goes on where it was.
    """
    from fogbank.project.project import Project

    terminal.result(Project(events=terminal.show).push(reference, platform=platform or ""))
