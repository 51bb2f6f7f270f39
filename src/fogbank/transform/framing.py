"""Where records of RecordIO and TFRecord end. Their frames stay around them: what a model of such a content type reads has them.

Sources: MXNet's recordio.h (dmlc-core); TensorFlow's guide "TFRecord and tf.train.Example". Of a TFRecord's two checksums that of its
length is looked at, which says whether the object is one at all; that of its data is left to the model.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

MAGIC = 0xCED7230A
WHOLE, BEGIN, MIDDLE, END = range(4)
_LENGTH = (1 << 29) - 1
_HEADER, _FRAME = 8, 16
"""Bytes of RecordIO's header, and of all that a TFRecord has around its data."""
_DELTA = 0xA282EAD8


class FrameError(Exception):
    """Bytes that are not framed so."""


def recordio(buffer: bytes, at: int) -> int:
    """Where the record at `at` ends; what is beyond the buffer may be a guess that is too small. Raises FrameError."""
    begun = False
    while True:
        if at + _HEADER > len(buffer):
            return at + _HEADER
        magic, word = struct.unpack_from("<II", buffer, at)
        part = word >> 29
        if magic != MAGIC or part > END or begun != (part in (MIDDLE, END)):
            raise FrameError("it is not RecordIO")
        at += _HEADER + ((word & _LENGTH) + 3) // 4 * 4
        if part in (WHOLE, END) or at > len(buffer):
            return at
        begun = True


def tfrecord(buffer: bytes, at: int) -> int:
    """Where the record at `at` ends; what is beyond the buffer may be a guess that is too small. Raises FrameError."""
    if at + 12 > len(buffer):
        return at + 12
    length, check = struct.unpack_from("<QI", buffer, at)
    if masked_crc(buffer[at : at + 8]) != check:
        raise FrameError("it is not TFRecord: the checksum of a length is wrong")
    return at + _FRAME + int(length)


FRAMES: Mapping[str, Callable[[bytes, int], int]] = {"RecordIO": recordio, "TFRecord": tfrecord}
"""By SplitType."""


def _table() -> tuple[int, ...]:
    made = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        made.append(byte)
    return tuple(made)


_CRC32C = _table()


def masked_crc(data: bytes) -> int:
    """TFRecord's checksum: CRC-32C, turned and added to."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFFFFFF
