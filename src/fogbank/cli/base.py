"""`fogbank base`: a base image of Debian packages, for where no registry can be reached."""

from __future__ import annotations

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import MACHINES, Target, host_platform
from fogbank.project.images import made_bases, store


@click.command()
@click.option(
    "--platform", "platforms", multiple=True, type=click.Choice(list(MACHINES)), help="Default: this machine's."
)
@click.option(
    "--python", default=running_python, help="The base's Python, such as 3.11. Default: the one that runs now."
)
@click.option("--mirror", help="A Debian mirror, or a file of sources. Default: this machine's own, else Debian's.")
@click.pass_obj
def base(terminal: Terminal, platforms: tuple[str, ...], python: str, mirror: str | None) -> None:
    """Make a minimal base of Debian packages with Python, by mmdebstrap. No emulation, also for another platform.

    It is kept in fogbank's cache, and `fogbank pack --image` takes it where [tool.fogbank] sets no `base`.
    """
    from fogbank.image import make_base

    folder = made_bases() / python
    for platform in platforms or (host_platform(),):
        with terminal.step(f"base {platform}") as step:
            layout = make_base(Target(platform=platform, python=python), store(), folder, mirror)
            made = layout.images()[platform]
            size = sum(item["size"] for item in layout.read(made)["layers"])
            step.done(f"{made.digest[:19]}, Python {python}, {size / 1e6:.0f} MB compressed")
    terminal.result(str(folder))
