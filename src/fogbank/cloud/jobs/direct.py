"""Mini-batches of a transform job scored without HTTP, by processes of the model's own environment: the same bytes as by its server.

In: an unpacked model, the job's request; out: what is written of a mini-batch, or None, and then the server is asked as always: for a
model with code of its own, for whatever is not a plain success, and when a process has died. So every error is the server's.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from fogbank.cloud.ground.payload import Piece
from fogbank.cloud.hosting.instance import LaunchPlan, ProcessLauncher
from fogbank.contracts.batch_lines import (
    BATCH,
    BUFFER,
    COUNT,
    MODULE,
    OUTPUT,
    READY,
    START,
    receive,
    send,
    send_lines,
)
from fogbank.contracts.container import (
    ENV_BATCH_FDS,
    ENV_BATCH_HTTP,
    ENV_BATCH_MEMORY,
    ENV_BATCH_REQUEST,
    STARTUP_LIMIT_S,
)
from fogbank.contracts.errors import FogbankError
from fogbank.contracts.manifest import INNER_NAME, decode_package
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.processes import end_group, reap_group

WITHOUT = "records are scored without HTTP, by up to {} processes of the model's environment; what is not a plain success, by its server"
LOOK_S = 0.1
BY_SERVER = "records are scored by the model's server: {}"


class Direct(Protocol):
    """Processes that score without HTTP."""

    @property
    def workers(self) -> int:
        """How many mini-batches are scored at the same time."""

    def get(self, path: str) -> NoParameters:
        """The answer to /execution-parameters."""

    def output(self, body: bytes, timeout_s: float) -> bytes | None:
        """What is written of a mini-batch; None: ask the server."""

    def output_of(self, pieces: Sequence[Piece], timeout_s: float) -> tuple[bytes, int] | None:
        """What is written of a mini-batch of lines that lies in files, and how many it has; None: ask the server."""

    def close(self) -> None:
        """End them; what they are scoring is broken off."""


class NotDirectError(Exception):
    """The server is asked; the text says why."""


@dataclass(frozen=True)
class NoParameters:
    """The answer to /execution-parameters of a model without code: it has none."""

    status: int = 404
    data: bytes = b""


def check(request: TransformRequest, plan: LaunchPlan) -> ProcessLauncher:
    """What can start the processes. Raises NotDirectError where the bytes might be others than the server's."""
    if not isinstance(plan.launcher, ProcessLauncher):
        raise NotDirectError("it is a container")
    if plan.environment.get(ENV_BATCH_HTTP, "").lower() == "true":
        raise NotDirectError(f"{ENV_BATCH_HTTP} is true")
    if request.capture is not None and request.capture.generate_inference_id:
        raise NotDirectError("GenerateInferenceId")
    if request.max_payload_mb == 0:
        raise NotDirectError("MaxPayloadInMB is 0")
    if any(name.startswith("OTEL_") for name in plan.environment):
        raise NotDirectError("its requests are traced")
    try:
        package = decode_package((plan.base_dir / "model" / INNER_NAME).read_bytes())
    except (OSError, FogbankError) as error:
        raise NotDirectError("the model is no package of fogbank's") from error
    if package.handler is not None:
        raise NotDirectError("the model has code of its own")
    return plan.launcher


