"""`fogbank env`: the environment in which plain `pulumi`, boto3 and the AWS CLI work on this project's stacks."""

from __future__ import annotations

import shlex

import click

from fogbank.cli.compose import cloud_address, find_engine, here
from fogbank.cli.terminal import Terminal
from fogbank.engine.stack import stack_environment


@click.command()
@click.pass_obj
def env(terminal: Terminal) -> None:
    """Print shell lines: eval "$(fogbank env)" makes plain `pulumi up -s local` work."""
    config = here()
    address = cloud_address(config)
    with terminal.step("engine") as step:
        engine = find_engine(step)
        step.done(f"Pulumi {engine.version}")
    for name, value in stack_environment(config.pulumi, engine, address.url, address.provider_port).items():
        terminal.result(f"export {name}={shlex.quote(value)}")
