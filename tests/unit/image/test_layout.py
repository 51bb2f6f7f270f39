"""OCI layouts on disk: platforms by name, and no bytes under a digest that is not their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fogbank.contracts.errors import DigestError, PackageError
from fogbank.image.layers import Entry, LayerStore
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, Layout, compact_json, descriptor


def test_a_layout_names_its_platforms_and_refuses_bytes_that_are_not_its_own(tmp_path: Path) -> None:
    store, layout = LayerStore(tmp_path / "store"), Layout(tmp_path / "layout")
    layer = store.add([Entry(name="a", data=b"1")])
    layout.copy(store.blob(layer.digest), layer.digest)
    config = layout.put(compact_json({"os": "linux", "architecture": "arm64"}), CONFIG)
    manifest = layout.put(compact_json({"config": config.document(), "layers": [{"mediaType": LAYER}]}), MANIFEST)
    layout.write_index({"linux/arm64": manifest}, "churn")

    assert Layout(tmp_path / "layout").images() == {"linux/arm64": manifest}
    assert json.loads((tmp_path / "layout/oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    layout.blob(manifest.digest).write_bytes(b"{}")
    with pytest.raises(DigestError):
        layout.read(manifest)
    store.blob(layer.digest).write_bytes(b"damaged")
    with pytest.raises(DigestError):
        Layout(tmp_path / "other").copy(store.blob(layer.digest), layer.digest)
    assert not Layout(tmp_path / "other").blob(layer.digest).exists()
    (tmp_path / "layout/index.json").write_text("[]")
    with pytest.raises(PackageError, match="not an OCI image layout"):
        layout.images()


def test_dockers_names_of_the_same_bytes_become_ocis() -> None:
    digest = "sha256:" + "a" * 64
    found = descriptor(
        {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest, "size": 7, "urls": []}
    )

    assert found.document() == {"mediaType": LAYER, "digest": digest, "size": 7}


def test_an_index_without_platforms_gets_them_from_the_configurations(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    config = layout.put(compact_json({"os": "linux", "architecture": "arm64"}), CONFIG)
    manifest = layout.put(compact_json({"config": config.document(), "layers": []}), MANIFEST)
    (tmp_path / "index.json").write_bytes(compact_json({"manifests": [manifest.document()]}))

    assert layout.images() == {"linux/arm64": manifest}
