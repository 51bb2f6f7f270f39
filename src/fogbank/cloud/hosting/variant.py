"""One production variant of a fleet: its instances, and a request's way to one of them and back.

In: a plan and a host of instances; out: replies. A request to an instance that died goes to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.capacity import Capacity
from fogbank.cloud.hosting.instance import InstanceDownError
from fogbank.cloud.hosting.pool import Host, Pool, Reply
from fogbank.cloud.hosting.router import STRATEGIES
from fogbank.cloud.observe.capture import Capture, Source
from fogbank.contracts.container import INVOCATION_LIMIT_S


@dataclass(frozen=True, kw_only=True)
class VariantPlan:
    """What a variant is: whose it is, how many instances it has, how they share the requests, what is captured of them."""

    source: Source
    config_name: str
    capacity: Capacity
    strategy: str
    capture: Capture | None = None


class Variant:
    """A variant that runs."""

    def __init__(self, plan: VariantPlan, host: Host, runner: Runner, events: Events) -> None:
        self.plan = plan
        self._events = events
        source = plan.source
        key = ("instance", source.region, source.endpoint, source.variant)
        self.pool = Pool(host, plan.capacity, STRATEGIES[plan.strategy], runner, key, self._tell)

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.plan.source.variant

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Ask an instance. Raises FleetGoneError, InstanceDownError, InstanceTimeoutError."""
        seat = self.pool.take()
        try:
            return seat.server.invoke(body, headers, INVOCATION_LIMIT_S)
        except InstanceDownError:
            if seat.server.alive():
                raise
        finally:
            self.pool.leave(seat)
        seat = self.pool.take()
        try:
            return seat.server.invoke(body, headers, INVOCATION_LIMIT_S)
        finally:
            self.pool.leave(seat)

    def _tell(self, change: str, about: Mapping[str, str]) -> None:
        source = self.plan.source
        detail = {"variant": source.variant, "config": self.plan.config_name, **about}
        self._events.emit("instance", source.region, source.endpoint, change, **detail)
