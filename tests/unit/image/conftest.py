"""A base and a package of a few bytes, and what is built of them: no engine, no wheels, no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.contracts.dependencies import Target
from fogbank.contracts.manifest import INNER_NAME, Column, Manifest, PackageManifest, Schema
from fogbank.ground.digest import sha256_bytes, sha256_file
from fogbank.image.base import open_base
from fogbank.image.build import Build
from fogbank.image.layers import Entry, LayerStore
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, Descriptor, Layout, compact_json
from fogbank.pack.archive import write_archive

TARGET = Target(platform="linux/amd64", python="3.11")
DEBIAN = (
    Entry(name="usr/bin/python3.11", data=b"\x7fELF", mode=0o755),
    Entry(name="usr/lib/x86_64-linux-gnu/libc.so.6", data=b"\x7fELF"),
    Entry(
        name="var/lib/dpkg/status",
        data=b"Package: libc6\nVersion: 2.36-9\nDescription: C\n  more\n\nPackage: python3.11\nVersion: 3.11.2-6\n",
    ),
)
MakeLayout = Callable[..., Layout]


@pytest.fixture
def make_layout(tmp_path: Path) -> MakeLayout:
    """A layout with one image, each of whose layers is a sequence of entries."""

    def made(*layers: tuple[Entry, ...], platform: str = "linux/amd64", env: tuple[str, ...] = ()) -> Layout:
        layout, store = Layout(tmp_path / "base"), LayerStore(tmp_path / "base-store")
        blobs = [store.add(entries) for entries in layers]
        for blob in blobs:
            layout.copy(store.blob(blob.digest), blob.digest)
        system, _, architecture = platform.partition("/")
        config = {"os": system, "architecture": architecture, "config": {"Env": list(env)},
                  "rootfs": {"type": "layers", "diff_ids": [blob.diff_id for blob in blobs]}}  # fmt: skip
        described = layout.put(compact_json(config), CONFIG)
        own = [Descriptor(media_type=LAYER, digest=blob.digest, size=blob.size).document() for blob in blobs]
        manifest = {"config": described.document(), "layers": own}
        layout.write_index({platform: layout.put(compact_json(manifest), MANIFEST)}, "base")
        return layout

    return made


@pytest.fixture
def build(make_layout: MakeLayout, tmp_path: Path) -> Build:
    """A package with one module, on a base of three files, without wheels."""
    base = open_base(make_layout(DEBIAN, env=("PATH=/usr/bin", "TZ=UTC")), "base", TARGET, tmp_path / "cache")
    return Build(package=package(tmp_path / "package"), base=base, target=TARGET, wheels=())


def package(folder: Path) -> Manifest:
    """A package folder with its archive."""
    folder.mkdir()
    files = {"model.joblib": b"model", "code/inference.py": b"def model_fn(d): ...\n"}
    schema = Schema(columns=(Column(name="a"),))
    inner = PackageManifest(
        name="churn", model_file="model.joblib", handler="inference.py", python="3.11", requirements=(), input=schema,
        output=schema, metrics={}, files={name: sha256_bytes(data) for name, data in files.items()},
    )  # fmt: skip
    with (folder / "model.tar.gz").open("wb") as out:
        write_archive(out, {**files, INNER_NAME: inner.encode()})
    return Manifest(
        artifact="model.tar.gz", artifact_sha256=sha256_file(folder / "model.tar.gz"), package=inner, folder=folder,
        package_sha256=sha256_bytes(inner.encode()), statistics_sha256="0" * 64, constraints_sha256="0" * 64,
    )  # fmt: skip
