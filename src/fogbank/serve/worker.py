"""One worker process: connections from the shared socket, on an event loop that answers while the model loads in its thread.

It leaves when it gets SIGTERM or the supervisor is gone: it takes what waits at the socket, finishes what is in flight,
tells each connection that this answer is the last, and goes when no connection is busy any more.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from dataclasses import dataclass
from functools import partial

import uvloop

from fogbank.contracts.container import STOP_GRACE_S, ServeSettings
from fogbank.ground.collector import collect_seldom
from fogbank.ground.machine import give_back_memory
from fogbank.serve import logs
from fogbank.serve.accept import Acceptor, Turn
from fogbank.serve.connection import Connections
from fogbank.serve.handler import load_handler
from fogbank.serve.problems import EXIT_LOAD, EXIT_STOPPED, EXIT_WORN_OUT, LoadError
from fogbank.serve.runner import Runner
from fogbank.serve.scoreboard import Field, Scoreboard, State
from fogbank.serve.service import Service
from fogbank.serve.tracing import tracer_from

log = logging.getLogger("fogbank.serve")
DRAIN_S = STOP_GRACE_S - 5
BEAT_S = 0.1
REPORT_BYTES = 4096
"""What a pipe takes in one piece."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """What a worker gets from its supervisor. `lifeline` is the read end of a pipe that closes with the supervisor,
    `report` the write end of one that takes the cause when the model cannot be loaded."""

    index: int
    settings: ServeSettings
    board: Scoreboard
    listener: socket.socket
    lifeline: int
    report: int


def run_worker(post: Post) -> int:
    """Serve until told to stop; returns the exit status."""
    return uvloop.run(Worker(post).run())


class Worker:
    """Accepts, loads, serves, leaves."""

    def __init__(self, post: Post) -> None:
        self._board, self._slot, self._settings = post.board, post.board.slots[post.index], post.settings
        self._listener, self._lifeline, self._report = post.listener, post.lifeline, post.report
        self._tracer = tracer_from(os.environ)
        self._writer = logs.LogWriter()
        logs.set_up(post.settings.log_level, post.settings.log_format, self._writer.write)
        self._runner = Runner(post.settings, self._slot)
        self._service = Service(self._runner, post.settings, post.board, self._slot, self._tracer, self._writer.write)
        self._exit_status = EXIT_STOPPED

    async def run(self) -> int:
        """Serve until told to stop; returns the exit status."""
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        self._connections = Connections(self._service, self._settings.timeout_s, self._slot)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._leave.set)
        self._loop.add_reader(self._lifeline, self._leave.set)
        self._acceptor = Acceptor(self._listener, self._connections, self._turn, self._settings.user)
        self._slot[Field.STATE] = State.LOADING
        self._beat()
        loading = self._loop.create_task(self._load())
        await self._leave.wait()
        self._loop.remove_reader(self._lifeline)  # once closed it is readable for good
        loading.cancel()
        await self._drain()
        self._slot[Field.STATE] = State.DOWN
        if self._tracer is not None:
            self._tracer.shut_down()
        self._writer.close()
        return self._exit_status

    def _beat(self) -> None:
        """Ten times a second: say that the loop is alive, and look after what must not last."""
        self._slot.beat()
        self._connections.count()
        self._connections.sweep(time.monotonic())
        if self._runner.worn_out():
            log.error("handlers that were cut off do not end: this worker is replaced")
            self._end(EXIT_WORN_OUT)
        self._loop.call_later(BEAT_S, self._beat)

    def _turn(self, mine: int) -> Turn:
        """Whose turn it is to take a connection: not this worker's while only others are ready, or while one has fewer."""
        ready = [slot for slot in self._board.slots if slot is not self._slot and slot.state is State.READY]
        if ready and self._slot.state is not State.READY:
            return Turn.NEVER_MINE
        return Turn.ANOTHERS if any(slot[Field.CONNECTIONS] < mine for slot in ready) else Turn.MINE

    def _end(self, status: int) -> None:
        self._exit_status = status
        self._leave.set()

    async def _load(self) -> None:
        try:
            await self._runner.load(partial(load_handler, self._settings))
            give_back_memory()
        except TimeoutError:
            limit = self._settings.startup_timeout_s
            self._cannot_load(f"the model did not load within {limit:g} s (SAGEMAKER_STARTUP_TIMEOUT)")
        except LoadError as error:
            self._cannot_load(str(error))
        except Exception as error:  # a worker that cannot say why would stay unready for ever
            log.exception("loading failed")
            self._cannot_load(f"loading failed: {type(error).__name__}: {error}")
        else:
            gc.freeze()  # what is loaded stays: the collector need not look at it again, and does not stop requests to do so
            collect_seldom()
            self._slot[Field.STATE] = State.READY

    def _cannot_load(self, cause: str) -> None:
        os.write(self._report, cause.encode()[:REPORT_BYTES])
        self._end(EXIT_LOAD)

    async def _drain(self) -> None:
        """Leave without losing a request."""
        self._slot[Field.STATE] = State.LEAVING
        self._service.leaving = True
        await self._acceptor.close()
        await self._connections.drain(DRAIN_S)
        self._runner.stop()
        self._service.access.flush()
