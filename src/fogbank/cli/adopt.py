"""`fogbank adopt`: an endpoint that is there already, taken into a project's stack as it is."""

from __future__ import annotations

import click

from fogbank.cli.options import stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("endpoint")
@stack_option
@click.pass_obj
def adopt(terminal: Terminal, endpoint: str, stack: str) -> None:
    """Write a file of the Pulumi program that imports ENDPOINT (its full name), its configuration and its models.

    Nothing is changed, here or on AWS, but that file: the next `up` imports them as they are, and protects them.
    """
    from fogbank.project.project import Project

    adoption = Project(events=terminal.show).adopt(endpoint, stack=stack)
    for item in adoption.resources:
        terminal.note(f"  {item.token.rpartition(':')[2]} {item.name}")
    terminal.result(str(adoption.file))
    if not adoption.taken_in:
        terminal.note(
            f"next: add `import {adoption.file.stem}` to {adoption.file.with_name('__main__.py')}, then `fogbank up`"
        )
