"""S3's checksums of a body while it is read, and those of a multipart object from its parts'.

In: chunks; out: the digests, base64 as S3 writes them. MD5 and SHA-256 are always taken: they are the ETag and the file's name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from awscrt import checksums as crt

PREFIX = "x-amz-checksum-"
COMPOSITE, FULL_OBJECT = "COMPOSITE", "FULL_OBJECT"
DEFAULT = "CRC64NVME"
"""What S3 takes of an object whose client takes none (User Guide, Checking object integrity)."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Crc:
    """A cyclic redundancy check of `width` bits: `update(bytes, check so far)`, and the check of two runs from those of each and the
    second's length."""

    width: int
    update: Callable[[bytes, int], int]
    combined: Callable[[int, int, int], int]


class _CrcHash:
    """A CRC in hashlib's form."""

    def __init__(self, crc: Crc) -> None:
        self._crc, self._value = crc, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._crc.update(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._crc.width // 8, "big")


class _XxHash:
    """An xxHash in hashlib's form: its canonical form is big-endian."""

    def __init__(self, hash_: crt.XXHash) -> None:
        self._hash = hash_

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return bytes(self._hash.finalize())


CRCS: Mapping[str, Crc] = {
    "CRC32": Crc(32, crt.crc32, crt.combine_crc32),
    "CRC32C": Crc(32, crt.crc32c, crt.combine_crc32c),
    DEFAULT: Crc(64, crt.crc64nvme, crt.combine_crc64nvme),
}
XXHASHES: Mapping[str, Callable[[], crt.XXHash]] = {
    "XXHASH64": crt.XXHash.new_xxhash64,
    "XXHASH3": crt.XXHash.new_xxhash3_64,
    "XXHASH128": crt.XXHash.new_xxhash3_128,
}
ALGORITHMS = (*CRCS, "SHA1", "SHA256", "SHA512", "MD5", *XXHASHES)


def _hash(algorithm: str) -> _Hash:
    if algorithm in CRCS:
        return _CrcHash(CRCS[algorithm])
    if algorithm in XXHASHES:
        return _XxHash(XXHASHES[algorithm]())
    return hashlib.new(algorithm.lower(), usedforsecurity=False)


@dataclass(frozen=True, kw_only=True)
class Digests:
    """What a body is known by: `md5` and `sha256` in hex, `checksums` by algorithm in base64."""

    size: int
    md5: str
    sha256: str
    checksums: Mapping[str, str] = field(default_factory=dict)


def digest(parts: Iterable[bytes], algorithms: Iterable[str] = ()) -> Digests:
    """The digests of a body. Raises KeyError or ValueError for an algorithm that S3 does not have."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    extra = {name: _hash(name) for name in algorithms}
    size = 0
    for part in parts:
        size += len(part)
        for each in (md5, sha256, *extra.values()):
            each.update(part)
    checksums = {name: base64.b64encode(each.digest()).decode() for name, each in extra.items()}
    return Digests(size=size, md5=md5.hexdigest(), sha256=sha256.hexdigest(), checksums=checksums)


def of_parts(algorithm: str, kind: str, parts: Sequence[tuple[int, str]]) -> str:
    """The checksum of a multipart object from the (size, checksum) of its parts: of their checksums, or of all their bytes."""
    raw = [base64.b64decode(value) for _, value in parts]
    if kind == COMPOSITE:
        whole = _hash(algorithm)
        whole.update(b"".join(raw))
        return f"{base64.b64encode(whole.digest()).decode()}-{len(parts)}"
    crc, total = CRCS[algorithm], 0
    for (size, _), value in zip(parts, raw, strict=True):
        total = crc.combined(total, int.from_bytes(value, "big"), size)
    return base64.b64encode(total.to_bytes(crc.width // 8, "big")).decode()
