"""Frames of a camera: 8-bit PGM (`P5`), which needs no library to read, to what the model takes, and back. Source: netpbm's pgm(5)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

SIDE, SHADES = 8, 16
HEADER = re.compile(rb"P5\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+(\d+)\s")
LARGEST = 4096


def from_pgm(body: bytes) -> NDArray[np.float64]:
    """Shape (1, 64), shades of 0 to 16: a frame of any size, averaged down. Raises ValueError for what is no such frame."""
    match = HEADER.match(body)
    if match is None:
        raise ValueError("the body is no binary PGM: it must begin with P5, a width, a height and the brightest value")
    width, height, brightest = (int(number) for number in match.groups())
    if not (SIDE <= width <= LARGEST and SIDE <= height <= LARGEST and 0 < brightest < 256):
        raise ValueError(
            f"a frame must be {SIDE} to {LARGEST} pixels a side, of 8 bits, not {width}x{height}, {brightest}"
        )
    pixels = np.frombuffer(body, np.uint8, offset=match.end())
    if pixels.size != width * height:
        raise ValueError(f"{width}x{height} pixels were promised, and there are {pixels.size}")
    frame = pixels.reshape(height, width) / brightest * SHADES
    rows, columns = (np.linspace(0, side, SIDE + 1).astype(int) for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(frame, rows[:-1], axis=0), columns[:-1], axis=1)
    return (sums / np.outer(np.diff(rows), np.diff(columns))).reshape(1, SIDE * SIDE)


def as_pgm(shades: NDArray[np.float64], times: int = 1) -> bytes:
    """A digit as a frame, each of its pixels `times` as wide and high."""
    frame = np.kron(shades / SHADES * 255, np.ones((times, times))).round().astype(np.uint8)
    return b"P5\n%d %d\n255\n" % (frame.shape[1], frame.shape[0]) + frame.tobytes()
