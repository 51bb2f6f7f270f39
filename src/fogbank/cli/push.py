"""`fogbank push`: the package's image to a registry."""

from __future__ import annotations

import os

import click

from fogbank.cli.compose import here
from fogbank.cli.images import IMAGE, Tell, image_of
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import MACHINES
from fogbank.contracts.errors import ProjectError
from fogbank.contracts.manifest import Manifest, load_manifest


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


def push_image(
    config: ProjectConfig, manifest: Manifest, named: str, platform: str, tell: Tell, profile: str = ""
) -> str:
    """Push one platform's image; `host/name@sha256:...`. `profile` is AWS's, for ECR. Raises PackageError, RegistryError."""
    from fogbank.image import Layout, Registry, logins_for, parse_reference
    from fogbank.image import push as send

    image_of(manifest, platform)
    layout = Layout(manifest.folder / IMAGE)
    reference = parse_reference(named)
    registry = Registry(reference, logins_for(reference, os.environ, profile))
    digest = send(layout, layout.images()[platform], registry, config.state / "uploads", tell)
    return f"{reference.host}/{reference.name}@{digest}"
