"""CloudWatch metrics of invocations: gathered in memory, put into moto's CloudWatch when someone looks, else every ten seconds.

Names, dimensions and units are those of AWS/SageMaker: latencies in microseconds, counts without a unit.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.clock import Clock

log = logging.getLogger("fogbank.cloud")
NAMESPACE = "AWS/SageMaker"
VALUES_PER_DATUM = 150


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One invocation as its metrics see it. `status` is the container's, 0 where it did not answer."""

    region: str
    endpoint: str
    variant: str
    instances: int
    status: int
    model_us: float
    overhead_us: float

    def values(self) -> dict[str, float]:
        """Metric name to value."""
        return {
            "Invocations": 1.0,
            "InvocationsPerInstance": 1.0 / self.instances,
            "Invocation4XXErrors": float(400 <= self.status < 500),
            "Invocation5XXErrors": float(self.status >= 500 or self.status == 0),
            "InvocationModelErrors": float(not 200 <= self.status < 300),
            "ModelLatency": self.model_us,
            "OverheadLatency": self.overhead_us,
        }


class Metrics:
    """Gathers invocations; `cloudwatch` makes a client of a region's CloudWatch."""

    def __init__(self, clock: Clock, cloudwatch: Callable[[str], Any]) -> None:
        self._clock, self._cloudwatch = clock, cloudwatch
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str, str, int], list[Invocation]] = defaultdict(list)

    def add(self, invocation: Invocation) -> None:
        """Gather one."""
        minute = int(self._clock.epoch() // 60)
        with self._lock:
            self._waiting[invocation.region, invocation.endpoint, invocation.variant, minute].append(invocation)

    def reset(self) -> None:
        """Forget what was not put."""
        with self._lock:
            self._waiting.clear()

    def flush(self) -> None:
        """Put what is gathered."""
        with self._lock:
            waiting, self._waiting = self._waiting, defaultdict(list)
        for (region, endpoint, variant, minute), invocations in waiting.items():
            dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
            for start in range(0, len(invocations), VALUES_PER_DATUM):
                batch = [one.values() for one in invocations[start : start + VALUES_PER_DATUM]]
                data = [
                    {
                        "MetricName": name,
                        "Dimensions": dimensions,
                        "Timestamp": minute * 60,
                        "Values": [values[name] for values in batch],
                        "Counts": [1.0] * len(batch),
                        "Unit": "Microseconds" if name.endswith("Latency") else "None",
                    }
                    for name in batch[0]
                ]
                try:
                    self._cloudwatch(region).put_metric_data(Namespace=NAMESPACE, MetricData=data)
                except (ClientError, BotoCoreError) as error:
                    log.warning("metrics of endpoint %s were not stored: %s", endpoint, error)
