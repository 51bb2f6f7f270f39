"""What happened, in order: one append-only stream that the console, the log and tests listen to.

In: facts, from whoever made them true; out: the same facts by number, now or as they come. The newest `KEPT` are in the store,
so that a listener that was away, or a cloud that was killed, finds them; a number is never given twice.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store

log = logging.getLogger("fogbank.cloud")
KEPT = 10_000


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fact. `at` is the cloud's time in seconds since 1970; `topic` the kind of thing (`endpoint`), `change` what became of it
    (a status, or a verb in the past), `detail` what else is known: JSON values."""

    seq: int
    at: float
    topic: str
    region: str
    name: str
    change: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The event as JSON has it."""
        return asdict(self)


class Events:
    """The stream of one cloud; safe from many threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._changed = threading.Condition()
        self._closed = False

    def emit(self, topic: str, region: str, name: str, change: str, **detail: Any) -> None:
        """Add a fact. Never fails: what is told has happened, and a full disk does not undo it."""
        with self._changed:
            row = (self._clock.epoch(), topic, region, name, change, json.dumps(detail, default=str))
            try:
                self._store.append_event(row, KEPT)
            except sqlite3.Error:
                log.exception("an event was not written: %s %s %s", topic, name, change)
            self._changed.notify_all()

    def since(self, seq: int, limit: int = 1000) -> Sequence[Event]:
        """Events after number `seq`, oldest first."""
        return [
            Event(seq=number, at=at, topic=topic, region=region, name=name, change=change, detail=json.loads(detail))
            for number, at, topic, region, name, change, detail in self._store.events_after(seq, limit)
        ]

    def wait(self, seq: int, timeout_s: float, limit: int = 1000) -> Sequence[Event]:
        """Events after number `seq`; where there are none yet, those that come within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._store.events_after(seq, 1)), timeout_s)
        return self.since(seq, limit)

    def close(self) -> None:
        """Nobody waits any more: the cloud stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
