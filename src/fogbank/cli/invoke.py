"""`fogbank invoke`: one request to an endpoint."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fogbank.cli.names import names
from fogbank.cli.options import json_option, stack_option
from fogbank.cli.terminal import Terminal

if TYPE_CHECKING:
    from fogbank.project.project import Project

LABELLED = "text/csv; answer=labelled"


@click.command()
@click.argument("endpoint", shell_complete=names("endpoint"))
@click.argument("data", default="-", type=click.Path())
@click.option("--content-type", help="Default: by the file's name, or by how the data begins.")
@click.option(
    "--accept", help="The content type to ask for. On a terminal labels and probabilities by name are, by default."
)
@click.option("-i", "--include", is_flag=True, help="Print the answer's headers before it.")
@json_option
@stack_option
@click.pass_obj
def invoke(
    terminal: Terminal, endpoint: str, data: str, content_type: str | None, accept: str | None, include: bool,
    as_json: bool, stack: str,
) -> None:  # fmt: skip
    """Send DATA to ENDPOINT (`live` means <project>-live) and print the answer: a table on a terminal, its bytes into a pipe.

    DATA is a file (`rows.csv`, or `@rows.csv`), `-` or nothing for standard input, or the rows themselves: JSON ('[[1, 2]]',
    '{"age": 3}'), or CSV with or without a header ('1,2').
    """
    from fogbank.project.calling.invoke import request_of
    from fogbank.project.project import Project

    project = Project()
    if data == "-" and sys.stdin.isatty():
        terminal.note("type the rows, and end them with Ctrl-D")
    request = request_of(data, sys.stdin.buffer, content_type or "")
    wish = accept or (LABELLED if terminal.shows_tables and not as_json and _labels(project) else None)
    answer = project.invoke(endpoint, request.body, request.content_type, wish, stack=stack)
    if as_json:
        terminal.document(answer.document())
        return
    if include:
        terminal.result(
            "\n".join(["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in answer.headers.items()), ""])
        )
    terminal.answer(answer.body, answer.content_type, header=wish == LABELLED)


def _labels(project: Project) -> bool:
    """Whether the package that is here answers by name: it is fogbank's own server that does, without a handler."""
    from fogbank.contracts.errors import PackageError

    try:
        return project.manifest.package.handler is None
    except PackageError:
        return False
