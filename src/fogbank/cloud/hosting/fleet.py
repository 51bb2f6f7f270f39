"""A fleet: the instances of every variant of one configuration, started as one and stopped as one.

In: a deployment; out: lanes for a router. It runs what it is told; how many, how long and with which share of the traffic is
decided elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner, Task
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.capacity import Provisioned
from fogbank.cloud.hosting.deployment import Deployment
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.pool import Host
from fogbank.cloud.hosting.router import DEFAULT_STRATEGY, Lane
from fogbank.cloud.hosting.variant import Variant, VariantPlan
from fogbank.cloud.observe.capture import Source
from fogbank.contracts.container import STARTUP_LIMIT_S

Hosts = Callable[[Document, str, float], Host]
"""A model, a folder below the logs and a start-up limit in seconds to a host of the model's instances."""


@dataclass(frozen=True, kw_only=True)
class Yard:
    """Where fleets run: the hosts of their instances, the runner of their tasks, the stream of their events."""

    hosts: Hosts
    runner: Runner
    events: Events


class Fleet:
    """The variants of one deployment of an endpoint. Raises StartError where a model is not there any more."""

    def __init__(self, region: str, endpoint: str, deployment: Deployment, yard: Yard) -> None:
        self._runner = yard.runner
        self.variants: dict[str, Variant] = {}
        for item in deployment.variants:
            name = item["VariantName"]
            plan = VariantPlan(
                source=Source(region=region, endpoint=endpoint, variant=name),
                config_name=deployment.name,
                capacity=Provisioned(deployment.counts[name]),
                strategy=item.get("RoutingConfig", {}).get("RoutingStrategy", DEFAULT_STRATEGY),
                capture=deployment.capture,
            )
            host = yard.hosts(
                deployment.model(item["ModelName"]),
                f"endpoints/{region}/{endpoint}/{name}",
                item.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_LIMIT_S),
            )
            self.variants[name] = Variant(plan, host, yard.runner, yard.events)

    @property
    def running(self) -> Mapping[str, int]:
        """How many instances answer, by variant."""
        return {name: variant.pool.running for name, variant in self.variants.items()}

    def lanes(self, share: float, weights: Mapping[str, float]) -> list[Lane[Variant]]:
        """The fleet's lanes where it has this share of the traffic."""
        total = sum(weights.values()) or 1.0
        return [
            Lane(name=name, share=share, weight=weights[name] / total, goal=variant)
            for name, variant in self.variants.items()
        ]

    def adjust(self) -> None:
        """Begin to replace what died."""
        for variant in self.variants.values():
            variant.pool.adjust()

    def start(self, stop: threading.Event) -> None:
        """Start every variant, all at once. Raises StartError with the variant's name."""
        self.adjust()
        self._wait(stop)

    def resize(self, counts: Mapping[str, int], stop: threading.Event) -> None:
        """Run so many instances of each variant, and wait for them. Raises StartError with the variant's name."""
        self.provision(counts)
        self._wait(stop)

    def provision(self, counts: Mapping[str, int]) -> None:
        """Have so many instances of each variant from now on."""
        for name, variant in self.variants.items():
            variant.pool.resize(Provisioned(counts[name]))

    def close(self) -> list[Task]:
        """Begin to stop every instance; the tasks that do so."""
        return [task for variant in self.variants.values() for task in variant.pool.close()]

    def _wait(self, stop: threading.Event) -> None:
        for name, variant in self.variants.items():
            try:
                variant.pool.wait(stop)
            except StartError as error:
                raise StartError(f"production variant {name}: {error}") from error
