"""Invocations that were counted and are not summed up yet: records in a file that is mapped into memory.

In: a record, written without a call of the system; out: all of them, after a `kill -9` too, whose file the next process finds. A file is
numbered, so that what was summed up once is not summed up again.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

COUNT = struct.Struct("=q")
RECORD = struct.Struct("=qiiidd")
ROOM = 1 << 15
"""Records of a file: 1.3 MB."""
SUFFIX = ".tail"


Record = tuple[int, int, int, int, float, float]
"""One invocation: the cloud's second since 1970, the variant's number, the container's status (0 where it did not answer), how many
instances there were, and the microseconds of the model and of all else."""


class Tail:
    """One file, for one writer at a time. Raises OSError where there is no room for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        size = COUNT.size + ROOM * RECORD.size
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)  # a full disk says so now; later it would end the process
            self._map = mmap.mmap(descriptor, size)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        self._count, self._at = 0, COUNT.size

    def __len__(self) -> int:
        return self._count

    def add(self, second: int, variant: int, status: int, instances: int, model_us: float, overhead_us: float) -> None:
        """One record more; there is room as long as there are fewer than ROOM. It is there when this returns."""
        RECORD.pack_into(self._map, self._at, second, variant, status, instances, model_us, overhead_us)
        self._at += RECORD.size
        self._count += 1
        COUNT.pack_into(self._map, 0, self._count)

    def close(self) -> None:
        """Nothing is added any more; the file stays."""
        self._map.close()


def records(path: Path) -> Iterator[Record]:
    """What a file holds; nothing where it is cut short. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(COUNT.size)
        count = min(COUNT.unpack(head)[0], ROOM) if len(head) == COUNT.size else 0
        body = file.read(count * RECORD.size)
    whole = len(body) // RECORD.size * RECORD.size
    return RECORD.iter_unpack(body[:whole])
