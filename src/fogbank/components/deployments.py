"""How an endpoint moves from one configuration to the next: all at once, by a canary, in equal steps, or instance by instance; and the
alarms that roll it back.

In: values that refuse what SageMaker would; out: a DeploymentConfig as UpdateEndpoint has it, and arguments of alarms. Pure.
Sources: botocore's model of DeploymentConfig; the Developer Guide's "Deployment guardrails".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.components.refusals import refuse
from fogbank.components.variants import Provisioned, Variant

LONGEST_WAIT_S = 3600
LIMIT_S = (600, 28800)
MOST_ALARMS = 10
FINAL_BAKE_S = 120
"""Two periods of an alarm of a minute: the first that has all of the traffic, and its evaluation."""


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Alarms that are made for the endpoint, on each of its variants, minute by minute: more than `errors` answers of 5XX, or a model
    that takes longer than `latency_ms` on average. They roll back what is under way, and nothing else."""

    errors: int = 0
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no metric can be beyond."""
        if self.errors < 0:
            raise ValueError(f"errors must be a number from 0 up, not {self.errors}")
        if self.latency_ms is not None and not 0 < self.latency_ms < float("inf"):
            raise ValueError(f"latency_ms must be more than 0, not {self.latency_ms}")

    def args(self, endpoint: str, variant: str) -> Mapping[str, Mapping[str, Any]]:
        """MetricAlarm's arguments, by what the alarm is about. ModelLatency is in microseconds."""
        common = {
            "namespace": "AWS/SageMaker", "dimensions": {"EndpointName": endpoint, "VariantName": variant}, "period": 60,
            "evaluation_periods": 1, "comparison_operator": "GreaterThanThreshold", "treat_missing_data": "notBreaching",
        }  # fmt: skip
        found = {
            "errors": {
                **common,
                "metric_name": "Invocation5XXErrors",
                "statistic": "Sum",
                "threshold": float(self.errors),
            }
        }
        if self.latency_ms is not None:
            microseconds = self.latency_ms * 1000
            found["latency"] = {
                **common,
                "metric_name": "ModelLatency",
                "statistic": "Average",
                "threshold": microseconds,
            }
        return found


@dataclass(frozen=True, kw_only=True)
class _Guarded:
    """What all ways share. `alarms` are names of alarms that are there, or `Alarms()` that are made; an empty list says that none is
    wanted. The old instances stay `keep_old_s` more, in which alarms still roll back (two minutes where there are alarms, else none), and
    all of it may take `limit_s`: then it is rolled back."""

    alarms: Sequence[str] | Alarms | None = None
    keep_old_s: int | None = None
    limit_s: int | None = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would, all of it at once."""
        refuse(list(self.problems()))

    def problems(self) -> Iterator[str]:
        """What SageMaker would refuse of these values."""
        yield from _waits("keep_old_s", self.kept_s)
        if self.limit_s is not None and not LIMIT_S[0] <= self.limit_s <= LIMIT_S[1]:
            yield f"limit_s must be {LIMIT_S[0]} to {LIMIT_S[1]} seconds, not {self.limit_s}"
        elif self.limit_s is not None and self.limit_s <= self.waits_s:
            yield f"limit_s must be more than the {self.waits_s} seconds that it waits, not {self.limit_s}: it would always be rolled back"
        if not isinstance(self.alarms, Alarms | None) and len(self.alarms) > MOST_ALARMS:
            yield f"at most {MOST_ALARMS} alarms roll a deployment back, not {len(self.alarms)}"

    @property
    def is_guarded(self) -> bool:
        """Whether alarms may roll it back."""
        return isinstance(self.alarms, Alarms) or bool(self.alarms)

    @property
    def kept_s(self) -> int:
        """How long the old instances stay: without a wait, no alarm would have a minute of the new ones under all of the traffic."""
        if self.keep_old_s is not None:
            return self.keep_old_s
        return FINAL_BAKE_S if self.is_guarded else 0

    @property
    def waits_s(self) -> int:
        """All that it waits, in seconds."""
        return self.kept_s

    def contradictions(self, variants: Sequence[Variant]) -> Iterator[str]:
        """What SageMaker would refuse of this way for these variants, or would not heed ("Deployment guardrails": they are there for
        real-time and asynchronous endpoints)."""
        for variant in variants:
            if self.is_guarded and not isinstance(variant.on, Provisioned):
                yield f"variant {variant.name} is serverless: no alarm rolls it back; take AllAtOnce() without alarms"

    def routing(self) -> dict[str, Any]:
        """TrafficRoutingConfiguration."""
        return {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}

    def config(self, alarms: Sequence[str]) -> dict[str, Any]:
        """UpdateEndpoint's DeploymentConfig, with the names of alarms."""
        policy: dict[str, Any] = {
            "TrafficRoutingConfiguration": self.routing(),
            "TerminationWaitInSeconds": self.kept_s,
        }
        if self.limit_s is not None:
            policy["MaximumExecutionTimeoutInSeconds"] = self.limit_s
        return {"BlueGreenUpdatePolicy": policy, **rolled_back_by(alarms)}


