"""The events of a log stream: the lines of a file, between two places in it, forwards or backwards.

In: a file and its marks; out: events, with where each ends, so that a reader goes on there. A last line without an end is not an event yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fogbank.cloud.logs.marks import Times

PAGE_BYTES = 1 << 20
BLOCK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """One line: `start` and `end` are places in the file, `at` its time in milliseconds since 1970."""

    start: int
    end: int
    at: int
    message: str


def forwards(path: Path, times: Times, start: int, end: int) -> Iterator[LogEvent]:
    """The events between two places, the oldest first."""
    with path.open("rb") as file:
        file.seek(start)
        place = start
        while place < end:
            line = file.readline(PAGE_BYTES)
            following = place + len(line)
            if not line or following > end or not (line.endswith(b"\n") or len(line) == PAGE_BYTES):
                return
            if text := line.decode(errors="replace").rstrip("\r\n"):
                yield LogEvent(start=place, end=following, at=times.of(following), message=text)
            place = following


def before(path: Path, times: Times, start: int, end: int, limit: int) -> list[LogEvent]:
    """The last events before a place, as many as the limit says, the oldest first."""
    first, size = end, BLOCK
    found: list[LogEvent] = []
    while first > start and len(found) < limit and end - first < PAGE_BYTES:
        first = max(start, end - size)
        found = list(forwards(path, times, _line_after(path, first, start), end))
        size *= 4
    return found[-limit:]


def _line_after(path: Path, place: int, start: int) -> int:
    """Where the first whole line at or after a place begins."""
    if place <= start:
        return start
    with path.open("rb") as file:
        file.seek(place - 1)
        return place - 1 + len(file.readline())
