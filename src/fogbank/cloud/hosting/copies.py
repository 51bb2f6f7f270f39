"""The copies of inference components that run: each is an instance's process of its own, and a component has a pool of them.

In: a component's specification as it is to run; out: a variant with seats for requests, found in one look-up that never waits. What replaces
another specification starts beside it, and takes the requests when all of it answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fogbank.cloud.ground.runner import Task
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.address import Address
from fogbank.cloud.hosting.capacity import Provisioned
from fogbank.cloud.hosting.component import Part
from fogbank.cloud.hosting.deployment import Deployment
from fogbank.cloud.hosting.fleet import Yard
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.router import DEFAULT_STRATEGY
from fogbank.cloud.hosting.stages import ComingError, Name
from fogbank.cloud.hosting.variant import Variant, VariantPlan
from fogbank.cloud.observe.capture import Source


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a component is hosted: a variant of an endpoint, whose configuration says how it is routed and captured."""

    source: Source
    deployment: Deployment
    item: Document


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A component's pool, what it was made from, and under which configuration of its endpoint."""

    variant: Variant
    part: Part
    config: str

    def is_of(self, part: Part, site: Site) -> bool:
        """Whether it runs that specification where it is to run: only the number of its copies may differ."""
        return self.config == site.deployment.name and replace(self.part, copies=part.copies) == part


@dataclass
class Slot:
    """One component's copies. `work` is held by the one who changes them; `closed` when nothing may come any more."""

    name: Name
    work: threading.Lock = field(default_factory=threading.Lock)
    serving: Serving | None = None
    coming: Variant | None = None
    closed: bool = False


class Copies:
    """The pools by component; safe from many threads."""

    def __init__(self, yard: Callable[[], Yard]) -> None:
        self._yard = yard
        self._lock = threading.Lock()
        self._slots: dict[Name, Slot] = {}
        self._expected: set[Name] = set()

    def slot(self, name: Name) -> Slot:
        """The component's slot, which is made."""
        with self._lock:
            return self._slots.setdefault(name, Slot(name))

    def find(self, name: Name) -> Serving | None:
        """What serves. Raises ComingError where it comes up again after a restart: ask later."""
        slot = self._slots.get(name)
        serving = slot.serving if slot else None
        if serving is None and name in self._expected:
            raise ComingError
        return serving

    def running(self, name: Name) -> int:
        """How many copies answer now."""
        slot = self._slots.get(name)
        return slot.serving.variant.pool.running if slot and slot.serving else 0

    def expect(self, name: Name) -> None:
        """It comes up again: those who ask for it are told so."""
        with self._lock:
            self._expected.add(name)

    def arrived(self, name: Name) -> None:
        """It came, or will not."""
        with self._lock:
            self._expected.discard(name)

    def adjust(self) -> None:
        """Begin to replace copies that died."""
        for slot in list(self._slots.values()):
            if slot.serving is not None:
                slot.serving.variant.pool.adjust()

    def bring(self, slot: Slot, part: Part, site: Site, stop: threading.Event) -> None:
        """Have what is said serve, and return when all of it answers; else what served goes on. Raises StartError."""
        serving = slot.serving
        if serving is not None and serving.is_of(part, site):
            self._resize(slot, serving, part, stop)
            return
        variant = self._variant(part, site)
        with self._lock:
            slot.coming = variant
        try:
            variant.pool.adjust()
            variant.pool.wait(stop)
        except StartError:
            variant.pool.close()
            raise
        finally:
            with self._lock:
                slot.coming = None
        with self._lock:
            closed = slot.closed
            if not closed:
                slot.serving = Serving(variant=variant, part=part, config=site.deployment.name)
        if closed:
            variant.pool.close()
            raise StartError("it was stopped while it started")
        if serving is not None:
            serving.variant.pool.close()

    def close(self, slot: Slot) -> list[Task]:
        """Begin to stop a component's copies, finishing what is in flight, and forget it; the tasks that do so."""
        with self._lock:
            slot.closed = True
            if self._slots.get(slot.name) is slot:
                del self._slots[slot.name]
            self._expected.discard(slot.name)
            pools = [each.pool for each in (slot.coming, slot.serving and slot.serving.variant) if each]
            slot.serving = None
        return [task for pool in pools for task in pool.close()]

    @contextmanager
    def emptied(self, timeout_s: float) -> Iterator[None]:
        """All that there is when this begins has stopped when it ends, or time is over."""
        with self._lock:
            slots = list(self._slots.values())
        tasks = [task for slot in slots for task in self.close(slot)]
        yield
        deadline = time.monotonic() + timeout_s
        for task in tasks:
            task.ended.wait(max(0.0, deadline - time.monotonic()))

    def _resize(self, slot: Slot, serving: Serving, part: Part, stop: threading.Event) -> None:
        """More copies, or fewer; what does not come leaves as many as there were."""
        pool = serving.variant.pool
        pool.resize(Provisioned(part.copies))
        try:
            pool.wait(stop)
        except StartError:
            pool.resize(Provisioned(serving.part.copies))
            raise
        with self._lock:
            if not slot.closed:
                slot.serving = replace(serving, part=part)

    def _variant(self, part: Part, site: Site) -> Variant:
        yard, deployment = self._yard(), site.deployment
        plan = VariantPlan(
            source=site.source,
            config_name=deployment.name,
            capacity=Provisioned(part.copies),
            strategy=site.item.get("RoutingConfig", {}).get("RoutingStrategy", DEFAULT_STRATEGY),
            address=Address.of(part.model),
            capture=deployment.capture,
        )
        host = yard.hosts(part.model, site.source, part.startup_limit_s, part.memory)
        return Variant(plan, host, yard.runner, yard.events)
