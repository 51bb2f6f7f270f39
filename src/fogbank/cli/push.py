"""`fogbank push`: the package's image to a registry."""

from __future__ import annotations

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.contracts.dependencies import MACHINES
from fogbank.contracts.errors import ProjectError
from fogbank.contracts.manifest import load_manifest
from fogbank.project.images import push_image


@click.command()
@click.argument("reference", required=False)
@click.option("--platform", type=click.Choice(list(MACHINES)), help="Default: `platform` in [tool.fogbank].")
@click.pass_obj
def push(terminal: Terminal, reference: str | None, platform: str | None) -> None:
    """Push the package's image to REFERENCE (default: `repository` in [tool.fogbank]); prints it with its digest.

    What has arrived is not sent again: a push that was interrupted goes on where it was.
    """
    config = here()
    named = reference or config.repository
    if not named:
        raise ProjectError(
            "repository-missing",
            "no repository is named",
            "give one (`fogbank push host/name:tag`), or set `repository` in [tool.fogbank]",
        )
    manifest = load_manifest(config.package)
    with terminal.step("push") as step:
        pushed = push_image(config, manifest, named, platform or config.platform, step.tell)
        step.done(pushed.rpartition("@")[2][:19])
    terminal.result(pushed)
