"""`fogbank pack`: model, handler and locked dependencies into model.tar.gz and its manifest; and into a container's image."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fogbank.cli.terminal import Terminal
from fogbank.contracts.dependencies import MACHINES

if TYPE_CHECKING:
    from fogbank.project.project import Package


@click.command()
@click.option(
    "--image", is_flag=True, help="Also the container's image, as an OCI layout; no container engine is needed."
)
@click.option(
    "--platform", "platforms", multiple=True, type=click.Choice(list(MACHINES)),
    help="The image's platform; may be given twice. Default: `platform` in [tool.fogbank].",
)  # fmt: skip
@click.option("--containerfile", is_flag=True, help="Also a Containerfile with the same content, for another builder.")
@click.option(
    "--sign", metavar="KEY", type=click.Path(path_type=Path),
    help="Sign the provenance with this Ed25519 key (PEM). Default: $FOGBANK_SIGNING_KEY.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the digests as JSON.")
@click.pass_obj
def pack(
    terminal: Terminal, image: bool, platforms: tuple[str, ...], containerfile: bool, sign: Path | None, as_json: bool
) -> None:
    """Package the model, the handler and their locked dependencies. Same input, same bytes."""
    from fogbank.project.project import Project

    package = Project(events=terminal.show).pack(
        image=image, platforms=platforms, containerfile=containerfile, key=sign
    )
    if as_json:
        terminal.document(_document(package))
        return
    terminal.result(str(package.manifest.artifact_path))
    for item in package.images:
        terminal.result(f"{package.manifest.folder / 'image'} {item.platform} {item.digest}")


def _document(package: Package) -> dict[str, object]:
    manifest = package.manifest
    return {
        "name": manifest.name,
        "artifact": str(manifest.artifact_path),
        "artifact_sha256": manifest.artifact_sha256,
        "package_sha256": manifest.package_sha256,
        "statistics_sha256": manifest.statistics_sha256,
        "constraints_sha256": manifest.constraints_sha256,
        "compilation": asdict(manifest.package.compilation),
        "files": manifest.package.files,
        "images": [asdict(item) for item in package.images],
        "provenance": str(package.provenance),
    }
