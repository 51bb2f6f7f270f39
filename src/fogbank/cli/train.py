"""`fogbank train`: run the project's own training."""

from __future__ import annotations

import click

from fogbank.cli.compose import here, run_training
from fogbank.cli.terminal import Terminal


@click.command()
@click.pass_obj
def train(terminal: Terminal) -> None:
    """Train the model: runs the module that `train` in [tool.fogbank] names."""
    config = here()
    with terminal.step(f"train ({config.train})") as step:
        step.done(run_training(config))
