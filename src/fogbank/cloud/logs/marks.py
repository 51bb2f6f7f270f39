"""When the lines of a log were written: beside each file lie marks, each how long the file was at a time of the cloud's clock.

In: files that grow, looked at again and again; out: the time of a line, and where in a file a time begins. A line is as old as the first
mark behind it. Nothing of a file is copied, and a process that was killed leaves its marks to the next one.
"""

from __future__ import annotations

import bisect
import os
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = struct.Struct("<qq")
SUFFIX, LOG = ".times", ".log"


@dataclass(frozen=True, kw_only=True)
class Times:
    """The marks of a file: `offsets` in bytes, and the times in milliseconds since 1970 at which they were seen; what lies before `gone`
    was deleted."""

    offsets: tuple[int, ...]
    moments: tuple[int, ...]
    gone: int = 0

    @property
    def end(self) -> int:
        """How much of the file has a time."""
        return self.offsets[-1] if self.offsets else 0

    def of(self, end: int) -> int:
        """The time of a line that ends at `end`."""
        return self.moments[min(bisect.bisect_left(self.offsets, end), len(self.moments) - 1)]

    def first(self, moment: int) -> int:
        """Where what was written at a time, or later, begins."""
        number = bisect.bisect_left(self.moments, moment)
        return max(self.gone, self.offsets[number - 1] if number else 0)


class Marks:
    """Looks at the logs of a folder. `clock` is the cloud's time in seconds."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder, clock
        self._lock = threading.Lock()
        self._ends: dict[str, int] = {}

    def note(self) -> None:
        """Mark every file that has grown."""
        with self._lock:
            now = int(self._clock() * 1000)
            seen = dict(_logs(str(self._folder)))
            for path, size in seen.items():
                if size > self._end(path):
                    self._write(path, size, now)
            for gone in self._ends.keys() - seen.keys():
                del self._ends[gone]
                Path(gone).with_suffix(SUFFIX).unlink(missing_ok=True)

    def times(self, path: Path) -> Times:
        """The marks of a file."""
        try:
            pairs = list(_pairs(path.with_suffix(SUFFIX)))
        except OSError:
            pairs = []
        gone = max((offset for offset, moment in pairs if moment < 0), default=0)
        kept = [(offset, moment) for offset, moment in pairs if moment >= 0]
        moments, last = [], 0
        for _, moment in kept:
            last = max(last, moment)
            moments.append(last)
        return Times(offsets=tuple(offset for offset, _ in kept), moments=tuple(moments), gone=gone)

    def delete(self, path: Path) -> None:
        """Let go what is in a file now: whoever writes to it goes on behind that."""
        with self._lock:
            self._write(str(path), self._end(str(path)), -1)

    def reset(self) -> None:
        """Every log is gone, with its marks."""
        with self._lock:
            for log, _ in _logs(str(self._folder)):
                for path in (Path(log), Path(log).with_suffix(SUFFIX)):
                    path.unlink(missing_ok=True)
            self._ends.clear()

    def _end(self, path: str) -> int:
        if path not in self._ends:
            try:
                self._ends[path] = max((offset for offset, _ in _pairs(Path(path).with_suffix(SUFFIX))), default=0)
            except OSError:
                self._ends[path] = 0
        return self._ends[path]

    def _write(self, path: str, offset: int, moment: int) -> None:
        with Path(path).with_suffix(SUFFIX).open("ab") as file:
            file.write(MARK.pack(offset, moment))
        self._ends[path] = offset


def _pairs(path: Path) -> Iterator[tuple[int, int]]:
    data = path.read_bytes()
    return MARK.iter_unpack(data[: len(data) // MARK.size * MARK.size])


def _logs(folder: str) -> Iterator[tuple[str, int]]:
    """Every log with its size."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _logs(entry.path)
        elif entry.name.endswith(LOG) and entry.is_file(follow_symlinks=False):
            yield entry.path, entry.stat().st_size
