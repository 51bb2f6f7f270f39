"""Cyclic redundancy checks that the standard library lacks, and how those of parts become that of the whole.

In: bytes; out: a number. Long runs are cut into lanes that numpy takes side by side: a remainder is linear, so the lanes' remainders are
shifted over one another at the end.
"""

from __future__ import annotations

from functools import lru_cache

LANE = 1024
"""Bytes of one lane."""
SIDE_BY_SIDE = 32 * LANE
"""Bytes from which lanes are faster than a loop."""


class Crc:
    """A reflected CRC of `width` bits whose register begins with ones and ends inverted."""

    def __init__(self, width: int, polynomial: int) -> None:
        self.width, self.polynomial = width, polynomial
        self.ones = (1 << width) - 1
        self._table = [self._remainder(byte) for byte in range(256)]

    def _remainder(self, value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (self.polynomial if value & 1 else 0)
        return value

    def update(self, crc: int, data: bytes) -> int:
        """The check of what `crc` is the check of (0: nothing), and of `data` behind it."""
        register = crc ^ self.ones
        lanes = len(data) // LANE if len(data) >= SIDE_BY_SIDE else 0
        if lanes:
            register = self._side_by_side(register, data, lanes)
        table = self._table
        for byte in memoryview(data)[lanes * LANE :]:
            register = table[(register ^ byte) & 255] ^ register >> 8
        return register ^ self.ones

    def _side_by_side(self, register: int, data: bytes, lanes: int) -> int:
        import numpy as np

        table = np.array(self._table, dtype=np.uint64)
        columns = np.frombuffer(data, dtype=np.uint8, count=lanes * LANE).reshape(lanes, LANE).T.astype(np.uint64)
        state = np.zeros(lanes, dtype=np.uint64)
        low, eight = np.uint64(255), np.uint64(8)
        for column in columns:
            state = table[(state ^ column) & low] ^ (state >> eight)
        shift = self._byte_tables(LANE)
        for remainder in state.tolist():
            register = _apply(shift, register) ^ remainder
        return register

    def combined(self, first: int, second: int, size: int) -> int:
        """The check of two runs, the second `size` bytes long, from the check of each."""
        return _apply(self._byte_tables(size), first) ^ second

    @lru_cache(maxsize=64)  # noqa: B019 - there are two of this class, made once
    def _byte_tables(self, size: int) -> tuple[tuple[int, ...], ...]:
        """What `size` zero bytes behind it make of a register, looked up byte by byte."""
        columns = self._zeros(size)
        return tuple(
            tuple(_product(columns, byte << 8 * place) for byte in range(256)) for place in range(self.width // 8)
        )

    def _zeros(self, size: int) -> list[int]:
        """The operator of `size` zero bytes: what becomes of each bit of the register."""
        square = [self._remainder(1 << bit) if bit < 8 else 1 << bit - 8 for bit in range(self.width)]
        operator = [1 << bit for bit in range(self.width)]
        while size:
            if size & 1:
                operator = [_product(square, column) for column in operator]
            square = [_product(square, column) for column in square]
            size >>= 1
        return operator


def _product(columns: list[int], vector: int) -> int:
    total, bit = 0, 0
    while vector:
        if vector & 1:
            total ^= columns[bit]
        vector >>= 1
        bit += 1
    return total


def _apply(tables: tuple[tuple[int, ...], ...], register: int) -> int:
    total = 0
    for table in tables:
        total ^= table[register & 255]
        register >>= 8
    return total


CRC32 = Crc(32, 0xEDB88320)
CRC32C = Crc(32, 0x82F63B78)
CRC64NVME = Crc(64, 0x9A6C9329AC4BC9B5)