class DirectProcesses:
    """The processes of one instance of a job: one is ready, and others, `workers` in all, start when it is busy, as long as all of them hold
    no more than `memory` bytes (0: as many as there are). `ended` is called when they have been ended."""

    def __init__(
        self, request: TransformRequest, plan: LaunchPlan, workers: int, ended: Callable[[], None],
        stop: threading.Event | None = None, memory: int = 0,
    ) -> None:  # fmt: skip
        """Raises NotDirectError where they cannot score or `stop` is set before they can, with nothing left of them."""
        self.workers, self._ended, self._stop = workers, ended, stop or threading.Event()
        launcher = check(request, plan)
        pairs: list[tuple[socket.socket, socket.socket]] = []
        try:
            while len(pairs) < workers:
                pairs.append(socket.socketpair())
            numbers = [there.fileno() for _, there in pairs]
            more = {
                ENV_BATCH_FDS: ",".join(map(str, numbers)),
                ENV_BATCH_REQUEST: request.to_json(),
                ENV_BATCH_MEMORY: str(memory),
            }
            plan.log.parent.mkdir(parents=True, exist_ok=True)
            with plan.log.open("ab") as log:
                spawned = launcher.run((MODULE,), plan, more, log, numbers)
        except OSError as error:
            for here, _ in pairs:
                here.close()
            raise NotDirectError(str(error)) from error
        finally:
            for _, there in pairs:
                there.close()
        self._process, self._lifeline = spawned.process, spawned.lifeline
        self._lines = [here for here, _ in pairs]
        self._free, self._more = SimpleQueue[socket.socket | None](), SimpleQueue[socket.socket]()
        try:
            self._await_ready(self._lines[0])
        except (OSError, EOFError, NotDirectError) as error:
            self._end()
            raise NotDirectError(str(error) or "a process ended before it was ready") from error
        self._free.put(self._lines[0])
        for line in self._lines[1:]:
            self._more.put(line)
        note(plan.log, WITHOUT.format(workers))

    def get(self, path: str) -> NoParameters:
        """No such page."""
        del path
        return NoParameters()

    def output(self, body: bytes, timeout_s: float) -> bytes | None:
        """What is written of a mini-batch; None: ask the server."""
        return self._asked(lambda line: send(line, BATCH, body), timeout_s)

    def output_of(self, pieces: Sequence[Piece], timeout_s: float) -> tuple[bytes, int] | None:
        """What is written of a mini-batch of lines that lies in files, and how many it has; None: ask the server."""
        with ExitStack() as stack:
            try:
                files = [(stack.enter_context(each.file.open("rb", buffering=0)), each) for each in pieces]
                if any(os.fstat(file.fileno()).st_size < each.offset + each.size for file, each in files):
                    return None
            except OSError:
                return None
            lines = [(file, each.offset, each.size) for file, each in files]
            made = self._asked(lambda line: send_lines(line, lines), timeout_s)
        return None if made is None else (made[COUNT.size :], *COUNT.unpack_from(made))

    def _asked(self, ask: Callable[[socket.socket], None], timeout_s: float) -> bytes | None:
        """What a process answers; None: ask the server. A process that fails is asked no more."""
        line = self._next()
        if line is None:  # nobody is there any more
            self._free.put(None)
            return None
        try:
            line.settimeout(timeout_s)
            ask(line)
            message = receive(line)
        except (OSError, EOFError):
            line.close()
            self._free.put(None)
            return None
        self._free.put(line)
        return message.body if message.kind == OUTPUT else None

    def close(self) -> None:
        """End them, and remove what they had."""
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # who waits for an answer hears of it
        self._end()
        self._ended()

    def _next(self) -> socket.socket | None:
        """The line to a process that is free, or to a new one; None where one has died."""
        with contextlib.suppress(Empty):
            return self._free.get_nowait()
        with contextlib.suppress(Empty, OSError, EOFError, NotDirectError):  # those that are there go on alone
            line = self._more.get_nowait()
            send(line, START)
            self._await_ready(line)
            return line
        return self._free.get()

    def _await_ready(self, line: socket.socket) -> None:
        """Raises NotDirectError, also where the job is stopped meanwhile, EOFError, OSError."""
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        says, deadline = select.poll(), time.monotonic() + STARTUP_LIMIT_S
        says.register(line, select.POLLIN)
        while not says.poll(LOOK_S * 1000):
            if self._stop.is_set():
                raise NotDirectError("the job was stopped")
            if time.monotonic() > deadline:
                raise NotDirectError(f"no process was ready within {STARTUP_LIMIT_S:g} s")
        message = receive(line)
        if message.kind != READY:
            raise NotDirectError(message.body.decode(errors="replace"))

    def _end(self) -> None:
        end_group(self._process.pid)
        self._process.wait()
        reap_group(self._process.pid)
        self._lifeline.cut()
        for line in self._lines:
            line.close()


def note(log: Path, text: str) -> None:
    """A line of the cloud's in the log of the job's instance."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"fogbank: {text}\n")
