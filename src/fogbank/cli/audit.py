"""`fogbank audit`: known vulnerabilities of what is locked."""

from __future__ import annotations

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.errors import VIOLATIONS_FOUND


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.pass_context
def audit(ctx: click.Context, as_json: bool) -> None:
    """Look the container's locked dependencies up in OSV's data of known vulnerabilities; exit code 8 where there is one.

    Names and versions go to api.osv.dev, or to the server that $FOGBANK_OSV_URL names.
    """
    from fogbank.project.project import Project

    terminal: Terminal = ctx.obj
    found = Project(events=terminal.show).audit()
    if as_json:
        terminal.document(
            {
                "dependencies": found.dependencies,
                "vulnerabilities": [item.document() for item in found.vulnerabilities],
            }
        )
    else:
        for item in found.vulnerabilities:
            terminal.result(str(item))
        if not found.vulnerabilities:
            terminal.result("ok")
    ctx.exit(VIOLATIONS_FOUND if found.vulnerabilities else 0)
