"""`fogbank base`: a base image of Debian packages, for where no registry can be reached."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import MACHINES, host_platform

DEFAULT = ""
"""What `--pin` is given where no reference follows it."""


@click.command()
@click.option(
    "--platform", "platforms", multiple=True, type=click.Choice(list(MACHINES)), help="Default: this machine's."
)
@click.option(
    "--python", default=running_python, help="The base's Python, such as 3.11. Default: the one that runs now."
)
@click.option("--mirror", help="A Debian mirror, or a file of sources. Default: this machine's own, else Debian's.")
@click.option(
    "--pin", is_flag=False, flag_value=DEFAULT, metavar="[REFERENCE]",
    help="Make none: ask a registry which digest REFERENCE (Python's own image) has now, and write that into [tool.fogbank].",
)  # fmt: skip
@click.pass_obj
def base(terminal: Terminal, platforms: tuple[str, ...], python: str, mirror: str | None, pin: str | None) -> None:
    """Make a minimal base of Debian packages with Python, by mmdebstrap. No emulation, also for another platform.

    It is kept in fogbank's cache, and `fogbank pack --image` takes it where [tool.fogbank] sets no `base`.
    """
    from fogbank.project.packaging.bases import make_bases
    from fogbank.project.workplace.events import Steps

    if pin is not None:
        from fogbank.project.packaging.pinning import pin as pinned
        from fogbank.project.workplace.config import load_config

        terminal.result(pinned(load_config(Path.cwd()), pin, Steps(terminal.show)).base)
        return
    folder = make_bases(platforms or (host_platform(),), python, mirror, Steps(terminal.show))
    terminal.result(str(folder))
