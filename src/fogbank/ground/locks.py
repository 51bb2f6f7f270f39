"""One process at a time: a lock on a file, which the system takes away from a process that ends, however it ends.

In: a path; out: a held `flock`. Those who wait, wait in the kernel.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock of `file`, which is made; waits for whoever has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def take(stream: IO[str], patience_s: float = 0.5) -> bool:
    """Take the lock of an open file; False where another process holds it for longer than `patience_s`.

    A lock that is held for a moment is somebody's look at it (`is_locked`).
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        else:
            return True


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock of `file` right now."""
    try:
        with file.open("r") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
