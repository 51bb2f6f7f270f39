"""What belongs to an image, attached to it in its registry: OCI referrers (image-spec v1.1, "subject"; distribution-spec v1.1, "Listing
Referrers").

In: an image's descriptor and documents; out: artifacts whose subject it is. A registry that does not keep the list itself has it under a tag
of the image's digest, as the specification says for those.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.contracts.errors import RegistryError
from fogbank.ground.digest import sha256_bytes
from fogbank.image.layout import INDEX, MANIFEST, Descriptor, compact_json
from fogbank.image.registry import Registry, malformed

NOTHING = b"{}"
EMPTY = Descriptor(
    media_type="application/vnd.oci.empty.v1+json", digest=f"sha256:{sha256_bytes(NOTHING)}", size=len(NOTHING)
)
"""The configuration of what has none."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A document: what kind of artifact it is, the media type of its bytes, the name of its file."""

    artifact_type: str
    media_type: str
    name: str
    data: bytes


def attach(registry: Registry, subject: Descriptor, attachments: Sequence[Attachment]) -> tuple[str, ...]:
    """Attach documents to an image that is there; the digests of the artifacts. Same documents, same artifacts. Raises RegistryError."""
    told, digests = True, []
    descriptors = []
    for attachment in attachments:
        blob = _blob(attachment.data, attachment.media_type)
        registry.put_blob(NOTHING, EMPTY.digest)
        registry.put_blob(attachment.data, blob.digest)
        manifest = compact_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": attachment.artifact_type,
                "config": EMPTY.document(),
                "layers": [{**blob.document(), "annotations": {"org.opencontainers.image.title": attachment.name}}],
                "subject": subject.document(),
            }
        )
        own = _blob(manifest, MANIFEST)
        told = registry.put_manifest(own.digest, manifest, MANIFEST) and told
        descriptors.append({**own.document(), "artifactType": attachment.artifact_type})
        digests.append(own.digest)
    if not told and descriptors:
        _write_list(registry, subject, descriptors)
    return tuple(digests)


def _write_list(registry: Registry, subject: Descriptor, descriptors: Sequence[dict[str, Any]]) -> None:
    """The list of what refers to an image, under its tag, with these in it."""
    tag = subject.digest.replace(":", "-")
    known: list[dict[str, Any]] = []
    try:
        known = json.loads(registry.manifest(tag).data)["manifests"]
    except RegistryError as error:
        if error.code != "image-missing":
            raise
    except (ValueError, KeyError, TypeError) as error:
        raise malformed(registry.reference, repr(error)) from error
    there = {item.get("digest") for item in known}
    fresh = [item for item in descriptors if item["digest"] not in there]
    if fresh:
        registry.put_manifest(
            tag, compact_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [*known, *fresh]}), INDEX
        )


def _blob(data: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type=media_type, digest=f"sha256:{sha256_bytes(data)}", size=len(data))
