"""Queues go by the cloud's clock: moto's timeouts are moments of the machine's, so what the cloud is ahead by passes for them too.

In: how far the cloud's clock is ahead of the machine's; out: moto's messages, as old as the cloud says. Source: the SQS Developer Guide,
"Amazon SQS visibility timeout", "delay queues", "message retention".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

LEAST_S = 0.001


class Passing:
    """`ahead` says by how many seconds the cloud is ahead. Whoever calls has a turn."""

    def __init__(self, ahead: Callable[[], float]) -> None:
        self._ahead, self._known = ahead, ahead()
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Let pass what the clock was moved by since the last time; a clock that stands still holds the messages."""
        with self._lock:
            ahead = self._ahead()
            if abs(ahead - self._known) >= LEAST_S:
                self._bring(ahead)

    def mark(self) -> None:
        """The same, and every message has with it how far ahead the cloud was: whoever reads it back lets pass what came after."""
        with self._lock:
            self._bring(self._ahead())

    def _bring(self, ahead: float) -> None:
        """A message without a mark was sent since the last time."""
        for queue in _queues():
            for message in queue._messages:
                _age(message, (ahead - getattr(message, "ahead", self._known)) * 1000.0)
                message.ahead = ahead
            _let_go(queue)
        self._known = ahead


def _queues() -> Iterator[Any]:
    from moto.sqs.models import sqs_backends

    for regions in list(sqs_backends.values()):
        for backend in list(regions.values()):
            yield from list(backend.queues.values())


def _age(message: Any, milliseconds: float) -> None:
    message.visible_at -= milliseconds
    message.delayed_until -= milliseconds
    message.passed_ms = getattr(message, "passed_ms", 0.0) + milliseconds


def _let_go(queue: Any) -> None:
    """Nobody is asked for a message that is older than the queue keeps it: moto would stop at the first, and hold its group for ever."""
    from moto.core.utils import unix_time_millis

    least = unix_time_millis() - float(queue.message_retention_period) * 1000.0
    kept = [message for message in queue._messages if message.sent_timestamp - message.passed_ms > least]
    if len(kept) < len(queue._messages):
        queue._messages = kept
        queue._pending_messages.intersection_update(kept)
