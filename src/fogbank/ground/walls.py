"""A wall around a process that runs somebody's code: what it sees of this machine, and how much of it it may take.

In: a command, and what of the user's is its own; out: the command that runs it so. Where the kernel lets a user have namespaces, the
process sees no other processes, and of the user's home, the cloud's state and the project only what is named; elsewhere its limits
alone hold, and `obstacle` says why.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from fogbank.ground import namespaces
from fogbank.ground.cache import cache_dir
from fogbank.ground.processes import children, is_whole, memory

PROBE_LIMIT_S, ATTEMPTS = 10.0, 3
MOST_FILES, MOST_LINKS = 65_536, 8
WALLED = "walled=yes"
STATE = ".fogbank"
"""The folder of a project's state, by its name: what is around it is the project."""
SOCKETS = ("/run/docker.sock", "/var/run/docker.sock", "/run/podman", "/run/containerd")
"""Who may ask there, has the machine."""
PASSWORDS = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-")
"""What root alone can read."""
REFUSED = frozenset({
    errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENODEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EROFS,
})  # fmt: skip
"""Errors by which a kernel, or who keeps a container, says that there are to be no namespaces: it will say so the next time."""
NOT_THERE = re.compile(rf"\[Errno {errno.ENOENT}\] .*'/proc/self/(?:uid_map|gid_map|setgroups)'")
"""What a kernel has none of that has no namespaces of users."""
MOST_NAMESPACES, KINDS = "/proc/sys/user/max_{}_namespaces", ("user", "mnt", "pid", "ipc", "uts", "net")
NOT_LET = "this kernel does not let its users have namespaces of their own"


def most_processes() -> int:
    """Processes and threads that may be behind one wall: libraries start as many threads as there are processors, in each process."""
    return max(1024, 64 * (os.cpu_count() or 1))


@dataclass(frozen=True, kw_only=True)
class Wall:
    """`own` are folders that the process may write to, `seen` those that it may read, and no more than that where they lie in its own.

    `state` is the folder of the cloud that runs it, which it does not see; `memory` is how many bytes each of its processes may have of
    its own, 0 for as many as there are; without `network` it has loopback alone. `judge` says why there can be no namespaces, as `decided` does.
    """

    own: Sequence[Path]
    seen: Sequence[Path] = ()
    state: Path | None = None
    memory: int = 0
    network: bool = True
    judge: Callable[[], str] = field(default_factory=lambda: decided)

    def around(self, command: Sequence[str], lifeline: int = -1, programs: Sequence[Path] = ()) -> list[str]:
        """The command behind this wall. It ends when the lifeline's other end is closed.

        `programs` are those that the cloud chose, which it sees with what they need; what else the command names need not be its to see.

        Raises UndecidedError where nobody can say whether there can be a wall: a slow machine would be the way around it.
        """
        if sys.platform != "linux":  # neither namespaces nor a limit of memory
            return list(command)
        walled = not self.judge()
        hidden = list(_hidden(self.state))
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": MOST_FILES,
            **({"RLIMIT_DATA": self.memory} if self.memory else {}),
        }
        needed = (path for program in programs if program.is_file() for path in _behind(program))
        seen = dict.fromkeys(
            (*self.seen, *(path for path in needed if any(path.is_relative_to(each) for each in hidden)))
        )
        words = [
            *([WALLED] if walled else []),
            *(["network=yes"] if self.network else []),
            *(f"limit={name}:{most}" for name, most in limits.items()),
            *(f"hidden={path}" for path in hidden),
            *(f"seen={path}" for path in seen),
            *(f"own={path}" for path in self.own),
        ]
        return _said(words, lifeline, command)


class UndecidedError(OSError):
    """Nobody can say now whether processes here may have namespaces of their own; the text says why, and the next try may."""


def obstacle() -> str:
    """Why processes here have no namespaces of their own; "" where they have."""
    try:
        return decided()
    except UndecidedError as error:
        return f"{error}; until that is known none is started"


def decided() -> str:
    """As `obstacle`, once that is known: it stays so. Raises UndecidedError, and then is looked at again the next time."""
    return _decided()


@lru_cache(maxsize=1)
def _decided() -> str:
    return judged(lambda: probe([sys.executable, "-ISc", ""]))


