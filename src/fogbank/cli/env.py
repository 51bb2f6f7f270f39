"""`fogbank env`: the environment in which plain `pulumi`, boto3 and the AWS CLI work on this project's stacks."""

from __future__ import annotations

import shlex

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.engine.stack import stack_environment
from fogbank.project.cloud import cloud_address
from fogbank.project.stack import find_engine


@click.command()
@click.pass_obj
def env(terminal: Terminal) -> None:
    """Print shell lines: eval "$(fogbank env)" makes plain `pulumi up -s local` work."""
    config = here()
    address = cloud_address(config)
    with terminal.step("engine") as step:
        engine = find_engine(step.tell)
        step.done(f"Pulumi {engine.version}")
    for name, value in stack_environment(config.pulumi, engine, address.url, address.provider_port).items():
        terminal.result(f"export {name}={shlex.quote(value)}")
