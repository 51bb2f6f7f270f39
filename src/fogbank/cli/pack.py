"""`fogbank pack`: model, handler and locked dependencies into model.tar.gz and its manifest; and into a container's image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fogbank.cli.prepare import ensure_trained, here
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import MACHINES
from fogbank.contracts.manifest import Manifest
from fogbank.project.images import Image, build_images, builds, packed_platforms, seal_package, signing_key, store
from fogbank.project.packing import pack as pack_project
from fogbank.project.packing import serving

if TYPE_CHECKING:
    from fogbank.image import Build


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
    "--sign", metavar="KEY", help="Sign the provenance with this Ed25519 key (PEM). Default: $FOGBANK_SIGNING_KEY."
)
@click.option("--json", "as_json", is_flag=True, help="Print the digests as JSON.")
@click.pass_obj
def pack(
    terminal: Terminal, image: bool, platforms: tuple[str, ...], containerfile: bool, sign: str | None, as_json: bool
) -> None:
    """Package the model, the handler and their locked dependencies. Same input, same bytes."""
    config = here()
    ensure_trained(config, terminal)
    with terminal.step("pack") as step:
        manifest = pack_project(config)
        step.done(f"{manifest.artifact} sha256 {manifest.artifact_sha256[:12]}, {serving(manifest)}")
    there = packed_platforms(manifest)
    image = image or bool(
        there
    )  # an image that is there already belongs to the package: it is kept, and sealed with it
    chosen = platforms or there or (config.platform,)
    wanted = builds(config, manifest, chosen, terminal.note) if image or containerfile else []
    images = pack_images(manifest, wanted, terminal) if image else []
    if containerfile:
        _containerfiles(config, wanted, terminal)
    sealed = seal_package(config, manifest, wanted if image else [], signing_key(sign))
    if as_json:
        terminal.document(_document(manifest, images, sealed))
        return
    terminal.result(str(manifest.artifact_path))
    for item in images:
        terminal.result(f"{manifest.folder / 'image'} {item.platform} {item.digest}")


def pack_images(manifest: Manifest, wanted: Sequence[Build], terminal: Terminal) -> Sequence[Image]:
    """Build the images, and tell of each. Raises PackageError."""
    with terminal.step("image") as step:
        images = build_images(manifest, wanted, step.tell)
        told = (
            f"{item.platform} {item.digest[:19]}, {item.wheels} wheels, {item.above_base / 1e6:.0f} MB"
            for item in images
        )
        step.done("; ".join(told) + f" above {images[0].base}")
    return images


def _containerfiles(config: ProjectConfig, wanted: Sequence[Build], terminal: Terminal) -> None:
    from fogbank.image import write_containerfile

    for build in wanted:
        folder = config.state / "containerfile" / build.target.architecture
        folder.parent.mkdir(parents=True, exist_ok=True)
        with terminal.step("containerfile") as step:
            path = write_containerfile(build, store(), folder)
            step.done(f"podman build {path.parent}")


def _document(manifest: Manifest, images: Sequence[Image], sealed: Path) -> dict[str, object]:
    return {
        "name": manifest.name,
        "artifact": str(manifest.artifact_path),
        "artifact_sha256": manifest.artifact_sha256,
        "package_sha256": manifest.package_sha256,
        "statistics_sha256": manifest.statistics_sha256,
        "constraints_sha256": manifest.constraints_sha256,
        "compilation": asdict(manifest.package.compilation),
        "files": manifest.package.files,
        "images": [asdict(item) for item in images],
        "provenance": str(sealed),
    }
