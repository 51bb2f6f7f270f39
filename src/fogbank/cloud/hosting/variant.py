"""One production variant of a fleet: what it is, and the instances that it has.

In: a plan and a host of instances; out: a pool with seats for requests, and an event of what becomes of each instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.address import Address
from fogbank.cloud.hosting.capacity import Capacity
from fogbank.cloud.hosting.pool import Host, Pool
from fogbank.cloud.hosting.router import STRATEGIES, least_busy
from fogbank.cloud.hosting.serverless import Concurrency
from fogbank.cloud.observe.capture import Capture, Source


@dataclass(frozen=True, kw_only=True)
class VariantPlan:
    """What a variant is: whose it is, how many instances it has, how they share the requests, what these may name, what is captured of
    them.

    An instance has `most` requests at once; `asynchronous` ones come from the backlog alone; a serverless variant has a `concurrency`.
    """

    source: Source
    config_name: str
    capacity: Capacity
    strategy: str
    address: Address
    capture: Capture | None = None
    most: int | None = None
    asynchronous: bool = False
    concurrency: Concurrency | None = None


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """The variant that is asked a `share` of what another one is asked."""

    variant: Variant
    share: float


class Variant:
    """A variant that runs. `shadow` is what its requests are copied to, by the weights that count now."""

    def __init__(self, plan: VariantPlan, host: Host, runner: Runner, events: Events) -> None:
        self.plan = plan
        self.shadow: Shadow | None = None
        self._events = events
        source = plan.source
        key = ("instance", source.region, source.endpoint, source.variant)
        choose = STRATEGIES[plan.strategy] if plan.most is None else least_busy
        self.pool = Pool(host, plan.capacity, choose, runner, key, self._tell, plan.most)

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.plan.source.variant

    def _tell(self, change: str, about: Mapping[str, str]) -> None:
        source = self.plan.source
        hosted = {"component": source.component} if source.component else {}
        detail = {"variant": source.variant, "config": self.plan.config_name, **hosted, **about}
        self._events.emit("instance", source.region, source.endpoint, change, **detail)
