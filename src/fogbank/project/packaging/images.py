"""The images of a package: one for each platform, in the layout inside its folder; and from there to a registry.

In: a package and platforms; out: images. Those that are there already stay as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import Target, Wheel
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import canonical_json
from fogbank.ground.folders import write_whole
from fogbank.project.packaging.bases import Progress, base_for, layer_store
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.installation import cached

if TYPE_CHECKING:
    from fogbank.image import Attachment, Build, BuiltImage

IMAGE = "image"
RECORD = "image.json"


@dataclass(frozen=True, kw_only=True)
class PackedImage:
    """An image of the project in its layout, for one platform. `above_base` are the bytes of its own layers, compressed."""

    platform: str
    digest: str
    base: str
    wheels: int
    above_base: int


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An image that was built before, and the digest of what it is made of."""

    key: str
    image: PackedImage


def plan_images(config: ProjectConfig, manifest: Manifest, platforms: Sequence[str], steps: Steps) -> tuple[Build, ...]:
    """What the images of a package will be made of. Raises PackageError, RegistryError."""
    with steps("wheels") as step:
        plans = builds(config, manifest, platforms, step.progress)
        step.done("; ".join(f"{len(plan.wheels)} for {plan.target.platform} on {plan.base.name}" for plan in plans))
    return tuple(plans)


def pack_images(manifest: Manifest, plans: Sequence[Build], steps: Steps) -> tuple[PackedImage, ...]:
    """The images, in the layout inside the package's folder. Raises PackageError."""
    with steps("image") as step:
        images = build_images(manifest, plans, step.progress)
        sizes = (
            f"{item.platform} {item.digest[:19]}, {item.wheels} wheels, {item.above_base / 1e6:.0f} MB"
            for item in images
        )
        step.done("; ".join(sizes) + f" above {images[0].base}")
    return tuple(images)


def write_containerfiles(config: ProjectConfig, plans: Sequence[Build], steps: Steps) -> None:
    """A Containerfile with the same content for each image, for another builder. Raises PackageError."""
    from fogbank.image import write_containerfile

    for plan in plans:
        folder = config.state / "containerfile" / plan.target.architecture
        folder.parent.mkdir(parents=True, exist_ok=True)
        with steps("containerfile") as step:
            path = write_containerfile(plan, layer_store(), folder)
            step.done(f"podman build {path.parent}")


def builds(config: ProjectConfig, manifest: Manifest, platforms: Sequence[str], progress: Progress) -> list[Build]:
    """What the images of a package are made of. Raises PackageError, RegistryError."""
    from fogbank.image import Build

    plans = []
    for platform in platforms:
        target = Target(platform=platform, python=manifest.package.python)
        wheels = wheels_for(config, manifest, target)
        base = base_for(config, target, progress)
        plans.append(Build(package=manifest, base=base, target=target, wheels=wheels))
    return plans


def wheels_for(config: ProjectConfig, manifest: Manifest, target: Target) -> tuple[Wheel, ...]:
    """The wheels of a package's image, its own dependencies' and the server's. Raises PackageError."""
    from fogbank.image import choose_wheels
    from fogbank.pack import image_pins

    return choose_wheels(image_pins(config, manifest, target), target, cached("layers"))


def build_images(manifest: Manifest, plans: Sequence[Build], progress: Progress) -> list[PackedImage]:
    """The package's images, in the layout inside its folder. Raises PackageError."""
    from fogbank.image import Layout, build_image, image_key

    key = image_key(plans)
    present = _present(manifest.folder, key)
    if present is not None:
        return present
    with tempfile.TemporaryDirectory(dir=manifest.folder.parent, prefix="image-") as work:
        layout = Layout(Path(work) / IMAGE)
        images: list[BuiltImage] = []
        for plan in plans:
            progress(f"{plan.target.platform}: {len(plan.wheels)} wheels on {plan.base.name}")
            images.append(build_image(plan, layer_store(), layout))
        layout.write_index({item.platform: item.manifest for item in images}, manifest.name)
        shutil.rmtree(manifest.folder / IMAGE, ignore_errors=True)
        layout.folder.rename(manifest.folder / IMAGE)
    packed = [
        PackedImage(
            platform=image.platform,
            digest=image.digest,
            base=plan.base.name,
            wheels=len(plan.wheels),
            above_base=image.above_base,
        )
        for image, plan in zip(images, plans, strict=True)
    ]
    record = {"key": key, "images": [asdict(item) for item in packed]}
    write_whole(manifest.folder / RECORD, canonical_json(record))
    return packed


def _present(folder: Path, key: str) -> list[PackedImage] | None:
    """The images that were made under this key, if the layout is still there."""
    known, images = _record(folder)
    return list(images) if known == key else None


def recorded_image(manifest: Manifest, platform: str) -> Recorded | None:
    """The image for a platform that lies in the package's folder."""
    key, images = _record(manifest.folder)
    return next((Recorded(key=key, image=item) for item in images if item.platform == platform), None)


def _record(folder: Path) -> tuple[str, tuple[PackedImage, ...]]:
    """The images in a package's folder, and the key under which they were made; none where the layout is not there."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return "", ()
    if not (folder / IMAGE / "index.json").is_file():
        return "", ()
    return record["key"], tuple(PackedImage(**item) for item in record["images"])


def packed_platforms(manifest: Manifest) -> tuple[str, ...]:
    """The platforms whose images lie in the package's folder."""
    from fogbank.image import Layout

    folder = manifest.folder / IMAGE
    return tuple(Layout(folder).images()) if (folder / "index.json").is_file() else ()


def push_image(
    config: ProjectConfig, manifest: Manifest, text: str, platform: str, progress: Progress, profile: str = ""
) -> str:
    """Push one platform's image to where `text` refers; `host/name@sha256:...`. `profile` is AWS's, for ECR.

    What has arrived is not sent again. The bill of materials and the provenance are attached to it. Raises PackageError
    (`image-not-packed`), RegistryError.
    """
    from fogbank.image import Layout, Registry, attach, logins_for, parse_reference, push

    if platform not in packed_platforms(manifest):
        raise PackageError(
            "image-not-packed",
            f"the package has no image for {platform}",
            f"run `fogbank pack --image --platform {platform}`",
        )
    layout = Layout(manifest.folder / IMAGE)
    reference = parse_reference(text)
    registry = Registry(reference, logins_for(reference, os.environ, profile))
    digest = push(layout, layout.images()[platform], registry, config.state / "uploads", progress)
    attachments = _attachments(manifest.folder)
    attach(registry, registry.manifest(digest).descriptor, attachments)
    progress(f"{len(attachments)} documents attached")
    return f"{reference.host}/{reference.name}@{digest}"


def _attachments(folder: Path) -> list[Attachment]:
    """The documents of a package that go with its image."""
    from fogbank.image import Attachment
    from fogbank.trust import BOM, SIGNED, UNSIGNED

    kinds = {
        BOM: ("application/vnd.cyclonedx+json", "application/vnd.cyclonedx+json"),
        SIGNED: ("application/vnd.in-toto+json", "application/vnd.dsse.envelope.v1+json"),
        UNSIGNED: ("application/vnd.in-toto+json", "application/vnd.in-toto+json"),
    }
    return [
        Attachment(artifact_type=artifact, media_type=media, name=name, data=(folder / name).read_bytes())
        for name, (artifact, media) in kinds.items()
        if (folder / name).is_file()
    ]
