"""`fogbank logs`: the last lines of what runs, on the local cloud or in an account's CloudWatch Logs."""

from __future__ import annotations

import click

from fogbank.cli.names import names
from fogbank.cli.options import stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("name", shell_complete=names("endpoint", "batch schedule", "monitoring schedule"))
@stack_option
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines of each log.")
@click.pass_obj
def logs(terminal: Terminal, name: str, stack: str, lines: int) -> None:
    """Show the last lines of the endpoint or schedule NAME (`live` means the stack's own), or of a job's full name."""
    from fogbank.project.project import Project

    texts = Project(events=terminal.show).logs(name, lines, stack=stack)
    for place, text in texts.items():
        if len(texts) > 1:
            terminal.note(f"==> {place}")
        terminal.result(text)
