"""Layers and layouts: same content, same bytes; and what is damaged is noticed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from fogbank.contracts.dependencies import Pin, Target, WheelFile
from fogbank.contracts.errors import DigestError, PackageError
from fogbank.image.layers import PIECE, Entry, LayerStore
from fogbank.image.layout import CONFIG, LAYER, MANIFEST, Layout, compact_json
from fogbank.image.reference import parse_reference
from fogbank.image.wheels import choose_wheels, supported_tags

ARM64 = Target(platform="linux/arm64", python="3.11")
AMD64 = Target(platform="linux/amd64", python="3.11")


def test_a_layer_depends_on_its_entries_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"on disk")
    file.chmod(0o600)
    long = "/".join(["folder" * 8] * 6) + "/file"
    entries = [
        Entry(name="b/c", data=b"bytes"), Entry(name="a", data=file, mode=0o755), Entry(name="d", link="a"), Entry(name=long, data=b""),
    ]  # fmt: skip
    first = LayerStore(tmp_path / "one").add(entries)
    os.utime(file, (1, 1))
    second = LayerStore(tmp_path / "two").add(reversed(entries))

    assert first == second
    blob = LayerStore(tmp_path / "one").blob(first.digest).read_bytes()
    assert f"sha256:{hashlib.sha256(blob).hexdigest()}" == first.digest
    plain = gzip.decompress(blob)
    assert f"sha256:{hashlib.sha256(plain).hexdigest()}" == first.diff_id
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        members = {member.name: member for member in tar}
    assert {member.mtime for member in members.values()} == {member.uid for member in members.values()} == {0}
    assert (members["a"].mode, members["b/c"].mode, members["b"].mode) == (0o755, 0o644, 0o755)
    assert members["b"].isdir()
    assert members["d"].linkname == "a"
    assert long in members


def test_a_large_layer_is_compressed_in_pieces_that_every_reader_joins(tmp_path: Path) -> None:
    big = os.urandom(1000) * (PIECE // 500)
    layer = LayerStore(tmp_path).add([Entry(name="big", data=big)])

    blob = LayerStore(tmp_path).blob(layer.digest)
    with tarfile.open(blob, "r:gz") as tar:
        stream = tar.extractfile("big")
        assert stream is not None
        assert stream.read() == big


def test_a_cached_layer_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    store = LayerStore(tmp_path)
    made = store.layer("key", lambda _: [Entry(name="a", data=b"1")])
    assert store.layer("key", lambda _: pytest.fail("it is there")) == made

    blob = store.blob(made.digest)
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)

    assert store.layer("key", lambda _: [Entry(name="a", data=b"1")]) == made
    assert f"sha256:{hashlib.sha256(blob.read_bytes()).hexdigest()}" == made.digest


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


@pytest.mark.parametrize(
    ("text", "full", "address", "wanted"),
    [
        ("python", "docker.io/library/python", "registry-1.docker.io", "latest"),
        ("python:3.11-slim", "docker.io/library/python:3.11-slim", "registry-1.docker.io", "3.11-slim"),
        ("me/app:1", "docker.io/me/app:1", "registry-1.docker.io", "1"),
        ("localhost:5000/a/b_c", "localhost:5000/a/b_c", "localhost:5000", "latest"),
        (f"ghcr.io/a/b:1@sha256:{'0' * 64}", f"ghcr.io/a/b:1@sha256:{'0' * 64}", "ghcr.io", f"sha256:{'0' * 64}"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:2", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:2",
         "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "2"),
    ],
)  # fmt: skip
def test_references_as_docker_reads_them(text: str, full: str, address: str, wanted: str) -> None:
    found = parse_reference(text)

    assert (str(found), found.address, found.manifest_name) == (full, address, wanted)
    assert found.local == ("localhost" in text)


@pytest.mark.parametrize(
    "text", ["", "UPPER/case", "a b", "host.io/name:tag:tag", "name@sha256:short", "name@", "host.io/"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(PackageError) as caught:
        parse_reference(text)

    assert caught.value.code == "reference-invalid"


def wheels(*names: str) -> tuple[WheelFile, ...]:
    return tuple(WheelFile(filename=name, sha256=f"{number}" * 64) for number, name in enumerate(names))


def test_the_best_wheel_of_the_target_is_chosen_on_any_host(tmp_path: Path) -> None:
    pin = Pin(name="x", version="1", wheels=wheels(
        "x-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "x-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "x-1-cp312-cp312-manylinux_2_28_aarch64.whl",
        "x-1-cp311-cp311-musllinux_1_2_aarch64.whl", "x-1-cp311-cp311-macosx_11_0_arm64.whl", "x-1-py3-none-any.whl",
        "x-1-cp39-abi3-manylinux_2_28_aarch64.whl", "x-1-cp311-cp311-manylinux_2_39_aarch64.whl", "not a wheel",
    ))  # fmt: skip

    assert choose_wheels([pin], AMD64, tmp_path)[0].filename == "x-1-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert choose_wheels([pin], ARM64, tmp_path)[0].sha256 == "2" * 64
    assert str(supported_tags(ARM64)[0]) == "cp311-cp311-manylinux_2_28_aarch64"


def test_a_distribution_without_a_wheel_for_the_target_is_named_with_those_it_has(tmp_path: Path) -> None:
    pin = Pin(name="x", version="1", wheels=wheels("x-1-cp311-cp311-manylinux_2_28_x86_64.whl"))

    with pytest.raises(
        PackageError, match=r"x==1 has no wheel for linux/arm64 and Python 3.11 .*manylinux_2_28_x86_64"
    ) as caught:
        choose_wheels([pin], ARM64, tmp_path)

    assert caught.value.code == "wheel-missing"
