"""The health of what serves: each instance is asked /ping now and then, as SageMaker does, and one that does not answer is ended.

In: instances that are ready; out: those that are frozen, or hold more memory than they may, are gone, and whoever runs them sees that
and starts others.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

log = logging.getLogger("fogbank.cloud")
PERIOD_S = 2.5
PATIENCE_S = 30.0
"""So long an instance may be silent that is not known to be stopped: a handler may hold Python's one lock for a while."""


class Patient(Protocol):
    """An instance, as its health is looked after."""

    @property
    def id(self) -> str:
        """What it is known by."""

    def alive(self) -> bool:
        """Whether it runs."""

    def responds(self) -> bool:
        """Whether /ping is answered within the limit."""

    def overfull(self) -> bool:
        """Whether all of it together holds more memory than it may."""

    def stopped(self) -> bool:
        """Whether a process of it was stopped."""

    def kill(self) -> None:
        """End it, with all that it has started."""


class Health:
    """Looks after instances; safe from many threads."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._heard: dict[Patient, float] = {}

    def watch(self, instance: Patient) -> None:
        """Look after an instance that has become ready."""
        with self._lock:
            self._heard[instance] = time.monotonic()

    def forget(self, instance: Patient) -> None:
        """It is stopped by whoever runs it."""
        with self._lock:
            self._heard.pop(instance, None)

    def watched(self) -> list[Patient]:
        """The instances that are looked after."""
        with self._lock:
            return list(self._heard)

    def turn(self) -> None:
        """Look at every one of them, and end those that are frozen or overfull."""
        for instance in self.watched():
            if instance.alive() and (why := self._fault(instance)):
                log.error("the instance %s %s: it is ended", instance.id, why)
                self.forget(instance)
                instance.kill()

    def _fault(self, instance: Patient) -> str:
        if instance.overfull():
            return "holds more memory than it may"
        return "" if self._hears(instance) else "does not answer /ping"

    def _hears(self, instance: Patient) -> bool:
        if instance.responds():
            with self._lock:
                if instance in self._heard:
                    self._heard[instance] = time.monotonic()
            return True
        with self._lock:
            heard = self._heard.get(instance)
        return heard is None or not (instance.stopped() or time.monotonic() - heard > self._patience_s)