@dataclass(frozen=True, kw_only=True)
class AllAtOnce(_Guarded):
    """All traffic goes to the new instances when they answer."""


@dataclass(frozen=True, kw_only=True)
class _Shifted(_Guarded):
    """Some of the traffic first. `percent` of the instances take it for `bake_s` seconds."""

    percent: int = 10
    bake_s: int = 300

    def problems(self) -> Iterator[str]:
        """The step's bounds, too."""
        yield from super().problems()
        yield from _waits("bake_s", self.bake_s)
        if not self._least <= self.percent <= 50:
            yield f"percent must be {self._least} to 50, not {self.percent}"
        if self.alarms is None:
            yield "alarms are missing: nothing would roll it back while it bakes; give Alarms(), names, or [] to have none"

    @property
    def _least(self) -> int:
        return 1

    @property
    def waits_s(self) -> int:
        """What it bakes between its steps, and at its end."""
        return self.bakes * self.bake_s + self.kept_s

    @property
    def bakes(self) -> int:
        """How often it bakes before all of the traffic is shifted."""
        return 1

    def contradictions(self, variants: Sequence[Variant]) -> Iterator[str]:
        """A part of one instance is none."""
        for variant in variants:
            way = type(self).__name__
            if not isinstance(variant.on, Provisioned):
                yield f"{way} shifts instances, and variant {variant.name} is serverless: take AllAtOnce"
            elif variant.on.count < 2:
                yield f"{way} needs two instances or more, and variant {variant.name} has {variant.on.count}: take AllAtOnce, or count=2"

    def _size(self) -> dict[str, Any]:
        return {"Type": "CAPACITY_PERCENT", "Value": self.percent}


@dataclass(frozen=True, kw_only=True)
class Canary(_Shifted):
    """A part first, then all."""

    def routing(self) -> dict[str, Any]:
        """TrafficRoutingConfiguration."""
        return {"Type": "CANARY", "WaitIntervalInSeconds": self.bake_s, "CanarySize": self._size()}


@dataclass(frozen=True, kw_only=True)
class Linear(_Shifted):
    """In equal steps, each of which bakes; `percent` is 10 to 50."""

    @property
    def _least(self) -> int:
        return 10

    @property
    def bakes(self) -> int:
        """After each step but the last, after which the old instances are kept."""
        return _steps(self.percent) - 1

    def routing(self) -> dict[str, Any]:
        """TrafficRoutingConfiguration."""
        return {"Type": "LINEAR", "WaitIntervalInSeconds": self.bake_s, "LinearStepSize": self._size()}


@dataclass(frozen=True, kw_only=True)
class Rolling(_Shifted):
    """Batch by batch on the way, without a second fleet; `percent` is 5 to 50. `keep_old_s` means nothing here, and is refused."""

    @property
    def _least(self) -> int:
        return 5

    def problems(self) -> Iterator[str]:
        """There is no old fleet to keep."""
        yield from super().problems()
        if self.keep_old_s:
            yield "keep_old_s: a rolling deployment has no old fleet that could be kept"

    @property
    def kept_s(self) -> int:
        """Nothing is kept."""
        return 0

    @property
    def bakes(self) -> int:
        """After each batch."""
        return _steps(self.percent)

    def contradictions(self, variants: Sequence[Variant]) -> Iterator[str]:
        """Several variants do not roll, either ("Deployment guardrails", "Exclusions")."""
        yield from super().contradictions(variants)
        if len(variants) > 1:
            yield f"Rolling is for endpoints of one variant, and it has {len(variants)}: take AllAtOnce, Canary or Linear"

    def config(self, alarms: Sequence[str]) -> dict[str, Any]:
        """UpdateEndpoint's DeploymentConfig."""
        policy: dict[str, Any] = {"MaximumBatchSize": self._size(), "WaitIntervalInSeconds": self.bake_s}
        if self.limit_s is not None:
            policy["MaximumExecutionTimeoutInSeconds"] = self.limit_s
        return {"RollingUpdatePolicy": policy, **rolled_back_by(alarms)}


Deployment = AllAtOnce | Canary | Linear | Rolling


def rolled_back_by(alarms: Sequence[str]) -> dict[str, Any]:
    """AutoRollbackConfiguration, where there are alarms."""
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}


def _steps(percent: int) -> int:
    """How many steps of a share make the whole; of a share that is refused, one."""
    return math.ceil(100 / percent) if percent > 0 else 1


def _waits(name: str, seconds: int) -> Iterator[str]:
    if not 0 <= seconds <= LONGEST_WAIT_S:
        yield f"{name} must be 0 to {LONGEST_WAIT_S} seconds, not {seconds}"
