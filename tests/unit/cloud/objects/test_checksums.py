"""S3's checksums against published values, and those of parts against the whole's."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.objects.checksums import ALGORITHMS, COMPOSITE, CRCS, FULL_OBJECT, digest, of_parts
from tests.drawn import at_most

CHECK = b"123456789"
PUBLISHED = {
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "SHA1": hashlib.sha1(CHECK, usedforsecurity=False).hexdigest(),
    "SHA256": hashlib.sha256(CHECK).hexdigest(),
    "SHA512": hashlib.sha512(CHECK).hexdigest(),
    "MD5": "25f9e794323b453885f5181f1b624d0b",
    "XXHASH64": "8cb841db40e6ae83",
}
"""Of the digits: the catalogue of parametrised CRC algorithms, RFC 1321's kind, xxHash's own test vectors."""


@pytest.mark.parametrize("algorithm", PUBLISHED)
def test_published_check_values(algorithm: str) -> None:
    assert base64.b64decode(digest([CHECK], [algorithm]).checksums[algorithm]).hex() == PUBLISHED[algorithm]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pieces_make_the_same_as_the_whole(algorithm: str) -> None:
    data = bytes(range(251)) * 300

    pieces = digest((data[start : start + 1000] for start in range(0, len(data), 1000)), [algorithm])

    assert pieces == digest([data], [algorithm])
    assert pieces.size == len(data)


@at_most(30)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.sampled_from(sorted(CRCS)))
def test_the_check_of_a_whole_from_those_of_its_parts(parts: list[bytes], algorithm: str) -> None:
    each = [(len(part), digest([part], [algorithm]).checksums[algorithm]) for part in parts]

    assert of_parts(algorithm, FULL_OBJECT, each) == digest([b"".join(parts)], [algorithm]).checksums[algorithm]


def test_a_composite_is_the_check_of_the_parts_checks() -> None:
    parts = [b"one", b"two"]
    each = [(3, digest([part], ["CRC32"]).checksums["CRC32"]) for part in parts]

    raw = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts)
    assert of_parts("CRC32", COMPOSITE, each) == base64.b64encode(zlib.crc32(raw).to_bytes(4, "big")).decode() + "-2"
