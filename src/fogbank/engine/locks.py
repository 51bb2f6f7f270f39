"""The engine's locks in a file backend: who holds a stack's, and those of dead processes are taken away.

In: a backend's URL and a stack; out: the processes that hold it. A process that is killed leaves its lock, and would lock its
stack for good. Other backends keep their locks themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fogbank.engine.environment import backend_folder

INTERRUPTED_S, POLL_S = 60, 0.05
"""How long an engine may take to end what is in flight, and how often it is looked at."""


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
    folder = backend_folder(backend)
    return list(_read(sorted((folder / ".pulumi" / "locks").glob(f"**/{stack}/*.json")))) if folder else []


def drop_dead(backend: str, stack: str) -> bool:
    """Take the locks of dead processes away; whether there was one."""
    dead = [lock for lock in locks(backend, stack) if lock.dead]
    for lock in dead:
        lock.file.unlink(missing_ok=True)
        lock.file.with_name(f"{lock.file.name}.attrs").unlink(missing_ok=True)
    return bool(dead)


def freed(backend: str, stack: str) -> bool:
    """Take the locks of dead processes away, and wait for engines of this machine whose fogbank was killed: with nobody to hear them they
    come to their end. Whether nobody holds the stack then; of other backends than a folder that is not known."""
    drop_dead(backend, stack)
    _wait_for([lock for lock in locks(backend, stack) if lock.host == socket.gethostname() and _is_orphan(lock.pid)])
    drop_dead(backend, stack)
    return backend_folder(backend) is not None and not locks(backend, stack)


def interrupt_holders(backend: str, stack: str) -> str:
    """Interrupt the engines of this machine that hold a stack, as Ctrl-C does, and wait for their end; what was done, in a few words."""
    held = locks(backend, stack)
    drop_dead(backend, stack)
    own = [lock for lock in held if lock.host == socket.gethostname() and not lock.dead and _is_engine(lock.pid)]
    for lock in own:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(lock.pid, signal.SIGINT)
    _wait_for(own)
    if own:
        return f"interrupted process {', '.join(str(lock.pid) for lock in own)}"
    return "a lock was left, and is gone" if held else "nothing was under way"


def _wait_for(held: list[Lock]) -> None:
    deadline = time.monotonic() + INTERRUPTED_S
    while any(lock.file.is_file() and _lives(lock.pid) for lock in held) and time.monotonic() < deadline:
        time.sleep(POLL_S)


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


def _is_engine(pid: int) -> bool:
    """Whether it is Pulumi: a number that a lock names may be another program's by now."""
    return "pulumi" in _told_of(pid, "comm")


def _is_orphan(pid: int) -> bool:
    """Whether it is Pulumi, and who started it is gone."""
    return _is_engine(pid) and _told_of(pid, "ppid").strip() == "1"


def _told_of(pid: int, column: str) -> str:
    """What ps says of a process; nothing of one that is not there."""
    return subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
