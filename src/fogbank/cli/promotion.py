"""`fogbank publish | fetch`: a package from where it was packed to where it is deployed, by its digest."""

from __future__ import annotations

import click

from fogbank.cli.options import stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("place")
@stack_option
@click.pass_obj
def publish(terminal: Terminal, place: str, stack: str) -> None:
    """Publish the package, with its image and its signature, to PLACE: `s3://bucket/prefix` or a registry's `host/name`.

    Prints what names it there, with its digest: `fogbank fetch` takes that. What has arrived is not sent again. S3 and ECR are asked as
    the stack says.
    """
    from fogbank.project.project import Project

    terminal.result(Project(events=terminal.show).publish(place, stack=stack))


@click.command()
@click.argument("reference")
@stack_option
@click.pass_obj
def fetch(terminal: Terminal, reference: str, stack: str) -> None:
    """Fetch a published package by REFERENCE, as `fogbank publish` printed it, and let it be the project's.

    Every byte is checked before anything of it is used. `fogbank up` deploys it then, and trains and packs nothing, until you `train` or
    `pack` again. What has arrived is not fetched again.
    """
    from fogbank.project.project import Project

    terminal.result(str(Project(events=terminal.show).fetch(reference, stack=stack).artifact_path))
