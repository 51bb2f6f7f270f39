"""Images of packages in this machine's projects, built and pushed for the provider's Image resource.

In: a package's folder and a platform; out: an image where its URI says.
"""

from __future__ import annotations

import os
from pathlib import Path

from fogbank.contracts.config import load_config
from fogbank.contracts.container import LAYOUT_SCHEME
from fogbank.contracts.manifest import load_manifest
from fogbank.project.images import IMAGE, build_images, builds, push_image, seal_package, signing_key


class PackageImages:
    """Builds and pushes images of packages in this machine's projects."""

    def content(self, package: Path, platform: str) -> str:
        """What the image is made of, as a digest. Raises FogbankError."""
        from fogbank.image import image_key

        manifest = load_manifest(package)
        return image_key(builds(load_config(package), manifest, [platform], _quiet))

    def publish(self, package: Path, platform: str, repository: str, profile: str) -> tuple[str, str]:
        """Build, seal and push. Raises FogbankError."""
        config, manifest = load_config(package), load_manifest(package)
        wanted = builds(config, manifest, [platform], _quiet)
        [image] = build_images(manifest, wanted, _quiet)
        seal_package(config, manifest, wanted, signing_key(None))
        if not repository:
            return image.digest, f"{LAYOUT_SCHEME}{manifest.folder / IMAGE}@{image.digest}"
        return image.digest, push_image(config, manifest, repository, platform, _quiet, profile)

    def exists(self, uri: str, profile: str) -> bool:
        """Whether the image is in its registry, or in its layout. Raises RegistryError."""
        from fogbank.image import Layout, Registry, logins_for, parse_reference

        if uri.startswith(LAYOUT_SCHEME):
            folder, _, digest = uri.removeprefix(LAYOUT_SCHEME).rpartition("@")
            return Layout(Path(folder)).blob(digest).is_file()
        reference = parse_reference(uri)
        registry = Registry(reference, logins_for(reference, os.environ, profile))
        return bool(registry.digest_of(reference.manifest_name))


def _quiet(_: str) -> None:
    """The engine shows the resource's own progress."""
