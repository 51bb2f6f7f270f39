"""`python -m fogbank.direct.batches`: mini-batches of a transform job, scored in the model's own environment without HTTP.

In: the environment of the job's container, and a socket for each process that is to score (ENV_BATCH_FDS); out: the messages of
`contracts.batch_lines`. Whatever is not a plain success is left to the server, which says what it is. No code of a package's own is run.
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
from typing import TYPE_CHECKING, NoReturn

from fogbank.contracts.batch_lines import (
    BATCH,
    BUFFER,
    COUNT,
    LONGEST,
    OUTPUT,
    READY,
    SERVER,
    START,
    Message,
    receive,
    send,
)
from fogbank.contracts.container import (
    ENV_BATCH_FDS,
    ENV_BATCH_MEMORY,
    ENV_BATCH_REQUEST,
    ENV_PARENT_FD,
    MEBIBYTE,
    serve_settings,
)
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.machine import keep_freed_memory
from fogbank.ground.processes import children, end_with_parent, memory

if TYPE_CHECKING:
    from fogbank.direct.scorer import Scorer

NO_ROOM = b"there is no memory for another process"
UNUSUAL = b"it is not a plain success"
log = logging.getLogger("fogbank.access")


def main() -> int:
    """Score until the sockets are closed, or the parent is gone; a process for each socket, the first one at once and others when they are
    asked for, as long as there is memory for them."""
    from fogbank.serve.__main__ import THREADS

    os.environ.update({name: "1" for name in THREADS if name not in os.environ})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = [socket.socket(fileno=int(number)) for number in os.environ[ENV_BATCH_FDS].split(",")]
    from fogbank.direct import scorer  # noqa: F401 - before there are several: what is imported is shared

    gc.freeze()
    return Scorers(lines, int(os.environ[ENV_PARENT_FD]), int(os.environ.get(ENV_BATCH_MEMORY, "0"))).serve()


class Scorers:
    """The processes. It has one thread, as it forks; `lifeline` closes with the parent; `budget` is how many bytes they may all hold, 0 for
    as many as there are."""

    def __init__(self, lines: list[socket.socket], lifeline: int, budget: int) -> None:
        self._waiting, self._lifeline, self._budget = {line.fileno(): line for line in lines}, lifeline, budget
        self._count = 0

    def serve(self) -> int:
        """Until all have ended, or the lifeline is cut."""
        self._begin(next(iter(self._waiting.values())))
        watched = select.poll()
        for descriptor in (self._lifeline, *self._waiting):
            watched.register(descriptor, select.POLLIN | select.POLLHUP)
        while self._waiting:
            for descriptor, _ in watched.poll():
                if descriptor == self._lifeline:
                    return 1
                watched.unregister(descriptor)
                self._asked(self._waiting[descriptor])
        end_with_parent(self._lifeline)
        for _ in range(self._count):
            os.wait()
        return 0

    def _asked(self, line: socket.socket) -> None:
        """Another process is wanted, or its line is closed."""
        with contextlib.suppress(EOFError, OSError):
            if receive(line).kind == START:
                if self._has_room():
                    self._begin(line)
                    return
                send(line, SERVER, NO_ROOM)
        self._leave(line)

    def _has_room(self) -> bool:
        """Whether another one, as large as the largest is, is within the budget: those that have just begun hold little yet."""
        return not self._budget or max(map(memory, children(os.getpid()))) * (self._count + 1) <= self._budget

    def _begin(self, line: socket.socket) -> None:
        if not os.fork():
            _work(line, list(self._waiting.values()))
        self._count += 1
        self._leave(line)

    def _leave(self, line: socket.socket) -> None:
        del self._waiting[line.fileno()]
        line.close()


def _work(line: socket.socket, lines: list[socket.socket]) -> NoReturn:
    """Be one of the processes."""
    status = 1
    try:
        end_with_parent(int(os.environ[ENV_PARENT_FD]))
        for other in lines:
            if other is not line:
                other.close()
        score(line)
    except (EOFError, OSError):
        status = 0  # nobody asks any more
    finally:
        sys.stderr.flush()
        os._exit(status)


def score(line: socket.socket) -> None:
    """Load, say that it is ready or why not, and answer. Raises EOFError, OSError where nobody asks any more."""
    from fogbank.direct.scorer import DEFAULT_PAYLOAD_MB, Loaded, Scorer
    from fogbank.serve import logs
    from fogbank.serve.handler import load_handler

    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    keep_freed_memory()
    try:
        settings = serve_settings(os.environ)
        logs.set_up(settings.log_level, settings.log_format)
        handler = load_handler(settings)
    except Exception as error:  # noqa: BLE001 - the server meets it too, and says it
        return send(line, SERVER, f"{type(error).__name__}: {error}".encode())
    if handler.own_code:
        return send(line, SERVER, b"the model has code of its own")
    request = TransformRequest.from_json(os.environ[ENV_BATCH_REQUEST])
    payload_mb = DEFAULT_PAYLOAD_MB if request.max_payload_mb is None else request.max_payload_mb
    limit = min(payload_mb * MEBIBYTE or settings.payload_limit, settings.payload_limit)
    scorer = Scorer(Loaded(handler, settings.model_dir), request)
    send(line, READY)
    while True:
        _answer(line, scorer, limit, settings.timeout_s)


def _answer(line: socket.socket, scorer: Scorer, limit: int, timeout_s: float) -> None:
    message = receive(line)
    began = time.perf_counter()
    output = _output(message, scorer, limit)
    seconds = time.perf_counter() - began
    if output is None or len(output) > LONGEST or seconds > timeout_s:
        send(line, SERVER, UNUSUAL)
        return
    log.info("POST /invocations 200 %.3f ms, without HTTP", seconds * 1000)
    send(line, OUTPUT, output)


def _output(message: Message, scorer: Scorer, limit: int) -> bytes | None:
    """What is written of a mini-batch, behind the number of its lines where that is asked; None where it is not as usual."""
    from fogbank.direct.columns import lines_in

    made = scorer.attempt(message.body, limit)
    return made if made is None or message.kind == BATCH else COUNT.pack(lines_in(message.body)) + made


if __name__ == "__main__":
    sys.exit(main())
