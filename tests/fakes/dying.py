"""A process that is killed, as by `kill -9`, just before the n-th thing that it does: to files below a folder, or over the wire.

In: work, as a function of a module with its arguments, and n; out: whether it came that far. Forks come from a server without threads of ours.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHANGES = {
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "shutil.copyfile",
}
"""Python's audit events that change files, besides `open` for writing."""
STEP = "fogbank.step"
"""An event of the tests' own: whatever else a death may come before."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Mortals:
    """Forks of one process that has imported what they need: `survives` says whether work is done before its `at`-th event."""

    def __init__(self, imports: str) -> None:
        command = [sys.executable, "-c", f"import {imports}; from tests.fakes.dying import serve; serve()"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def survives(self, work: Callable[..., object], *arguments: Any, below: Path, at: int) -> bool:
        """Whether `work(*arguments)` is done; else it was killed there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((work, arguments, str(below), at), self._process.stdin)
        self._process.stdin.flush()
        ended = int(self._process.stdout.readline())
        assert ended in {0, signal.SIGKILL}, f"it failed at {at}"
        return ended == 0


def serve() -> None:
    """Fork for each piece of work that standard input brings, and say how it ended, as `os.wait` does."""
    while True:
        try:
            work, arguments, below, at = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the test that began it
        except EOFError:
            return
        child = os.fork()
        if not child:
            _run(work, arguments, below, at)
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)


def step() -> None:
    """What is about to be done may be the last."""
    sys.audit(STEP)


def _run(work: Callable[..., object], arguments: tuple[Any, ...], below: str, at: int) -> None:
    left = at

    def hear(event: str, details: tuple[Any, ...]) -> None:
        nonlocal left
        if event == STEP or (_changes(event, details) and str(details[0]).startswith(below)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)
    work(*arguments)


def _changes(event: str, details: tuple[Any, ...]) -> bool:
    if event == "open":
        return bool(details[2] & WRITING) and isinstance(details[0], str)
    return event in CHANGES
