"""`fogbank train`: run the project's own training."""

from __future__ import annotations

import click

from fogbank.cli.terminal import Terminal


@click.command()
@click.pass_obj
def train(terminal: Terminal) -> None:
    """Train the model: runs the module that `train` in [tool.fogbank] names."""
    from fogbank.project.project import Project

    Project(events=terminal.show).train()