def judged(ask: Callable[[], str]) -> str:
    """What is answered, by the third time at the latest. Raises UndecidedError."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(UndecidedError):
            return ask()
    return ask()


def probe(command: Sequence[str], limit_s: float = PROBE_LIMIT_S) -> str:
    """Why a command cannot be run behind a wall; "" where it was. Raises UndecidedError for all that is not a kernel's refusal: the machine is
    too slow just now, has no room for another namespace, or fails in a way that nobody foresaw."""
    if sys.platform != "linux":
        return "only Linux has namespaces"
    said = _said([WALLED, "hidden=/mnt"], -1, command)
    try:
        done = subprocess.run(said, capture_output=True, text=True, timeout=limit_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UndecidedError(f"{NOT_LET}, or cannot say so now: {error}") from error
    if not done.returncode:
        return ""
    why = f"{NOT_LET}: {done.stderr.strip()[-200:] or f'exit status {done.returncode}'}"
    if done.returncode != namespaces.NOT_BEGUN or not _is_refusal(why):
        raise UndecidedError(why)
    return why


def _is_refusal(why: str) -> bool:
    """Whether a kernel says so for good, and not for want of room or for a reason that nobody foresaw: it has no room ever where there is to be
    none of a kind."""
    never = REFUSED | ({errno.ENOSPC} if any(_has_none(kind) for kind in KINDS) else set())
    return bool(NOT_THERE.search(why)) or any(f"[Errno {number}]" in why for number in never)


def _has_none(kind: str) -> bool:
    try:
        return Path(MOST_NAMESPACES.format(kind)).read_text().strip() == "0"
    except OSError:
        return False


def _said(words: Sequence[str], lifeline: int, command: Sequence[str]) -> list[str]:
    begin = [sys.executable, "-IS", namespaces.__file__, f"lifeline={lifeline}", f"processes={most_processes()}"]
    return [*begin, *words, "--", *command]


def _hidden(state: Path | None) -> Iterator[Path]:
    """What is covered where it is there: the user's home, fogbank's cache with the user's key, what is the user's while logged in,
    engines, the cloud's state and its project."""
    user = os.geteuid()
    homes = {Path(pwd.getpwuid(user).pw_dir), Path.home()} if _is_known(user) else {Path.home()}
    project = (
        next((parent.parent for parent in state.resolve().parents if parent.name == STATE), state) if state else None
    )
    places = [
        *sorted(homes),
        cache_dir(os.environ),
        Path(f"/run/user/{user}"),
        *map(Path, (*SOCKETS, *(PASSWORDS if user == 0 else ()))),
        *([project] if project else []),
    ]
    shut: list[Path] = []
    for place in dict.fromkeys(path.resolve() for path in places):
        if place.exists() and place != Path("/") and not any(place.is_relative_to(other) for other in shut):
            shut.append(place)
            yield place


def _is_known(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:  # a container's user needs no name
        return False
    return True


def _behind(program: Path) -> Iterator[Path]:
    """What a program of an environment needs, and each program that it is a link to: its environment, or Python, else itself alone."""
    for _ in range(MOST_LINKS):
        prefix = program.parent.parent
        libraries = (prefix / "lib").glob("python3*/os.py")
        yield prefix if (prefix / "pyvenv.cfg").is_file() or next(libraries, None) else program
        if not program.is_symlink():
            return
        program = Path(os.path.normpath(program.parent / program.readlink()))


def held(pid: int) -> int:
    """The bytes that a process and what descends from it hold, without what stands between them and the cloud."""
    if not _is_walled(pid):
        return memory(pid)
    return sum(memory(command) for first in children(pid) for command in children(first))


def _is_walled(pid: int) -> bool | None:
    """Whether a process stands before one that is behind a wall; None where it has no command line, at its very beginning or its end."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    if words == [b""]:
        return None
    return WALLED.encode() in words[: words.index(b"--")] if b"--" in words else False


class Behind:
    """The command behind a wall, by the process in front of it: that one ends a moment later, when its own end has been a while known to
    everybody who was connected."""

    def __init__(self, pid: int) -> None:
        self._pid, self._chain = pid, list[int]()
        self._walled: bool | None = None

    def runs(self) -> bool:
        """Whether it runs, or has not begun; where there are no namespaces, there is nothing between."""
        if self._walled is None:
            self._walled = _is_walled(self._pid)
        if not self._walled:
            return True
        if not self._chain:
            first = children(self._pid)[:1]
            command = children(first[0])[:1] if first else []
            self._chain = [*first, *command] if command else []
        return all(map(is_whole, self._chain))
