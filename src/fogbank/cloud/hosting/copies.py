"""The copies of inference components that run: each is an instance's process of its own, and a component has a pool of them.

In: a component's specification as it is to run; out: a variant with seats for requests, found in one look-up that never waits. What replaces
another specification starts beside it, and takes the requests when all of it answers, or a share of them after the other.
"""

from __future__ import annotations

import random
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
from fogbank.cloud.hosting.router import DEFAULT_STRATEGY, Draw
from fogbank.cloud.hosting.stages import ComingError, Name
from fogbank.cloud.hosting.variant import Variant, VariantPlan
from fogbank.cloud.observe.capture import Source

STOPPED = "it was stopped while it started"


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
        return self.config == site.deployment.name and self.part.is_same(part)


@dataclass
class Slot:
    """One component's copies: what serves, and what is to, with its `share` of the requests. `work` is held by the one who changes them;
    `closed` when nothing may come any more."""

    name: Name
    work: threading.Lock = field(default_factory=threading.Lock)
    serving: Serving | None = None
    coming: Serving | None = None
    share: float = 0.0
    closed: bool = False

    @property
    def all(self) -> list[Serving]:
        """What runs."""
        return [each for each in (self.coming, self.serving) if each is not None]


class Copies:
    """The pools by component; safe from many threads."""

    def __init__(self, yard: Callable[[], Yard], draw: Draw = random.random) -> None:
        self._yard, self._draw = yard, draw
        self._lock = threading.Lock()
        self._slots: dict[Name, Slot] = {}
        self._expected: set[Name] = set()

    def slot(self, name: Name) -> Slot:
        """The component's slot, which is made."""
        with self._lock:
            return self._slots.setdefault(name, Slot(name))

    def find(self, name: Name) -> Serving | None:
        """What gets the next request. Raises ComingError where it comes up again after a restart: ask later."""
        slot = self._slots.get(name)
        serving, coming = (slot.serving, slot.coming) if slot else (None, None)
        if slot is not None and coming is not None and slot.share and self._draw() < slot.share:
            return coming
        if serving is None and name in self._expected:
            raise ComingError
        return serving

    def running(self, name: Name) -> int:
        """How many copies answer requests now."""
        slot = self._slots.get(name)
        if slot is None:
            return 0
        return sum(each.variant.pool.running for each in slot.all if each is slot.serving or slot.share)

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
            for each in slot.all:
                each.variant.pool.adjust()

    def bring(self, slot: Slot, part: Part, site: Site, stop: threading.Event) -> None:
        """Have what is said serve, and return when all of it answers; else what served goes on. Raises StartError."""
        serving = slot.serving
        if serving is not None and serving.is_of(part, site):
            self._resize(slot, serving, part, stop)
            return
        try:
            self.launch(slot, part, site, stop)
        except StartError:
            self.drop(slot)
            raise
        self.take_over(slot, part)

    def launch(self, slot: Slot, part: Part, site: Site, stop: threading.Event) -> None:
        """Have as many copies beside what serves, or as many more of them, and return when all answer. Raises StartError."""
        with self._lock:
            if slot.coming is None and not slot.closed:
                slot.coming = Serving(variant=self._variant(part, site), part=part, config=site.deployment.name)
            coming = slot.coming
        if coming is None:
            raise StartError(STOPPED)
        coming.variant.pool.resize(Provisioned(part.copies))
        coming.variant.pool.wait(stop)

    def route(self, slot: Slot, share: float) -> None:
        """Give what comes so much of the requests."""
        slot.share = share

    def keep(self, slot: Slot, *, serving: int | None = None, coming: int | None = None) -> None:
        """Have so many copies of what serves, or of what comes, from now on; does not wait."""
        for each, count in ((slot.serving, serving), (slot.coming, coming)):
            if each is not None and count is not None:
                each.variant.pool.resize(Provisioned(count))

    def regrow(self, slot: Slot, count: int, stop: threading.Event) -> None:
        """Have so many copies of what serves again, and return when all answer. Raises StartError."""
        if slot.serving is not None:
            slot.serving.variant.pool.resize(Provisioned(count))
            slot.serving.variant.pool.wait(stop)

    def take_over(self, slot: Slot, part: Part) -> None:
        """What came serves, as that part says, and what served ends. Raises StartError where it was stopped meanwhile."""
        with self._lock:
            old, coming, slot.coming, slot.share = slot.serving, slot.coming, None, 0.0
            if coming is None or slot.closed:
                raise StartError(STOPPED)
            slot.serving = replace(coming, part=part)
        if old is not None:
            old.variant.pool.close()

    def drop(self, slot: Slot) -> None:
        """What came ends, and what served goes on."""
        with self._lock:
            coming, slot.coming, slot.share = slot.coming, None, 0.0
        if coming is not None:
            coming.variant.pool.close()

    def close(self, slot: Slot) -> list[Task]:
        """Begin to stop a component's copies, finishing what is in flight, and forget it; the tasks that do so."""
        with self._lock:
            slot.closed = True
            if self._slots.get(slot.name) is slot:
                del self._slots[slot.name]
            self._expected.discard(slot.name)
            pools = [each.variant.pool for each in slot.all]
            slot.serving, slot.coming = None, None
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
