"""What the room says in its log. `make unit` goes without pytest's own listener, which takes its time at each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


class Kept(logging.Handler):
    """A log in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The lines that are logged while the test runs."""
    kept, root = Kept(), logging.getLogger()
    root.addHandler(kept)
    yield kept.lines
    root.removeHandler(kept)
