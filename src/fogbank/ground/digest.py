"""Digests name bytes. In: a file or bytes; out: lower-case hex SHA-256."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

CHUNK = 1 << 20
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""A digest as registries and OCI layouts write it: what does not match it is no part of a path."""


def blob_path(layout: Path, digest: str) -> Path:
    """Where an OCI layout has the blob of a digest. Raises ValueError for what is no digest."""
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is not a digest")
    return layout / "blobs" / digest.replace(":", "/")


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in 1 MiB pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def canonical_json(document: object) -> bytes:
    """JSON with sorted keys, two-space indent and a final newline: same document, same bytes."""
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def folder_digests(folder: Path) -> dict[str, str]:
    """The files below a folder: path in it to hex SHA-256, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {str(path.relative_to(folder)): sha256_file(path) for path in files}
