"""Processes: what a container would find around it, a lifeline, and what a tree of them uses and listens on, read from /proc."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LISTEN, ESTABLISHED = "0A", "01"
BARE_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
}
"""What a container would have of its own: a PATH and a locale; nothing else of the host's, no credentials."""


def bare_environment(home: Path) -> dict[str, str]:
    """The bare environment with a HOME of its own, which is made: what others put into a shared one would be read as settings."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {**BARE_ENVIRONMENT, "HOME": str(home)}


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


@contextlib.contextmanager
def beginning() -> Iterator[Lifeline]:
    """The lifeline of a process that is begun in here: its own end of it is given away then, and the child ends where that fails."""
    lifeline = Lifeline()
    try:
        yield lifeline
    except BaseException:
        lifeline.cut()
        raise
    finally:
        lifeline.handed_over()


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


def run_bound(
    command: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command printed and how it ended. It ends with this process, however this one ends, and all that it started.

    It has this process's environment, or the one given.

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
            env=environment,
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
    for child in children(pid):
        yield from tree(child)


MASK = 0o022
"""The mask that a container's processes begin with: the cloud's own is stricter."""
PR_SET_CHILD_SUBREAPER = 36


class Orphans:
    """Processes whose parents have ended become this process's own, and go on to be known as what descends from it. Linux alone has it."""

    def __init__(self) -> None:
        self._dead: dict[int, float] = {}
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def reap(self, patience_s: float = 60.0) -> None:
        """Let those go that have ended and that nobody has waited for so long; of the others their starters hear first."""
        now, own = time.monotonic(), os.getpid()
        ended = {pid for pid in children(own) if _state(pid) == "Z"}
        self._dead = {pid: self._dead.get(pid, now) for pid in ended}
        for pid, since in self._dead.items():
            if now - since >= patience_s:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def children(pid: int) -> list[int]:
    """The processes that a process has started, by whichever of its threads, and those that it has taken on."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - here and below: who connects waits for it
            with contextlib.suppress(OSError):  # a thread that ends leaves its children to another
                found += _read(f"/proc/{pid}/task/{thread}/children").split()
    return [int(child) for child in found]


def _stat(pid: int) -> list[str]:
    """What proc_pid_stat(5) says of a process behind its name, its state first; nothing where it is not there."""
    with contextlib.suppress(OSError):
        return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return []


def _state(pid: int) -> str:
    return next(iter(_stat(pid)), "")


EXITING = 0x4
"""Among a process's flags."""


def is_whole(pid: int) -> bool:
    """Whether a process does not end: one that does may be there for a while, with its connections cut. proc_pid_stat(5), PF_EXITING.

    (Its command line would not tell it: there is none for a moment in each execve(2).)
    """
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX" and not int(fields[6]) & EXITING


def held_below(process: int, inode: int) -> bool:
    """Whether a process that descends from `process` holds a socket, or one of this user's might: it lets nobody look."""
    return any(_might_hold(each, inode) for each in itertools.islice(tree(process), 1, None))


def _might_hold(process: int, inode: int) -> bool:
    try:
        return _holds(process, inode)
    except PermissionError:
        with contextlib.suppress(OSError):
            users = _read(f"/proc/{process}/status").partition("\nUid:")[2].partition("\n")[0]
            return str(os.geteuid()) in users.split()
    except OSError:  # it has ended
        return False
    return False


def _holds(process: int, inode: int) -> bool:
    """Raises OSError where it has ended, or lets nobody look."""
    link = f"socket:[{inode}]"
    for name in os.listdir(f"/proc/{process}/fd"):  # noqa: PTH208
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{process}/fd/{name}") == link:  # noqa: PTH115
                return True
    return False


def _read(file: str) -> str:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 16).decode(errors="replace")
    finally:
        os.close(descriptor)


def stopped(pid: int) -> bool:
    """Whether a process of the tree was stopped (SIGSTOP): it is there, and does nothing any more."""
    return any(_state(each) == "T" for each in tree(pid))


def end_group(leader: int) -> None:
    """Kill a process group, whatever state its processes are in; none is left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def reap_group(leader: int, limit_s: float = 1.0) -> None:
    """Wait for what a killed group has left to this process, so that nothing of it stays. Its leader was waited for before."""
    until = time.monotonic() + limit_s
    with contextlib.suppress(ChildProcessError):  # none is left, or they are not this process's own
        while time.monotonic() < until:
            if os.waitpid(-leader, os.WNOHANG)[0] == 0:
                time.sleep(0.005)


def working_below(folder: Path) -> Iterator[int]:
    """The processes that work in a folder or below it, but for this one."""
    root = folder.resolve()
    with contextlib.suppress(OSError):
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and int(process.name) != os.getpid():
                place = working_folder(int(process.name))
                if place is not None and place.is_relative_to(root):
                    yield int(process.name)


def memory(pid: int) -> int:
    """The bytes that the tree holds: shared pages are shared out among those that share them (PSS)."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError, StopIteration, ValueError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) << 10
    return total


def cpu_seconds(pid: int) -> float:
    """The seconds of a processor that the tree has used so far, with those of its processes that have ended and were waited for."""
    ticks = sum(sum(map(int, _stat(each)[11:15])) for each in tree(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def total_memory() -> int:
    """The bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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
            with contextlib.suppress(OSError):
                if process.name.isdecimal() and _holds(int(process.name), int(inode or 0)):
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
