"""An image under Docker's names (image manifest version 2, schema 2): what SageMaker takes. The same blobs, another manifest.

In: an OCI image of a layout; out: the bytes of a manifest, which has a digest of its own. The layout stays OCI.
Source: distribution's "Image Manifest Version 2, Schema 2"; that SageMaker refuses OCI's media types: mlflow/mlflow#13834,
aws/amazon-sagemaker-feedback#180.
"""

from __future__ import annotations

from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import sha256_bytes
from fogbank.image.layout import AS_OCI, DOCKER_MANIFEST, Descriptor, Layout, compact_json, descriptor

DOCKER_NAMES = {oci: docker for docker, oci in AS_OCI.items()}


def docker_manifest(layout: Layout, image: Descriptor) -> tuple[Descriptor, bytes]:
    """The image's manifest under Docker's names, and what names it. Raises PackageError (`base-layer-zstd`), DigestError.

    Annotations have no place in it; the configuration's labels say the same.
    """
    document = layout.read(image)
    data = compact_json(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": _named(descriptor(document["config"])).document(),
            "layers": [_named(descriptor(item)).document() for item in document["layers"]],
        }
    )
    return Descriptor(media_type=DOCKER_MANIFEST, digest=f"sha256:{sha256_bytes(data)}", size=len(data)), data


def _named(blob: Descriptor) -> Descriptor:
    if blob.media_type not in DOCKER_NAMES:
        raise PackageError(
            "base-layer-zstd" if "zstd" in blob.media_type else "layer-unknown",
            f"the layer {blob.digest[:19]} is {blob.media_type}, and Docker's manifest, which SageMaker wants, has no name for it",
            "choose a base whose layers are gzip, such as python:3.11-slim, or make one with `fogbank base`",
        )
    return Descriptor(media_type=DOCKER_NAMES[blob.media_type], digest=blob.digest, size=blob.size)
