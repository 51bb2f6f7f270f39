"""Processes: what a container would find around it, a lifeline, and what a tree of them uses and listens on, read from /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LISTEN, ESTABLISHED = "0A", "01"
BARE_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/tmp",  # noqa: S108 - what a container's HOME is worth
    "PYTHONUNBUFFERED": "1",
}
"""What a container would have of its own: a PATH, a locale and a home; nothing else of the host's, no credentials."""


class Lifeline:
    """A pipe that a child watches: its other end closes when this process ends, however it ends, and the child then ends too.

    `inherited` is the descriptor that the child is given; `start` it, then call `handed_over`; `cut` ends the child.
    """

    def __init__(self) -> None:
        self.inherited, self._held = os.pipe()

    def handed_over(self) -> None:
        """The child has its end: ours of it is closed."""
        os.close(self.inherited)

    def cut(self) -> None:
        """Let the child end. Calling it twice is no error."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


BOUND = """
import os, signal, subprocess, sys, threading
child = subprocess.Popen(sys.argv[2:], start_new_session=True)
def watch():
    os.read(int(sys.argv[1]), 1)
    os.killpg(child.pid, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
sys.exit(child.wait())
"""
"""A process that runs a command and kills it, and what that has started, when the lifeline is cut."""


def run_bound(command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """What a command printed and how it ended. It ends with this process, however this one ends, and all that it started.

    Raises FileNotFoundError, subprocess.TimeoutExpired.
    """
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(2, "no such program", command[0])
    lifeline = Lifeline()
    try:
        process = subprocess.Popen(
            [sys.executable, "-ISc", BOUND, str(lifeline.inherited), program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=(lifeline.inherited,),
        )
    finally:
        lifeline.handed_over()
    with process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        finally:
            lifeline.cut()
    return subprocess.CompletedProcess(list(command), process.returncode, out, err)


def end_with_parent(descriptor: int) -> None:
    """End this process when the other end of its `Lifeline` closes; a thread waits for that."""

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it, whichever of its threads started them."""
    yield pid
    children: list[str] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that ends leaves its children to another
                children += (thread / "children").read_text().split()
    for child in children:
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


def process_of_peer(peer: str) -> int | None:
    """The process at the other end of a loopback connection, such as `ipv4:127.0.0.1:40294`.

    Linux says which process holds a socket; where it is not said (another system, another user's process) it is None.
    """
    family, _, rest = peer.partition(":")
    port = rest.rpartition(":")[2]
    if family not in {"ipv4", "ipv6"} or not port.isdecimal():
        return None
    with contextlib.suppress(OSError):
        inode = _inode_of(int(port))
        for process in Path("/proc").iterdir() if inode else ():
            if process.name.isdecimal() and _holds(process, f"socket:[{inode}]"):
                return int(process.name)
    return None


def working_folder(process: int) -> Path | None:
    """The folder that a process works in; None where it is not said."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cwd").readlink()
    return None


def _inode_of(port: int) -> str | None:
    """The inode of the established connection that has this port on its own side."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == ESTABLISHED:
                return fields[9]
    return None


def _holds(process: Path, socket: str) -> bool:
    with contextlib.suppress(OSError):
        return any(str(link.readlink()) == socket for link in (process / "fd").iterdir())
    return False
