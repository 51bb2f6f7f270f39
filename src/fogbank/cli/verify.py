"""`fogbank verify`: whether a package's bytes are those that were signed."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.contracts.errors import TrustError


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The signer's Ed25519 public key (PEM).")
@click.option("--unsigned", is_flag=True, help="Look at the digests alone: finds damage, not forgery.")
@click.pass_obj
def verify(terminal: Terminal, folder: Path | None, key: Path | None, unsigned: bool) -> None:
    """Check every file of the package in FOLDER (default: the project's): artifact, image layout, bill of materials, baseline.

    Names the first file whose bytes are not those that were signed.
    """
    from fogbank.trust import public_key
    from fogbank.trust import verify as check

    if key is None and not unsigned:
        raise TrustError(
            "key-missing",
            "no public key is given",
            "give the signer's: `--key fogbank.pub`; or `--unsigned` for the digests alone",
        )
    target = folder or here().package
    with terminal.step("verify") as step:
        found = check(target, public_key(key) if key else None)
        who = f"signed by {found.key[:16]}" if found.key else "digests only: nobody's signature was checked"
        step.done(f"{found.files} files, {who}")
    terminal.result("ok")
