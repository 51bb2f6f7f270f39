"""Fleets: the running instances behind each endpoint, and the traffic between them.

In: an EndpointConfig document; out: a `Fleet` that invokes. A fleet that cannot start in full is stopped in full.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import urllib3

from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.instance import Instance, InstanceDownError, StartError
from fogbank.cloud.hosting.workspace import Workspace
from fogbank.contracts.container import INVOCATION_LIMIT_S, STARTUP_LIMIT_S


@dataclass(frozen=True, kw_only=True)
class VariantPlan:
    """What one production variant is started from."""

    name: str
    model: Document
    count: int
    weight: float
    startup_limit_s: float = STARTUP_LIMIT_S


class VariantFleet:
    """The instances of one variant; a request goes to the next one, a dead one is replaced."""

    def __init__(self, endpoint: str, plan: VariantPlan, workspace: Workspace) -> None:
        self._endpoint, self.plan, self._workspace = endpoint, plan, workspace
        self._lock = threading.Lock()
        self._turn = itertools.count()
        self.instances: list[Instance] = []

    def start(self) -> None:
        """Start every instance. Raises StartError."""
        with ThreadPoolExecutor(max(1, self.plan.count)) as pool:
            waiting = [pool.submit(self._launch) for _ in range(self.plan.count)]
        failures = [error for error in (future.exception() for future in waiting) if error]
        self.instances = [future.result() for future in waiting if not future.exception()]
        if failures:
            self.stop()
            raise failures[0]

    def stop(self) -> None:
        """Stop every instance, finishing what is in flight."""
        with self._lock:
            leaving, self.instances = self.instances, []
        for instance in leaving:
            self._workspace.stop(instance)

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Ask the next instance; a request to one that died is sent again to its replacement. Raises InstanceDownError."""
        instance = self._next()
        try:
            return instance.invoke(body, headers, INVOCATION_LIMIT_S)
        except InstanceDownError:
            if instance.alive():
                raise
            return self.replace(instance).invoke(body, headers, INVOCATION_LIMIT_S)

    def replace(self, dead: Instance) -> Instance:
        """A new instance in the place of a dead one; the same one for all who ask at once. Raises InstanceDownError."""
        with self._lock:
            if dead not in self.instances:
                return self._pick()
            try:
                fresh = self._launch()
            except StartError as error:
                raise InstanceDownError(f"the instance died and cannot be replaced: {error}") from error
            self.instances[self.instances.index(dead)] = fresh
        self._workspace.stop(dead, grace_s=0)
        return fresh

    def _launch(self) -> Instance:
        log = f"endpoints/{self._endpoint}/{self.plan.name}"
        return self._workspace.start(self.plan.model, log, {}, self.plan.startup_limit_s)

    def _next(self) -> Instance:
        instance = self._pick()
        return instance if instance.alive() else self.replace(instance)

    def _pick(self) -> Instance:
        running = self.instances
        if not running:
            raise InstanceDownError(f"variant {self.plan.name} has no instance")
        return running[next(self._turn) % len(running)]


class Fleet:
    """All variants of one endpoint under one configuration."""

    def __init__(self, endpoint: str, config_name: str, plans: list[VariantPlan], workspace: Workspace) -> None:
        self.config_name = config_name
        self.variants = {plan.name: VariantFleet(endpoint, plan, workspace) for plan in plans}
        self.weights = {plan.name: plan.weight for plan in plans}

    def start(self) -> None:
        """Start every variant, or none. Raises StartError with the variant's name."""
        for name, variant in self.variants.items():
            try:
                variant.start()
            except Exception as error:
                self.stop()
                raise StartError(f"production variant {name}: {error}") from error

    def stop(self) -> None:
        """Stop every variant."""
        for variant in self.variants.values():
            variant.stop()

    def route(self, target: str | None, draw: Callable[[], float] = random.random) -> VariantFleet:
        """The target variant, or one by weight. Raises KeyError for an unknown target."""
        if target:
            return self.variants[target]
        names, weights = list(self.weights), list(self.weights.values())
        point = draw() * sum(weights)
        for name, weight in zip(names, weights, strict=True):
            point -= weight
            if point < 0:
                return self.variants[name]
        return self.variants[names[-1]]

    def heal(self) -> None:
        """Replace dead instances."""
        for variant in self.variants.values():
            for instance in list(variant.instances):
                if not instance.alive():
                    variant.replace(instance)


class Watch:
    """Looks after all fleets: an instance that died is replaced before the next request finds out."""

    def __init__(self, fleets: Callable[[], list[Fleet]], period_s: float = 0.5) -> None:
        self._fleets, self._period_s = fleets, period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        failures: dict[int, float] = {}
        while not self._stop.wait(self._period_s):
            for fleet in self._fleets():
                if failures.get(id(fleet), 0) > time.monotonic():
                    continue
                try:
                    fleet.heal()
                except InstanceDownError:
                    failures[id(fleet)] = time.monotonic() + 10 * self._period_s
