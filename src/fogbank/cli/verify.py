"""`fogbank verify`: whether a package's bytes are those that were signed."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The signer's Ed25519 public key (PEM).")
@click.option("--unsigned", is_flag=True, help="Look at the digests alone: finds damage, not forgery.")
@click.pass_obj
def verify(terminal: Terminal, folder: Path | None, key: Path | None, unsigned: bool) -> None:
    """Check every file of the package in FOLDER (default: the project's): artifact, image layout, bill of materials, baseline.

    Names the first file whose bytes are not those that were signed.
    """
    from fogbank.project.packaging.seal import verify_package
    from fogbank.project.project import Project
    from fogbank.project.workplace.events import Steps

    if folder is None:
        Project(events=terminal.show).verify(key, unsigned=unsigned)
    else:
        verify_package(folder, key, Steps(terminal.show), unsigned=unsigned)
    terminal.result("ok")
