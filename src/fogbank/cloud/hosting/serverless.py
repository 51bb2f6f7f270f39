"""A serverless variant: no instance at rest, one for each request that is answered at the same time, none for those over the limit.

In: requests that come and go; out: how many instances there are to be, and what CloudWatch says of it. Each instance answers one request
at a time; it goes when the cloud's clock has seen no need of it for a while. Sources: the Developer Guide's "Deploy models with Amazon
SageMaker Serverless Inference" and "Alarms and logs for tracking metrics from serverless endpoints".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.hosting.capacity import Load
from fogbank.cloud.hosting.pool import Host, Server
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.samples import Samples

IDLE_S = 300.0
"""An instance that was not needed for so long goes, at the latest after twice the time."""
STARTUP_LIMIT_S = 180.0
MEBIBYTE = 1 << 20
PAYLOAD_LIMIT = 4 * MEBIBYTE


@dataclass(frozen=True, kw_only=True)
class ServerlessConfig:
    """A ProductionVariantServerlessConfig. `provisioned` instances are always there."""

    memory_mb: int
    most: int
    provisioned: int = 0

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """From the API's document."""
        return cls(
            memory_mb=config["MemorySizeInMB"],
            most=config["MaxConcurrency"],
            provisioned=config.get("ProvisionedConcurrency", 0),
        )

    @property
    def memory(self) -> int:
        """Bytes that an instance may have."""
        return self.memory_mb * MEBIBYTE


class Concurrency:
    """The requests of one serverless variant that are being answered; safe from many threads."""

    def __init__(
        self, config: ServerlessConfig, source: Source, clock: Clock, samples: Samples, idle_s: float = IDLE_S
    ) -> None:
        self._config, self._source, self._clock, self._samples, self._idle_s = config, source, clock, samples, idle_s
        self._lock = threading.Lock()
        self._count = self._most = self._before = 0
        self._since = clock.epoch()

    def configure(self, config: ServerlessConfig) -> None:
        """Have other limits from now on."""
        self._config = config

    def enter(self) -> bool:
        """One more request, which `leave`s; False where there are as many as may be."""
        with self._lock:
            self._turn()
            config = self._config
            if self._count >= config.most:
                return False
            self._count += 1
            self._most = max(self._most, self._count)
            count = self._count
        self._sample("ServerlessConcurrentExecutionsUtilization", count / config.most)
        if config.provisioned:
            served = min(count, config.provisioned)
            self._sample("ServerlessProvisionedConcurrencyExecutions", served, "Count")
            self._sample("ServerlessProvisionedConcurrencyUtilization", served / config.provisioned)
            spilt = "Spillover" if count > config.provisioned else ""
            self._sample(f"ServerlessProvisionedConcurrency{spilt}Invocations", 1, "Count")
        return True

    def leave(self) -> None:
        """The request is answered."""
        with self._lock:
            self._turn()
            self._count -= 1

    def instances(self, load: Load) -> int:
        """How many there are to be: those that are needed, were needed lately, or are provisioned."""
        with self._lock:
            self._turn()
            config = self._config
            return max(config.provisioned, min(config.most, max(self._before, self._most)))

    def setup(self, seconds: float) -> None:
        """An instance took so long to come."""
        self._sample("ModelSetupTime", seconds * 1e6, "Microseconds")

    def _turn(self) -> None:
        """The most requests at once are known for the stretch of time that runs, and for the one before."""
        now = self._clock.epoch()
        passed = now - self._since
        if passed >= self._idle_s:
            self._before = self._most if passed < 2 * self._idle_s else self._count
            self._most, self._since = self._count, now

    def _sample(self, name: str, value: float, unit: str = "None") -> None:
        self._samples.add(self._source, name, value, unit)


class ColdHost:
    """A host of instances that are waited for: how long each took is measured."""

    def __init__(self, host: Host, concurrency: Concurrency) -> None:
        self._host, self._concurrency = host, concurrency

    def start(self, stop: threading.Event) -> Server:
        """A ready instance. Raises StartError."""
        began = time.perf_counter()
        server = self._host.start(stop)
        self._concurrency.setup(time.perf_counter() - began)
        return server

    def stop(self, server: Any, grace_s: float) -> None:
        """End it."""
        self._host.stop(server, grace_s)
