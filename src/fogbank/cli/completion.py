"""`fogbank completion`: what a shell evaluates, so that it completes verbs, options and the names of what there is."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from fogbank.cli.terminal import Terminal

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_FOGBANK_COMPLETE"


@click.command()
@click.argument("shell", required=False, type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str | None) -> None:
    """Print a shell's completion: eval "$(fogbank completion bash)" completes verbs, options, endpoints, schedules and examples.

    Without SHELL it is that of $SHELL. fish takes it as `fogbank completion fish | source`.
    """
    terminal: Terminal = ctx.obj
    name = shell or Path(os.environ.get("SHELL", "bash")).name
    found = get_completion_class(name)
    if found is None:
        raise click.UsageError(f"no completion for {name}; there are {', '.join(SHELLS)}")
    terminal.result(found(ctx.find_root().command, {}, "fogbank", VARIABLE).source())
