"""Options that several verbs take, each said once."""

from __future__ import annotations

import click

from fogbank.cli.names import stacks

stack_option = click.option(
    "-s",
    "--stack",
    default="",
    shell_complete=stacks,
    help="The Pulumi stack. Default: `stack` in [tool.fogbank], which is `local` unless set.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask, also for a stack that is not local.")
