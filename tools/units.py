"""The unit tests in several processes, of which each reads and runs a share of the rooms: `python tools/units.py 2 [pytest's arguments]`.

What the first says is seen at once, what the others say when they have ended. pytest-xdist would have each process read all of the tests,
or one more process hear of each test: a tenth of the whole work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTHING_THERE = 5
"""pytest's exit status where no test was to be run: `-k name` may leave a share without any."""
MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's own place for files in memory; what is made there is for its owner alone
ROOM = 2 << 30
"""Bytes: some ten times what the tests write."""
WITHOUT = ("logging", "anyio")
"""Plugins that no unit test needs, and that take their time: of each test, and of each start."""


def begin(share: str, folder: Path, arguments: list[str], said: int | None) -> subprocess.Popen[bytes]:
    """A share's process, with a folder for its tests' files; it remembers for itself what failed."""
    name = share.replace("/", "-of-")
    own = ["-o", f"cache_dir=.pytest_cache/share-{name}", f"--basetemp={folder / name}", "--share", share]
    without = [word for plugin in WITHOUT for word in ("-p", f"no:{plugin}")]
    command = [sys.executable, "-m", "pytest", "-q", *without, *own, "tests/unit", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)


def place(memory: Path = MEMORY, look: Callable[[Path], os.statvfs_result] = os.statvfs) -> Path | None:
    """Where the tests' files lie: in memory where there is room and scripts can be run, for a fifth of all the time went into a disk's;
    else where temporary files do. `look` says what a folder's file system is like."""
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        return None
    system = look(memory)
    does = system.f_bavail * system.f_frsize > ROOM and not system.f_flag & getattr(os, "ST_NOEXEC", 0)  # Linux says
    return memory if does else None


def main(count: int, arguments: list[str]) -> int:
    """Run the shares beside each other; the exit status is 0 where all that was run passed, and something was."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fogbank-units-", dir=place())))
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count - 1)]
        said = [None, *(file.fileno() for file in files)]
        processes = [begin(f"{number}/{count}", folder, arguments, out) for number, out in enumerate(said, 1)]
        try:
            statuses = [process.wait() for process in processes]
        except KeyboardInterrupt:  # each was interrupted too, and says so
            statuses = [process.wait() for process in processes]
        for file in files:
            file.seek(0)
            sys.stdout.buffer.write(file.read())
    return whole(statuses)


def whole(statuses: Sequence[int]) -> int:
    """The exit status of all shares.

    >>> whole([0, 5]), whole([5, 5]), whole([0, 1])
    (0, 5, 1)
    """
    return max((status for status in statuses if status != NOTHING_THERE), default=NOTHING_THERE, key=abs)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
