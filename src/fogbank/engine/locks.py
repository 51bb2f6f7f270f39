"""The engine's locks in a file backend: who holds a stack's, and those of dead processes are taken away.

In: a backend's URL and a stack; out: the processes that hold it. A process that is killed leaves its lock, and would lock its
stack for good. Other backends keep their locks themselves.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock, and the process that took it."""

    file: Path
    pid: int
    host: str

    @property
    def dead(self) -> bool:
        """Whether its process was one of this machine, and is no more."""
        return self.host == socket.gethostname() and not _lives(self.pid)


def locks(backend: str, stack: str) -> list[Lock]:
    """The locks of a stack, of whichever project; none where the backend is no folder."""
    url = urlsplit(backend)
    if url.scheme != "file":
        return []
    folder = Path(unquote(url.netloc + url.path)).expanduser() / ".pulumi" / "locks"
    return list(_read(sorted(folder.glob(f"**/{stack}/*.json"))))


def drop_dead(backend: str, stack: str) -> bool:
    """Take the locks of dead processes away; whether there was one."""
    dead = [lock for lock in locks(backend, stack) if lock.dead]
    for lock in dead:
        lock.file.unlink(missing_ok=True)
        lock.file.with_name(f"{lock.file.name}.attrs").unlink(missing_ok=True)
    return bool(dead)


def _read(files: list[Path]) -> Iterator[Lock]:
    for file in files:
        try:
            document = json.loads(file.read_text())
            yield Lock(file=file, pid=int(document["pid"]), host=str(document["hostname"]))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
        ):  # given back this moment, or of another form: not ours to touch
            continue


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
