"""What a tree of processes uses and listens on, read from /proc. In: a process id; out: bytes, and ports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

LISTEN = "0A"


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from tree(int(child))


def memory(pid: int) -> int:
    """The bytes that the tree holds: shared pages are shared out among those that share them (PSS)."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError, StopIteration, ValueError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) << 10
    return total


def listening(pid: int) -> set[int]:
    """The TCP ports that the tree listens on."""
    sockets = set()
    for each in tree(pid):
        with contextlib.suppress(OSError):
            for link in Path(f"/proc/{each}/fd").iterdir():
                with contextlib.suppress(OSError):
                    sockets.add(str(link.readlink()))
    ports = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN and f"socket:[{fields[9]}]" in sockets:
                    ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports
