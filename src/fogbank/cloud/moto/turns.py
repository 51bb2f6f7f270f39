"""Turns at moto: many requests that read, or one that writes.

moto draws every identifier from one random generator, a request's own id among them. A write seeds it, so that a replay draws the
same identifiers; a read that drew in between would give the write others than its replay.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A readers-writer lock. Who waits to write goes before readers that come later; `waiting` is how many do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._written = threading.Condition()
        self._reading, self._writing, self.waiting = 0, False, 0

    @contextmanager
    def read(self) -> Iterator[None]:
        """Read, beside others that read."""
        with self._changed:
            self._changed.wait_for(lambda: not self._writing and not self.waiting)
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Write, alone."""
        with self._changed:
            self.waiting += 1
            self._changed.wait_for(lambda: not self._writing and not self._reading)
            self.waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
            with self._written:
                self._written.notify_all()

    def wait_for_write(self, limit_s: float) -> None:
        """Return when somebody has written, or after the limit; who waits has no turn."""
        with self._written:
            self._written.wait(limit_s)
