"""The same image under Docker's names: the same blobs, another manifest, and what has no name there is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import sha256_bytes
from fogbank.image.docker import docker_manifest
from fogbank.image.layout import CONFIG, DOCKER_MANIFEST, LAYER, MANIFEST, Descriptor, Layout, compact_json


def image(layout: Layout, *layers: str) -> Descriptor:
    config = layout.put(b"{}", CONFIG)
    blobs = [layout.put(kind.encode(), kind).document() for kind in layers]
    document = {"config": config.document(), "layers": blobs, "annotations": {"a": "b"}}
    return layout.put(compact_json(document), MANIFEST)


def test_blobs_keep_their_digests_and_get_dockers_media_types(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    manifest = image(layout, LAYER, LAYER)

    described, data = docker_manifest(layout, manifest)

    document = json.loads(data)
    assert described == Descriptor(media_type=DOCKER_MANIFEST, digest=f"sha256:{sha256_bytes(data)}", size=len(data))
    assert set(document) == {"schemaVersion", "mediaType", "config", "layers"}
    assert document["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    assert [item["digest"] for item in document["layers"]] == [
        item["digest"] for item in layout.read(manifest)["layers"]
    ]
    assert {item["mediaType"] for item in document["layers"]} == {"application/vnd.docker.image.rootfs.diff.tar.gzip"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [("application/vnd.oci.image.layer.v1.tar+zstd", "base-layer-zstd"), ("application/x-wasm", "layer-unknown")],
)
def test_a_layer_that_docker_has_no_name_for_is_refused(tmp_path: Path, kind: str, code: str) -> None:
    layout = Layout(tmp_path)

    with pytest.raises(PackageError) as caught:
        docker_manifest(layout, image(layout, LAYER, kind))
    assert caught.value.code == code
