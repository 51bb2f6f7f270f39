"""`fogbank invoke`: one request to an endpoint."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("endpoint")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--content-type", help="Default: by the file's name.")
@click.option("--accept", help="The content type to ask for.")
@click.pass_obj
def invoke(terminal: Terminal, endpoint: str, file: Path, content_type: str | None, accept: str | None) -> None:
    """Send FILE (`-` for standard input) to ENDPOINT (`live` means <project>-live) and print the answer."""
    from fogbank.project.invoke import CSV, content_type_of, read_input
    from fogbank.project.project import Project

    project = Project()
    if str(file) == "-":
        body, kind = sys.stdin.buffer.read(), content_type or CSV
    else:
        body, kind = read_input(file), content_type or content_type_of(file)
    answer = project.invoke(endpoint, body, kind, accept)
    terminal.answer(answer.body, answer.content_type)
