"""The server's first process: it holds the socket, starts the workers, replaces those that die, and ends with them.

It loads nothing of the model or the web server, so that it stays small and a worker is only a fork away. Exit status:
0 stopped on request, 3 the model cannot be loaded.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
import time

from fogbank.contracts.container import ENV_PARENT_FD, ENV_REPORT_FD, STOP_GRACE_S, ServeSettings
from fogbank.serve.problems import EXIT_LOAD, EXIT_STOPPED, LoadError
from fogbank.serve.scoreboard import Field, Scoreboard, State

log = logging.getLogger("fogbank.serve")
WATCH_S = 0.25
HUNG_AFTER_S = 5.0
"""A worker whose loop has stood still this long beyond the handler's time limit is killed."""
FAILURES_LIMIT = 5
BACKLOG = 2048


class Supervisor:
    """Runs `settings.workers` workers until SIGTERM, SIGINT, or its own parent's end."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._board = Scoreboard(settings.workers)
        self._listener = listen(settings)
        self._lifeline, self._hold = os.pipe()
        self._causes, self._report = os.pipe()
        self._workers: dict[int, int] = {}
        self._due: dict[int, float] = dict.fromkeys(range(settings.workers), 0.0)
        self._failures = 0
        self._was_ready = False
        self._stopping_since: float | None = None
        self._exit_status = EXIT_STOPPED

    def run(self) -> int:
        """Serve until told to stop; returns the exit status."""
        wake, parent = _wake_on_signals(), _parent()
        gc.freeze()
        while self._stopping_since is None or self._workers:
            self._start_due()
            readable, _, _ = select.select([wake, *parent], [], [], WATCH_S)
            if wake in readable and {signal.SIGTERM, signal.SIGINT} & set(os.read(wake, 64)):
                self._stop()
            if parent and parent[0] in readable:
                parent = []
                self._stop()
            self._reap()
            self._watch_workers()
        return self._exit_status

    def _start_due(self) -> None:
        if self._stopping_since is not None:
            return
        now = time.monotonic()
        for index in [index for index, due in self._due.items() if due <= now]:
            del self._due[index]
            self._workers[self._fork(index)] = index

    def _fork(self, index: int) -> int:
        slot = self._board.slots[index]
        slot[Field.STATE], slot[Field.CONNECTIONS], slot[Field.HELD] = State.LOADING, 0, 0
        slot.beat()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            status = self._be_worker(index)
        except BaseException:  # a worker that ends in any way must not go on as a second supervisor
            log.exception("the worker failed")
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _be_worker(self, index: int) -> int:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.close(self._hold)
        from fogbank.serve.worker import REPORT_BYTES, Post, run_worker

        try:
            return run_worker(
                Post(
                    index=index,
                    settings=self._settings,
                    board=self._board,
                    listener=self._listener,
                    lifeline=self._lifeline,
                    report=self._report,
                )
            )
        except LoadError as error:
            os.write(self._report, str(error).encode()[:REPORT_BYTES])
            return EXIT_LOAD

    def _stop(self) -> None:
        """Let the workers leave. The socket is closed here before they hear of it, and one that still loads beside others goes at
        once: whoever has it open after the last that answers would be sent connections, and answer none."""
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            self._listener.close()
            ready = {pid for pid, index in self._workers.items() if self._board.slots[index].state is State.READY}
            if ready:
                for pid in self._workers.keys() - ready:
                    _signal(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    self._ended(self._workers.pop(pid), EXIT_STOPPED)
            for pid in ready or self._workers:
                _signal(pid, signal.SIGTERM)

    def _reap(self) -> None:
        for pid, index in list(self._workers.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._workers[pid]
                self._ended(index, os.waitstatus_to_exitcode(status))

    def _ended(self, index: int, status: int) -> None:
        slot = self._board.slots[index]
        was = slot.state
        slot[Field.STATE], slot[Field.CONNECTIONS], slot[Field.HELD] = State.DOWN, 0, 0
        if self._stopping_since is not None:
            return
        self._failures = self._failures + 1 if was is not State.READY and status != EXIT_STOPPED else 0
        if (status == EXIT_LOAD and not self._was_ready) or self._failures >= FAILURES_LIMIT:
            cause = os.read(self._causes, 1 << 16).decode("utf-8", "replace") if status == EXIT_LOAD else ""
            cause = cause or f"workers end before they are ready, the last with status {status}: giving up"
            log.error("%s", cause)
            if ENV_REPORT_FD in os.environ:
                os.write(int(os.environ[ENV_REPORT_FD]), cause.encode())
            self._exit_status = EXIT_LOAD
            self._stop()
            return
        slot.add(Field.RESTARTS)
        log.warning("worker %d ended with status %d and is replaced", index, status)
        self._due[index] = time.monotonic() + 0.1 * 2**self._failures * bool(self._failures)

    def _watch_workers(self) -> None:
        """Kill what hangs: a loop that stands still, or a worker that outstays the grace time."""
        now = time.monotonic()
        self._was_ready = self._was_ready or self._board.ready()
        for pid, index in self._workers.items():
            slot = self._board.slots[index]
            patience = HUNG_AFTER_S + (
                self._settings.timeout_s if slot.state is State.READY else self._settings.startup_timeout_s
            )
            hung = now - slot[Field.HEARTBEAT] > patience
            overdue = self._stopping_since is not None and now - self._stopping_since > STOP_GRACE_S - 3
            if hung or overdue:
                log.error("worker %d %s: it is killed", index, "does not answer" if hung else "does not end in time")
                _signal(pid, signal.SIGKILL)


def listen(settings: ServeSettings) -> socket.socket:
    """The socket to accept from, not blocking: the port of every address in a container, of loopback alone where a parent
    on the same machine started this; or a Unix socket."""
    if settings.unix_socket is not None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(settings.unix_socket))
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1" if ENV_PARENT_FD in os.environ else "0.0.0.0", settings.port))  # noqa: S104 - the platform's own port
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _wake_on_signals() -> int:
    """The read end of a pipe that every signal writes its number to."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return read_end


def _parent() -> list[int]:
    """The pipe that closes when the process that started this one is gone. None in a container."""
    descriptor = os.environ.get(ENV_PARENT_FD)
    return [int(descriptor)] if descriptor else []


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
