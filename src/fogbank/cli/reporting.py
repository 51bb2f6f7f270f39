"""`fogbank report`: a page about any model, from what is there."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.options import json_option, stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@click.option(
    "--ask", is_flag=True, help="Send the baseline's rows (200 at most) to the endpoint, and compare its answers."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Default: .fogbank/report.html; a .json and a .md beside it.",
)
@json_option
@stack_option
@click.pass_obj
def report(terminal: Terminal, ask: bool, output: Path | None, as_json: bool, stack: str) -> None:
    """Write a page about the model: a verdict in words, what drifted since when, scores, how the endpoint serves, the monitors.

    It is made from what is there, for any kind of model: the package, and what is deployed where there is something. What `--ask`
    sends is captured as any request is.
    """
    from fogbank.cli.report import write_report
    from fogbank.project.project import Project
    from fogbank.project.report import model_report

    project = Project(events=terminal.show)
    document = model_report(project, stack, ask=ask)
    target = output or project.config.report
    write_report(document, target)
    if as_json:
        terminal.document(document)
        return
    for line in document["verdict"]["lines"]:
        terminal.note(f"  {line['level']:<5}{line['text']}")
    terminal.note("{words}. {lead} {paragraph}".format(**document["verdict"]))
    terminal.result(str(target))
