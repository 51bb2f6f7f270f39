"""A store on a disk that is full for some writes."""

from __future__ import annotations

import sqlite3
from typing import Any

from fogbank.cloud.ground.store import Document, EventRow, Store

EVERY = range(1 << 60)
"""Every write."""


class FullStore(Store):
    """Counts its writes; those of the numbers in `full` fail as SQLite lets them fail."""

    writes, full = 0, range(0)

    def put(self, kind: str, region: str, name: str, body: Document) -> None:
        """Write a document, or fail."""
        self._write()
        super().put(kind, region, name, body)

    def update(self, kind: str, region: str, name: str, **changes: Any) -> Document | None:
        """Change one, or fail."""
        self._write()
        return super().update(kind, region, name, **changes)

    def append_event(self, row: EventRow, kept: int) -> None:
        """Write an event, or fail."""
        self._write()
        super().append_event(row, kept)

    def fill(self, first: int, length: int) -> None:
        """So many writes fail, from the `first` one on, counted from now."""
        self.full = range(self.writes + first, self.writes + first + length)

    def _write(self) -> None:
        self.writes += 1
        if self.writes in self.full:
            raise sqlite3.OperationalError("database or disk is full")
