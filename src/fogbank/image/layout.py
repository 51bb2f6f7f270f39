"""An OCI image layout on disk (image-spec v1.1, image-layout.md): `oci-layout`, `index.json` and blobs by digest.

In: manifests, configurations and layers; out: a folder that skopeo, podman, buildah and a registry client read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import DigestError, PackageError
from fogbank.ground.digest import DIGEST, blob_path, sha256_bytes, sha256_file
from fogbank.ground.folders import write_whole
from fogbank.image.layers import copy_checked

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
AS_OCI = {
    "application/vnd.docker.container.image.v1+json": CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}
"""Docker's names of the same bytes."""
NAME_ANNOTATION = "org.opencontainers.image.ref.name"

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """What names a blob: its media type, its digest (`sha256:<hex>`) and its size in bytes."""

    media_type: str
    digest: str
    size: int

    def document(self) -> Document:
        """As a manifest has it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def descriptor(document: Mapping[str, Any]) -> Descriptor:
    """A descriptor from its JSON form; Docker's media types become OCI's. Raises KeyError, ValueError, TypeError."""
    kind, digest, size = str(document["mediaType"]), str(document["digest"]), int(document["size"])
    if not DIGEST.fullmatch(digest) or size < 0:
        raise ValueError(f"{digest!r} with the size {size} does not name a blob")
    return Descriptor(media_type=AS_OCI.get(kind, kind), digest=digest, size=size)


def compact_json(document: object) -> bytes:
    """JSON with sorted keys and no spaces: same document, same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Layout:
    """The layout in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, digest: str) -> Path:
        """Where the blob of that digest lies, or would. Raises ValueError for what is no digest: it is to become a path."""
        return blob_path(self.folder, digest)

    def put(self, data: bytes, media_type: str) -> Descriptor:
        """Write a blob."""
        digest = f"sha256:{sha256_bytes(data)}"
        write_whole(self.blob(digest), data)
        return Descriptor(media_type=media_type, digest=digest, size=len(data))

    def copy(self, source: Path, digest: str) -> None:
        """Copy a blob in. Raises DigestError where it is not what its name says."""
        if not self.blob(digest).is_file() and not copy_checked(source, self.blob(digest), digest):
            raise DigestError(source.name, digest, f"sha256:{sha256_file(source)}")

    def write_index(self, images: Mapping[str, Descriptor], name: str) -> None:
        """Write `index.json` and `oci-layout`: one manifest for each platform, such as `linux/amd64`."""
        manifests = [
            {
                **manifest.document(),
                "platform": platform_document(platform),
                "annotations": {NAME_ANNOTATION: f"{name}-{platform.partition('/')[2]}"},
            }
            for platform, manifest in sorted(images.items())
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        write_whole(self.folder / "index.json", compact_json(index))
        write_whole(self.folder / "oci-layout", compact_json({"imageLayoutVersion": "1.0.0"}))

    def images(self) -> dict[str, Descriptor]:
        """Platform to manifest. Raises PackageError (`layout-unreadable`)."""
        try:
            index = json.loads((self.folder / "index.json").read_bytes())
            images = {}
            for item in index["manifests"]:
                platform = item.get("platform") or self._platform(descriptor(item))
                images[f"{platform['os']}/{platform['architecture']}"] = descriptor(item)
            return images
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackageError(
                "layout-unreadable", f"{self.folder} is not an OCI image layout: {error!r}", "pack the image again"
            ) from error

    def _platform(self, manifest: Descriptor) -> Document:
        return self.read(descriptor(self.read(manifest)["config"]))

    def read(self, of: Descriptor) -> Document:
        """A manifest or a configuration, its bytes checked. Raises DigestError."""
        return read_document(self.blob(of.digest), of.digest)


def read_document(path: Path, digest: str) -> Document:
    """A JSON blob, its bytes checked. Raises DigestError."""
    data = path.read_bytes() if path.is_file() else b""
    if f"sha256:{sha256_bytes(data)}" != digest:
        raise DigestError(path.name, digest, f"sha256:{sha256_bytes(data)}" if data else "no such file")
    document: Document = json.loads(data)
    return document


def platform_document(platform: str) -> Document:
    """`linux/arm64` as OCI's platform object."""
    system, _, architecture = platform.partition("/")
    return {"os": system, "architecture": architecture}
