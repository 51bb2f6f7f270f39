"""Bytes of files by their places: read without a position of the file's own, so that several may read one at the same time."""

from __future__ import annotations

import os


def read_at(descriptor: int, start: int, size: int) -> bytes:
    """`size` bytes of an open file from byte `start` on. Raises OSError where it has not so many."""
    body = os.pread(descriptor, size, start)
    if len(body) == size:
        return body
    parts, left = [body], size - len(body)
    while left:
        part = os.pread(descriptor, left, start + size - left)
        if not part:
            raise OSError(f"the file ends {left} bytes too early")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
