"""What is to be done at a moment of the cloud's clock, once, and is not forgotten by a `kill -9`: events that wait, and what is tried again.

In: a document and a moment; out: it is given to whoever knows its kind, in time's order, and gone when that does not put it back. What was
being done when the cloud was killed is done again, but what is done once: if it had written something, it is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.slots import doing
from fogbank.cloud.ground.store import Document, Store

log = logging.getLogger("fogbank.cloud")
PERIOD_S = 1.0
INSTANT_S = 0.001
"""The clock is set to a moment of whole microseconds."""
AT = "_at"
Work = Callable[[str, str, Document], None]
"""Does what a document says, by (region, id, document). It may `put` the same id again."""


class Later:
    """Things to do; safe from many threads."""

    def __init__(self, store: Store, clock: Clock, runner: Runner) -> None:
        self._store, self.clock, self._runner = store, clock, runner
        self._kinds: dict[str, Work] = {}
        self._once: set[str] = set()

    def know(self, kind: str, work: Work, *, once: bool = False) -> None:
        """What is done with documents of a kind; not again, with `once`, by the process that follows a killed one."""
        self._kinds[kind] = work
        if once:
            self._once.add(kind)

    def put(self, kind: str, region: str, name: str, document: Document, at: float) -> None:
        """Have it done at a moment, in the cloud's seconds since 1970."""
        self._store.put(kind, region, name, {**document, AT: at})

    def begin(self, kind: str, region: str, name: str, document: Document) -> None:
        """Have it done now, beside the caller; it is in the store when this returns."""
        self.put(kind, region, name, document, self.clock.epoch())
        self._submit(kind, region, name)

    def wait(self, kind: str, region: str, name: str) -> None:
        """Return when it is not being done any more."""
        self._runner.wait((kind, region, name))

    def start(self) -> None:
        """Do what comes due as time passes."""
        self._runner.every(("later",), PERIOD_S, self.turn)

    def turn(self) -> None:
        """Begin what is due."""
        now = self.clock.epoch()
        for at, kind, region, name in self._due():
            if at <= now:
                self._submit(kind, region, name)

    def catch_up(self, until: datetime) -> None:
        """Do what is due up to a moment that the clock has not reached, one after the other, each at its own."""
        done: set[tuple[float, str, str, str]] = set()
        while (due := self._due()) and due[0][0] <= until.timestamp() and due[0] not in done:
            done.add(due[0])
            at, kind, region, name = due[0]
            self.clock.move_to(datetime.fromtimestamp(at, UTC))
            self.wait(kind, region, name)
            if self._store.get(kind, region, name) is not None:
                self._submit(kind, region, name)
                self.wait(kind, region, name)

    def _due(self) -> list[tuple[float, str, str, str]]:
        """(moment, kind, region, id) of everything, the first first."""
        return sorted(
            (float(document[AT]), kind, region, name)
            for kind in self._kinds
            for region, name, document in self._store.named(kind)
        )

    def _submit(self, kind: str, region: str, name: str) -> None:
        self._runner.submit((kind, region, name), lambda _: self._do(kind, region, name))

    def _do(self, kind: str, region: str, name: str) -> None:
        document = self._store.get(kind, region, name)
        if document is None:
            return
        at = document.pop(AT)
        if at > self.clock.epoch() + INSTANT_S:
            return
        slot = f"{kind}/{region}/{name}/{at}" if kind in self._once else ""
        if slot and self._store.marked(slot):
            self._store.delete(kind, region, name)
            return
        try:
            with doing(slot):
                self._kinds[kind](region, name, document)
        except Exception:  # it would be tried again for ever
            log.exception("%s %s", kind, name)
            self._store.delete(kind, region, name)
            return
        kept = self._store.get(kind, region, name)
        if kept is not None and kept[AT] == at:
            self._store.delete(kind, region, name)
