"""`fogbank invoke`: one request to an endpoint."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fogbank.cli.prepare import here
from fogbank.project.service import Service, content_type_of, read_input


@click.command()
@click.argument("endpoint")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--content-type", help="Default: by the file's name.")
@click.option("--accept", help="The content type to ask for.")
def invoke(endpoint: str, file: Path, content_type: str | None, accept: str | None) -> None:
    """Send FILE (`-` for standard input) to ENDPOINT (`live` means <project>-live) and print the answer."""
    body = sys.stdin.buffer.read() if str(file) == "-" else read_input(file)
    kind = content_type or ("text/csv" if str(file) == "-" else content_type_of(file))
    answer, _ = Service(here()).invoke(endpoint, body, kind, accept)
    sys.stdout.buffer.write(answer if answer.endswith(b"\n") else answer + b"\n")
