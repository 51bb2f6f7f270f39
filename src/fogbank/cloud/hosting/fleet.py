"""A fleet: the instances of every variant of one configuration, started as one and stopped as one.

In: a deployment; out: lanes for a router. It runs what it is told; how many, how long and with which share of the traffic is
decided elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner, Task
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting import serverless
from fogbank.cloud.hosting.address import Address
from fogbank.cloud.hosting.capacity import Provisioned
from fogbank.cloud.hosting.deployment import Deployment
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.instance_sizes import memory_of
from fogbank.cloud.hosting.pool import Host
from fogbank.cloud.hosting.router import DEFAULT_STRATEGY, Lane
from fogbank.cloud.hosting.serverless import ColdHost, Concurrency, ServerlessConfig
from fogbank.cloud.hosting.variant import Shadow, Variant, VariantPlan
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.samples import Samples
from fogbank.contracts.container import STARTUP_LIMIT_S

Hosts = Callable[[Document, Source, float, int], Host]
"""A model, whose it is, a start-up limit in seconds and the bytes of memory that each may have (0: all) to a host of the model's
instances."""


@dataclass(frozen=True, kw_only=True)
class Yard:
    """Where fleets run: the hosts of their instances, the runner of their tasks, the stream of their events, what measures them."""

    hosts: Hosts
    runner: Runner
    events: Events
    clock: Clock
    samples: Samples


class Fleet:
    """The variants of one deployment of an endpoint. Raises StartError where a model is not there any more."""

    def __init__(self, region: str, endpoint: str, deployment: Deployment, yard: Yard) -> None:
        self._runner = yard.runner
        self.variants: dict[str, Variant] = {}
        self._shadows = frozenset(item["VariantName"] for item in deployment.shadows)
        for item in deployment.all_variants:
            if not item.get("ModelName"):  # its instances run what inference components bring
                continue
            source = Source(region=region, endpoint=endpoint, variant=item["VariantName"])
            self.variants[source.variant] = _variant(source, item, deployment, yard)

    @property
    def running(self) -> Mapping[str, int]:
        """How many instances answer, by variant."""
        return {name: variant.pool.running for name, variant in self.variants.items()}

    def lanes(self, share: float, weights: Mapping[str, float]) -> list[Lane[Variant]]:
        """The fleet's lanes where it has this share of the traffic. Its shadows have none, and follow the weights all the same."""
        goals = {name: variant for name, variant in self.variants.items() if name not in self._shadows}
        for shadow in self._shadows:
            for name, goal in goals.items():
                part = weights[shadow] / weights[name] if weights[name] else 0.0
                goal.shadow = Shadow(variant=self.variants[shadow], share=min(1.0, part))
        total = sum(weights[name] for name in goals) or 1.0
        return [
            Lane(name=name, share=share, weight=weights[name] / total, goal=variant) for name, variant in goals.items()
        ]

    def adjust(self) -> None:
        """Begin to replace what died."""
        for variant in self.variants.values():
            variant.pool.adjust()

    def start(self, stop: threading.Event) -> None:
        """Start every variant, all at once. Raises StartError with the variant's name."""
        self.adjust()
        self._wait(stop)

    def resize(self, deployment: Deployment, stop: threading.Event) -> None:
        """Run as many instances of each variant as a deployment says, and wait for them. Raises StartError with the variant's name."""
        self.provision(deployment)
        self._wait(stop)

    def provision(self, deployment: Deployment) -> None:
        """Have as many instances of each variant as a deployment says from now on."""
        for name, variant in self.variants.items():
            concurrency = variant.plan.concurrency
            if concurrency is None:
                variant.pool.resize(Provisioned(deployment.counts[name]))
            else:
                concurrency.configure(ServerlessConfig.of(deployment.serverless[name]))
                variant.pool.resize(concurrency)

    def close(self) -> list[Task]:
        """Begin to stop every instance; the tasks that do so."""
        return [task for variant in self.variants.values() for task in variant.pool.close()]

    def _wait(self, stop: threading.Event) -> None:
        for name, variant in self.variants.items():
            try:
                variant.pool.wait(stop)
            except StartError as error:
                kind = "shadow" if name in self._shadows else "production"
                raise StartError(f"{kind} variant {name}: {error}") from error


def _variant(source: Source, item: Document, deployment: Deployment, yard: Yard) -> Variant:
    """A variant on instances of its own, or on none until it is asked."""
    model, asynchronous = deployment.model(item["ModelName"]), deployment.asynchronous
    plan = VariantPlan(
        source=source,
        config_name=deployment.name,
        capacity=Provisioned(deployment.counts[source.variant]),
        strategy=item.get("RoutingConfig", {}).get("RoutingStrategy", DEFAULT_STRATEGY),
        address=Address.of(model),
        capture=deployment.capture,
        most=asynchronous.concurrency if asynchronous else None,
        asynchronous=asynchronous is not None,
    )
    if source.variant not in deployment.serverless:
        limit_s = item.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_LIMIT_S)
        memory = memory_of(item.get("InstanceType", ""))
        return Variant(plan, yard.hosts(model, source, limit_s, memory), yard.runner, yard.events)
    config = ServerlessConfig.of(deployment.serverless[source.variant])
    concurrency = Concurrency(config, source, yard.clock, yard.samples)
    host = ColdHost(yard.hosts(model, source, serverless.STARTUP_LIMIT_S, config.memory), concurrency)
    plan = replace(plan, capacity=concurrency, most=1, concurrency=concurrency)
    return Variant(plan, host, yard.runner, yard.events)
