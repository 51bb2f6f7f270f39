"""Cyclic redundancy checks against the standard library's and published ones."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.cloud.objects.crc import CRC32, CRC32C, CRC64NVME, SIDE_BY_SIDE, Crc

CHECK = b"123456789"


def test_published_check_values() -> None:
    assert [crc.update(0, CHECK) for crc in (CRC32, CRC32C, CRC64NVME)] == [0xCBF43926, 0xE3069283, 0xAE8B14860A799888]


@pytest.mark.parametrize("crc", [CRC32, CRC32C, CRC64NVME])
def test_lanes_and_parts_make_the_same_as_a_loop(crc: Crc) -> None:
    data = bytes(range(251)) * 300
    loop = 0
    for start in range(0, len(data), 1000):
        loop = crc.update(loop, data[start : start + 1000])

    assert len(data) > 2 * SIDE_BY_SIDE
    assert crc.update(0, data) == loop
    assert crc.update(crc.update(0, data[:77]), data[77:]) == loop


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_the_check_of_a_whole_from_those_of_its_parts(first: bytes, second: bytes) -> None:
    assert CRC32.combined(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)
    one, two = (CRC64NVME.update(0, part) for part in (first, second))
    assert CRC64NVME.combined(one, two, len(second)) == CRC64NVME.update(0, first + second)
