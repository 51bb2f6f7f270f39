"""Who waits for messages of SQS: a list, one thread that looks at all of them, and no thread of anybody's own.

In: a ReceiveMessage; out: its answer to a callback, at once, when a message is there, or when it has waited for as long as it said.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.moto.gateway import POLL_S, MotoGateway
from fogbank.cloud.moto.journal import operation_name
from fogbank.cloud.moto.polls import Poll, is_empty, poll_of

log = logging.getLogger("fogbank.cloud")
REST_S = 0.2
"""Nobody waits: how long a stop may go unseen."""
Told = Callable[[Answer], None]


@dataclass(frozen=True, eq=False)
class _Waiting:
    poll: Poll
    told: Told
    until: float


class LongPolls:
    """The waiting polls of every queue. `submit` does work in one of the threads for short work."""

    def __init__(self, moto: MotoGateway, submit: Callable[[Callable[[], None]], None]) -> None:
        self._moto, self._submit = moto, submit
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._waiting: list[_Waiting] = []
        self._ended = False

    @staticmethod
    def takes(request: Request) -> bool:
        """Whether the request receives messages."""
        return request.service == "sqs" and operation_name(request) == "ReceiveMessage"

    def start(self, request: Request, told: Told) -> None:
        """Answer, or have it wait; in a thread for short work."""
        poll = poll_of(request)
        if poll is None or not poll.wait_s:
            told(self._moto.handle(request))
        else:
            self._try(_Waiting(poll, told, time.monotonic() + poll.wait_s))

    def watch(self, stop: threading.Event) -> None:
        """Look after those who wait until the stop; then they are told what is there."""
        while not stop.is_set():
            if not self._some.wait(REST_S):
                continue
            self._moto.wait_for_write(POLL_S)
            for waiting in self._take(time.monotonic()):
                self._submit(partial(self._try, waiting))
        self._ended = True
        for waiting in self._take(float("inf")):
            self._submit(partial(self._try, waiting))

    def _take(self, now: float) -> list[_Waiting]:
        """Those who need not wait any more."""
        with self._lock:
            waiting = list(self._waiting)
        due = {each for each in waiting if each.until <= now or self._moto.ready(each.poll)}
        with self._lock:
            self._waiting = [each for each in self._waiting if each not in due]
            if not self._waiting:
                self._some.clear()
        return [each for each in waiting if each in due]

    def _try(self, waiting: _Waiting) -> None:
        request = waiting.poll.request
        try:
            answer = self._moto.receive(waiting.poll)
        except Exception as error:  # whoever waits is told, whatever happens
            log.exception("%s", request.path)
            answer = error_answer(request, 500, "InternalFailure", f"the local cloud failed: {error!r}")
        if not is_empty(answer) or self._ended or time.monotonic() >= waiting.until:
            waiting.told(answer)
            return
        with self._lock:
            self._waiting.append(waiting)
            self._some.set()
