"""`fogbank train`: run the project's own training."""

from __future__ import annotations

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.project.training import train as train_project


@click.command()
@click.pass_obj
def train(terminal: Terminal) -> None:
    """Train the model: runs the module that `train` in [tool.fogbank] names."""
    config = here()
    with terminal.step(f"train ({config.train})") as step:
        step.done(train_project(config))
