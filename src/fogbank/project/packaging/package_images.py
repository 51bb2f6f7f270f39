"""Images of packages in this machine's projects, built and pushed for the provider's Image resource.

In: a package's folder and a platform; out: an image where its URI says.
"""

from __future__ import annotations

import os
from pathlib import Path

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.container import LAYOUT_SCHEME
from fogbank.contracts.errors import PackageError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.project.packaging.bases import require_pinned
from fogbank.project.packaging.fetched import is_back, is_fetched
from fogbank.project.packaging.images import IMAGE, Recorded, build_images, builds, push_image, recorded_image
from fogbank.project.packaging.seal import is_sealed, seal_package, signing_key
from fogbank.project.workplace.config import load_config


class PackageImages:
    """The provider's `Images`. The engine shows the resource's own progress: what goes on below it is told to nobody."""

    def content(self, package: Path, platform: str, repository: str) -> str:
        """What the image is made of, as a digest. Raises FogbankError."""
        from fogbank.image import image_key

        manifest, config = load_manifest(package), load_config(package)
        if there := _promoted(config, manifest, platform):
            return there.key
        require_pinned(config, repository)
        return image_key(builds(config, manifest, [platform], _unheard))

    def publish(self, package: Path, platform: str, repository: str, profile: str) -> tuple[str, str]:
        """Build, seal and push. Raises FogbankError."""
        manifest = load_manifest(package)
        config = load_config(package)
        if there := _promoted(config, manifest, platform):
            image = there.image
        else:
            require_pinned(config, repository)
            plans = builds(config, manifest, [platform], _unheard)
            [image] = build_images(manifest, plans, _unheard)
            if not is_sealed(manifest.folder):
                seal_package(config, manifest, plans, signing_key(None))
        if not repository:
            return image.digest, f"{LAYOUT_SCHEME}{manifest.folder / IMAGE}@{image.digest}"
        return image.digest, push_image(config, manifest, repository, platform, _unheard, profile)

    def exists(self, uri: str, profile: str) -> bool:
        """Whether the image is in its registry, or in its layout. Raises RegistryError."""
        from fogbank.image import Layout, Registry, logins_for, parse_reference

        if uri.startswith(LAYOUT_SCHEME):
            folder, _, digest = uri.removeprefix(LAYOUT_SCHEME).rpartition("@")
            return Layout(Path(folder)).blob(digest).is_file()
        reference = parse_reference(uri)
        registry = Registry(reference, logins_for(reference, os.environ, profile))
        return bool(registry.digest_of(reference.manifest_name))


def _promoted(config: ProjectConfig, manifest: Manifest, platform: str) -> Recorded | None:
    """The image that came with a fetched package, or with an earlier deployment's that has one: it was built once, and its seal stays. None
    for a package of the project's own.

    Raises PackageError (`image-not-packed`).
    """
    if is_back(config):
        return recorded_image(manifest, platform)
    if not is_fetched(config):
        return None
    if image := recorded_image(manifest, platform):
        return image
    raise PackageError(
        "image-not-packed",
        f"the package was fetched, and has no image for {platform}: one that is built here would not be what was sealed",
        f"where it is built, `fogbank pack --image --platform {platform}`, and publish it again",
    )


def _unheard(_: str) -> None:
    """Progress that nobody listens to."""
