"""`fogbank price`: what a stack would cost in a month, before it is there."""

from __future__ import annotations

import click

from fogbank.cli.options import json_option, stack_option
from fogbank.cli.terminal import Terminal

HEAD = ("resource", "what", "USD a month", "how")


@click.command()
@stack_option
@json_option
@click.option("--markdown", is_flag=True, help="Print the result as Markdown, for a comment.")
@click.pass_obj
def price(terminal: Terminal, stack: str, as_json: bool, markdown: bool) -> None:
    """Print what a month of the stack costs, by what its program declares: of a local stack, what it would cost on AWS.

    Ranges are from `fogbank:traffic` in the stack's configuration. AWS is not asked: the rates are the package's own, with their date.
    """
    from fogbank.project.project import Project

    found = Project(events=terminal.show).price(stack)
    if as_json:
        terminal.document(found.document())
        return
    if markdown:
        terminal.result(found.markdown())
        return
    rows = [HEAD, *found.rows()]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    for name, what, amount, how in rows:
        terminal.result(f"{name:<{widths[0]}}  {what:<{widths[1]}}  {amount:>{widths[2]}}  {how}")
    terminal.result(f"{'total':<{widths[0]}}  {'':<{widths[1]}}  {found.words}")
    for note in found.notes:
        terminal.note(f"note: {note}")
