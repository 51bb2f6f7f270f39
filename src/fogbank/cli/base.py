"""`fogbank base`: a base image of Debian packages, for where no registry can be reached."""

from __future__ import annotations

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import MACHINES, host_platform


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
    from fogbank.project.bases import make_bases
    from fogbank.project.events import Steps

    folder = make_bases(platforms or (host_platform(),), python, mirror, Steps(terminal.show))
    terminal.result(str(folder))
