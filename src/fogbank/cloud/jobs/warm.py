"""The cloud's warm analyzer: a process that has imported the analyzer's libraries, of which each run of it is a fork.

In: a run's environment, folder and log; out: a process to wait for, as subprocess has it, or WarmError, and then a run starts as a process
of its own. It is started when the first run is asked for, again when it has died, and ends with the cloud or after a minute without a run.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fogbank.contracts.container import ENV_PARENT_FD
from fogbank.contracts.warm_lines import ENV_WARM_FD, MODULE, NUMBER, Run, ask
from fogbank.ground.processes import MASK, Lifeline, bare_environment, end_group

START_S = 60.0
"""How long the first run may wait for the libraries."""


class WarmError(Exception):
    """There is no warm analyzer, or it has died."""


class WarmProcess:
    """A run, as subprocess.Popen has a process; `wait` raises WarmError where the analyzer that forked it has died."""

    def __init__(self, status: socket.socket) -> None:
        """Raises WarmError."""
        self._status = status
        self.returncode: int | None = None
        self.pid = self._number(START_S)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. Raises subprocess.TimeoutExpired, WarmError."""
        if self.returncode is None:
            self.returncode = self._number(timeout)
            self._status.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit status, or None. Raises WarmError."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0001)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it is there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, sig)

    def bound(self, size: int) -> None:
        """Let it, and what it starts, have so many bytes of its own each; where the machine allows it less, that stays so."""
        if sys.platform == "linux":
            with contextlib.suppress(ProcessLookupError, PermissionError, ValueError):
                resource.prlimit(self.pid, resource.RLIMIT_DATA, (size, size))

    def _number(self, timeout_s: float | None) -> int:
        try:
            self._status.settimeout(timeout_s)
            told = self._status.recv(NUMBER.size)
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(MODULE, timeout_s or 0) from error
        except OSError as error:
            raise WarmError(str(error)) from error
        if len(told) < NUMBER.size:
            self._status.close()
            raise WarmError("the warm analyzer has died")
        [number] = NUMBER.unpack(told)
        return int(number)


@dataclass(frozen=True)
class _Started:
    """The analyzer's process, and the line on which it is asked."""

    python: Path
    process: subprocess.Popen[bytes]
    lifeline: Lifeline
    line: socket.socket


class WarmAnalyzer:
    """At most one process, which works in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._started: _Started | None = None

    def run(
        self, python: Path, environment: Mapping[str, str], folder: Path, log: IO[bytes], lifeline: Lifeline
    ) -> WarmProcess:
        """Start a run that holds the other end of the lifeline. Raises WarmError."""
        here, there = socket.socketpair()
        try:
            with self._lock:
                run = Run(
                    environment=environment, folder=str(folder), log=log.fileno(), lifeline=lifeline.inherited,
                    status=there.fileno(),
                )  # fmt: skip
                ask(self._there(python).line, run)
        except OSError as error:
            here.close()
            raise WarmError(str(error)) from error
        finally:
            there.close()
        try:
            return WarmProcess(here)
        except (WarmError, subprocess.TimeoutExpired) as error:
            here.close()
            raise WarmError(str(error)) from error

    def close(self) -> None:
        """End it, if it is there."""
        with self._lock:
            self._end()

    def _there(self, python: Path) -> _Started:
        """The process, started where it is not there any more. Raises OSError."""
        started = self._started
        if started is None or started.python != python or started.process.poll() is not None:
            self._end()
            started = self._started = self._start(python)
        return started

    def _start(self, python: Path) -> _Started:
        if sys.platform != "linux":
            raise OSError("a process with libraries may not fork on this system")
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lifeline = Lifeline()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "analyzer.log").open("wb") as log:
                process = subprocess.Popen(
                    [str(python), "-P", "-m", MODULE],
                    env={
                        **bare_environment(self._folder / "home"),
                        ENV_PARENT_FD: str(lifeline.inherited),
                        ENV_WARM_FD: str(there.fileno()),
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    pass_fds=(lifeline.inherited, there.fileno()),
                    start_new_session=True,
                    umask=MASK,
                )
        except OSError:
            lifeline.cut()
            here.close()
            raise
        finally:
            lifeline.handed_over()
            there.close()
        return _Started(python, process, lifeline, here)

    def _end(self) -> None:
        started, self._started = self._started, None
        if started is not None:
            started.line.close()
            started.lifeline.cut()
            started.process.send_signal(signal.SIGKILL)
            end_group(started.process.pid)
            started.process.wait()
