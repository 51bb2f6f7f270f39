"""A newcomer who breaks off: any verb, at any moment, by Ctrl-C, by `kill -9`, or by closing the terminal; then the same verb again.

In: a project; out: what did not go on, in words.
"""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE = ".fogbank/trained/sample.csv"
CHANGED = "up, changed"
VERBS: dict[str, tuple[str, ...]] = {
    "train": ("train",),
    "pack": ("pack",),
    "check": ("check",),
    "up": ("up", "--no-check"),
    CHANGED: ("up", "--no-check"),
    "preview": ("preview",),
    "refresh": ("refresh",),
    "outputs": ("outputs",),
    "env": ("env",),
    "invoke": ("invoke", "live", SAMPLE),
    "transform": ("transform", "nightly", SAMPLE),
    "monitor": ("monitor", "run", "quality"),
    "advance": ("cloud", "advance", "1h"),
    "start": ("cloud", "start"),
    "stop": ("cloud", "stop"),
    "cancel": ("cancel",),
    "upgrade": ("upgrade", "--yes"),
    "destroy": ("destroy",),
}
NEEDS_CLOUD = frozenset(VERBS) - {"upgrade", "train", "pack", "check", "start", "stop", "outputs"}
NEEDS_STACK = frozenset({"invoke", "transform", "monitor"})
WELL = {"monitor": {0, 6, 8}}
"""Codes of an end as it should be: a monitor may find violations, or no data."""
LIMIT_S = 300
OURS = "/fogbank/cli/"
"""In a traceback that is fogbank's: what comes while Python itself begins is Python's."""
IN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes the terminal on standard input the one that a session hangs on."""


@dataclass
class Interruptions:
    """What was broken off so far, and what did not go on."""

    project: Path
    chance: random.Random
    lasts: dict[str, float] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    changes: int = 0

    def once(self, name: str) -> None:
        """Break a verb off, and run it again."""
        manner = self.chance.choice(list(MANNERS))
        self._ready(name)
        moment = self.chance.uniform(0, 1.1 * self.lasts.get(name, 3.0))
        said = MANNERS[manner](self._command(name), self.project, moment)
        self.done[manner] += 1
        where = f"{name} after {moment:.2f} s of {manner}"
        if ("Traceback" in said and OURS in said) or "bug in fogbank" in said:
            self._say(f"{where}: {said[-800:]}")
        if name in NEEDS_CLOUD and name != "destroy":
            self._run("start")  # a kill may have come while it started
        again = self._run(name)
        if again.returncode not in WELL.get(name, {0}):
            self._say(f"{where}: the same again ended in {again.returncode}: {again.stderr[-800:]}")

    def _say(self, problem: str) -> None:
        print(problem)
        self.problems.append(problem)

    def _ready(self, name: str) -> None:
        """What the verb needs is there."""
        if name in NEEDS_CLOUD:
            self._run("start")
        if name in NEEDS_STACK:
            self._run("up")
        if name == CHANGED:
            self.changes += 1
            handler = self.project / "handlers" / "inference.py"
            handler.write_text(f"{handler.read_text().partition('# change')[0].rstrip()}\n# change {self.changes}\n")

    def _run(self, name: str) -> subprocess.CompletedProcess[str]:
        started = time.monotonic()
        done = subprocess.run(
            self._command(name), cwd=self.project, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
        self.lasts[name] = time.monotonic() - started
        return done

    @staticmethod
    def _command(name: str) -> list[str]:
        return [sys.executable, "-m", "fogbank", *VERBS[name]]


def _signalled(number: signal.Signals) -> Callable[[Sequence[str], Path, float], str]:
    def end(command: Sequence[str], folder: Path, moment: float) -> str:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        try:
            out, _ = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            _send(process, number)
            out, _ = process.communicate(timeout=LIMIT_S)
        return out

    return end


def _send(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Ctrl-C reaches the group, as a terminal's does; `kill -9` the process alone."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def _hung_up(command: Sequence[str], folder: Path, moment: float) -> str:
    """In a terminal of its own, which is closed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, *command],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    time.sleep(moment)
    os.close(ours)
    process.wait(LIMIT_S)
    return ""


MANNERS: dict[str, Callable[[Sequence[str], Path, float], str]] = {
    "SIGINT": _signalled(signal.SIGINT),
    "SIGKILL": _signalled(signal.SIGKILL),
    "a closed terminal": _hung_up,
}
