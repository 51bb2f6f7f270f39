"""A folder's files as one artifact of a registry (image-spec v1.1, "Guidelines for Artifact Usage"): each file a blob, and a manifest
that names them.

In: a folder, or a manifest's bytes; out: an `Artifact`. Same files, same digest, wherever they are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import folder_digests, sha256_bytes
from fogbank.ground.paths import inside, relative_name
from fogbank.image.layout import MANIFEST, Descriptor, compact_json, descriptor
from fogbank.image.referrers import EMPTY

PACKAGE = "application/vnd.fogbank.package.v1"
FILE = "application/vnd.fogbank.package.file.v1"
TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """The files of a folder, by their names in it, and the manifest that names them."""

    data: bytes
    files: Mapping[str, Descriptor]

    @property
    def digest(self) -> str:
        """What names it: the manifest's digest."""
        return f"sha256:{sha256_bytes(self.data)}"


def artifact_of(folder: Path) -> Artifact:
    """A folder as it is now. Raises PackageError (`file-empty`)."""
    files = {
        name: Descriptor(media_type=FILE, digest=f"sha256:{digest}", size=inside(folder, name).stat().st_size)
        for name, digest in folder_digests(folder).items()
    }
    empty = [name for name, item in files.items() if not item.size]
    if empty:  # ECR takes no upload without a part (CompleteLayerUpload: EmptyUploadException)
        raise PackageError(
            "file-empty", f"{', '.join(empty)} holds nothing, and registries take no such blob", "pack again"
        )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": PACKAGE,
        "config": EMPTY.document(),
        "layers": [{**item.document(), "annotations": {TITLE: name}} for name, item in files.items()],
    }
    return Artifact(data=compact_json(manifest), files=files)


def read_artifact(data: bytes) -> Artifact:
    """An artifact from its manifest. Raises PackageError (`publication-malformed`): its names are to become paths."""
    try:
        document = json.loads(data)
        layers = [(str(relative_name(item["annotations"][TITLE])), descriptor(item)) for item in document["layers"]]
        artifact, kind = Artifact(data=data, files=dict(layers)), document["artifactType"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed(repr(error)) from error
    if kind != PACKAGE:
        raise _malformed(f"it is {kind!r}")
    if len(artifact.files) != len(layers):
        raise _malformed("a file is named twice")
    return artifact


def _malformed(reason: str) -> PackageError:
    return PackageError(
        "publication-malformed",
        f"what lies there is no package of fogbank: {reason}",
        "give what `fogbank publish` printed",
    )
