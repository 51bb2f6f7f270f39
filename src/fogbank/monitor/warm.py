"""`python -m fogbank.monitor.warm`: an analyzer that has imported what it needs, and becomes a process of its own for each run.

In: runs on a socket (`contracts.warm_lines`); out: for each a process that is as `python -m fogbank.monitor` would be, with its own
environment, folder, log and lifeline, and nothing of another run. It runs no code of anybody's, has one thread while it forks, and ends
with its parent, or when nobody has asked for a while.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from fogbank.contracts.container import ENV_PARENT_FD
from fogbank.contracts.warm_lines import ENV_WARM_FD, NUMBER, Run, asked
from fogbank.ground.processes import MASK
from fogbank.monitor.__main__ import main as analyze

IDLE_S = 60.0
NEEDED = ("analyzer", "hours", "merge", "quality_analyzer", "scheduled")
"""What runs import late: the rest of what they need comes with these."""


def main() -> int:
    """Serve runs until nobody asks any more."""
    for name in NEEDED:
        importlib.import_module(f"fogbank.monitor.{name}")
    gc.freeze()
    return Warm(socket.socket(fileno=int(os.environ[ENV_WARM_FD])), int(os.environ[ENV_PARENT_FD])).serve()


class Warm:
    """Runs that are asked for on `line`; `lifeline` closes with the parent."""

    def __init__(self, line: socket.socket, lifeline: int) -> None:
        self._line, self._lifeline = line, lifeline
        self._wake, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the number in the pipe is all
        self._own = (self._wake, wakes, lifeline, line.fileno())
        self._running: dict[int, int] = {}

    def serve(self) -> int:
        """Until the line or the lifeline is cut, or nothing was asked for IDLE_S."""
        line, until = self._line.fileno(), time.monotonic() + IDLE_S
        while self._running or time.monotonic() < until:
            ready, _, _ = select.select([line, self._lifeline, self._wake], [], [], IDLE_S)
            if self._wake in ready:
                os.read(self._wake, 1 << 10)
                self._reap()
            if self._lifeline in ready:
                return 1
            if line in ready:
                try:
                    run = asked(self._line)
                except ValueError:  # the other runs go on
                    traceback.print_exc()
                    continue
                if run is None:
                    return 0
                self._start(run)
                until = time.monotonic() + IDLE_S
        return 0

    def _start(self, run: Run) -> None:
        try:
            pid = os.fork()
        except OSError:  # who asked hears of it, and the other runs go on
            traceback.print_exc()
            os.close(run.status)
            pid = -1
        if not pid:
            self._become(run)
        os.close(run.log)
        os.close(run.lifeline)
        if pid < 0:
            return
        self._running[pid] = run.status
        _tell(run.status, pid)

    def _reap(self) -> None:
        for pid, status in list(self._running.items()):
            ended, how = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._running[pid]
                _tell(status, os.waitstatus_to_exitcode(how))
                os.close(status)

    def _become(self, run: Run) -> NoReturn:
        """Be the run's process, and nothing of this one."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.umask(MASK)
            os.dup2(run.log, 1)
            os.dup2(run.log, 2)
            for descriptor in (*self._own, *self._running.values(), run.log, run.status):
                os.close(descriptor)
            os.environ.clear()
            os.environ.update({**run.environment, ENV_PARENT_FD: str(run.lifeline)})
            time.tzset()
            os.chdir(Path(run.folder))
            code = analyze()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001 - as Python itself ends: it must not go on as a second analyzer
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code)


def _tell(status: int, number: int) -> None:
    try:
        os.write(status, NUMBER.pack(number))
    except OSError:
        return  # nobody waits for it any more


if __name__ == "__main__":
    sys.exit(main())
