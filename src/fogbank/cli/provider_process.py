"""`pulumi-resource-fogbank`: fogbank's own provider as the process that Pulumi's engine starts.

In: the engine's address; out: the provider's port on the first line of stdout, then answers over gRPC until the engine is gone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from fogbank.cli.compose import fogbank_version
from fogbank.cli.images import IMAGE, build_images, builds, seal_package, signing_key
from fogbank.cli.push import push_image
from fogbank.contracts.config import load_config
from fogbank.contracts.container import LAYOUT_SCHEME
from fogbank.contracts.manifest import load_manifest

POLL_S = 0.5


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
        return bool(registry.digest_of(reference.wanted))


def _quiet(_: str) -> None:
    """The engine shows the resource's own progress."""


def main() -> None:
    """Serve until the engine is gone."""
    from fogbank.provider.fogbank import FogbankProvider
    from fogbank.provider.server import ProviderServer

    server = ProviderServer(FogbankProvider(images=PackageImages(), version=fogbank_version()))
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while os.getppid() == engine:
        time.sleep(POLL_S)
    server.stop()
