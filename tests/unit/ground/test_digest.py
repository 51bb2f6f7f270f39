"""Digests: those of the standard's examples, of files larger than a piece, and of documents whatever the order of their keys."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fogbank.ground.digest import CHUNK, canonical_json, sha256_bytes, sha256_file


def test_the_standards_own_examples() -> None:
    """FIPS 180-4's test vectors."""
    assert sha256_bytes(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_a_file_has_the_digest_of_all_its_bytes(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "f").write_bytes(data[:size])

    assert sha256_file(tmp_path / "f") == hashlib.sha256(data[:size]).hexdigest()


def test_the_same_document_is_the_same_bytes() -> None:
    one = canonical_json({"b": [1, 2.5], "a": {"ü": None}})

    assert one == canonical_json({"a": {"ü": None}, "b": [1, 2.5]})
    assert one == '{\n  "a": {\n    "ü": null\n  },\n  "b": [\n    1,\n    2.5\n  ]\n}\n'.encode()
    assert one != canonical_json({"a": {"ü": None}, "b": [2.5, 1]})
