"""CloudWatch metrics of invocations: summed up in memory, put into moto's CloudWatch when someone looks, else every ten seconds.

Names, dimensions and units are those of AWS/SageMaker: latencies in microseconds, counts without a unit. What is put is the sum, the
least, the most and the number of a minute's values, not each value: what is kept does not grow with the requests.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.clock import Clock

log = logging.getLogger("fogbank.cloud")
NAMESPACE = "AWS/SageMaker"


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


@dataclass(slots=True)
class Summary:
    """The values of one metric, summed up: CloudWatch's statistic set."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, value: float) -> None:
        """One value more."""
        self.count += 1
        self.total += value
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value

    def document(self) -> dict[str, float]:
        """As PutMetricData takes it."""
        return {"SampleCount": self.count, "Sum": self.total, "Minimum": self.least, "Maximum": self.most}


Summaries = dict[tuple[str, str, str, int], dict[str, Summary]]
"""By region, endpoint, variant and minute; then by the metric's name."""


class Metrics:
    """Sums invocations up; `cloudwatch` makes a client of a region's CloudWatch."""

    def __init__(self, clock: Clock, cloudwatch: Callable[[str], Any]) -> None:
        self._clock, self._cloudwatch = clock, cloudwatch
        self._lock = threading.Lock()
        self._waiting: Summaries = {}

    def add(self, invocation: Invocation) -> None:
        """Add one."""
        minute = int(self._clock.epoch() // 60)
        key = (invocation.region, invocation.endpoint, invocation.variant, minute)
        with self._lock:
            summaries = self._waiting.get(key)
            if summaries is None:
                summaries = self._waiting[key] = {name: Summary() for name in invocation.values()}
            for name, value in invocation.values().items():
                summaries[name].add(value)

    def reset(self) -> None:
        """Forget what was not put."""
        with self._lock:
            self._waiting = {}

    def flush(self) -> None:
        """Put what was summed up since the last time."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for (region, endpoint, variant, minute), summaries in waiting.items():
            dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
            data = [
                {
                    "MetricName": name,
                    "Dimensions": dimensions,
                    "Timestamp": minute * 60,
                    "StatisticValues": summary.document(),
                    "Unit": "Microseconds" if name.endswith("Latency") else "None",
                }
                for name, summary in summaries.items()
            ]
            try:
                self._cloudwatch(region).put_metric_data(Namespace=NAMESPACE, MetricData=data)
            except (ClientError, BotoCoreError) as error:
                log.warning("metrics of endpoint %s were not stored: %s", endpoint, error)
