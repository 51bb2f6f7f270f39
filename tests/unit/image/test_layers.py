"""Layers: same content, same bytes; what is damaged is noticed and made again."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fogbank.image.layers import PIECE, Entry, LayerStore, copy_checked


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
    big = os.urandom(1000) * (PIECE // 1000 + 100)
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


def test_what_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    def entries() -> Iterator[Entry]:
        yield Entry(name="a", data=b"1")
        raise ValueError("the second entry")

    with pytest.raises(ValueError, match="the second entry"):
        LayerStore(tmp_path / "store").add(entries())

    assert list((tmp_path / "store").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_a_copy_that_is_not_what_its_name_says_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"1")
    digest = f"sha256:{hashlib.sha256(b'1').hexdigest()}"

    assert copy_checked(tmp_path / "source", tmp_path / "deep" / "copy", digest)
    assert not copy_checked(tmp_path / "source", tmp_path / "other", digest.replace("6b", "00"))
    assert not (tmp_path / "other").exists()
