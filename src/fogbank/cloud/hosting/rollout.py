"""An update as data, pure: a DeploymentConfig becomes a list of steps, and a rollout knows at which of them it is, since when.

In: a DeploymentConfig and the new fleet's instance counts; out: steps that a deployment carries out one by one, and that lie in
the store, so that a cloud that was killed goes on where it was.
Sources: DeploymentConfig in botocore's model; the Developer Guide's "Blue/Green Deployments".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from fogbank.cloud.api.errors import validation

Action = Literal["start", "scale", "grow", "shift", "bake", "shrink", "finish"]
WAIT, TERMINATION = "WaitIntervalInSeconds", "TerminationWaitInSeconds"
WHOLE = 100.0
HALF = 50.0
LEAST_LINEAR_STEP = 10.0
LEAST_BATCH = 5.0
ALL_INSTANCES, ALL_COPIES = "the variant's total instance count", "the inference component's copy count"
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `start`: the new fleet comes up, or `percent` of it; `grow`: so much of it runs now; `shrink`: so much of the old one.
    `scale`: the fleet that serves gets its new counts. `shift`: `percent` of the traffic go to the new fleet. `bake`: nothing happens for
    `seconds`, and `why` is the member that says so. `finish`: the new fleet is the endpoint's, the old one ends."""

    action: Action
    percent: float = 0.0
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Steps on their way: step `at` has been under way since `since`, in the cloud's time; the first since `started`.

    A rollout that takes longer than `limit_s` is rolled back, and so is one of whose `alarms` one goes off while it bakes; `reason` says
    why one that is being rolled back is. One that went in batches goes back in batches of `back` percent.
    """

    steps: tuple[Step, ...]
    started: float
    since: float
    at: int = 0
    limit_s: float | None = None
    reason: str | None = None
    alarms: tuple[str, ...] = ()
    back: float = WHOLE

    @property
    def step(self) -> Step:
        """The step that is under way."""
        return self.steps[self.at]

    @property
    def percent(self) -> float:
        """The share of the traffic that the new fleet has got so far."""
        shifts = [step.percent for step in self.steps[: self.at] if step.action == "shift"]
        return shifts[-1] if shifts else 0.0

    @property
    def grown(self) -> float:
        """The share of the new fleet that runs so far; 0 for all of it."""
        parts = [step.percent for step in self.steps[: self.at] if step.action in {"start", "grow"}]
        return parts[-1] if parts else 0.0

    @property
    def is_rolling(self) -> bool:
        """Whether the old fleet gives way in batches: one that is rolled back must grow again."""
        return any(step.action == "shrink" for step in self.steps)

    @property
    def kept(self) -> float:
        """The share of the old fleet that still runs."""
        parts = [step.percent for step in self.steps[: self.at] if step.action == "shrink"]
        return parts[-1] if parts else WHOLE

    @property
    def retreat(self) -> tuple[tuple[float, float], ...]:
        """The way back, batch by batch: the share of the old fleet that is to run, and then that of the traffic that the new one has."""
        shares = [self.percent - self.back * number for number in range(1, math.ceil(self.percent / self.back) + 1)]
        return tuple((max(self.kept, WHOLE - share), share) for share in (max(0.0, share) for share in shares or [0.0]))

    @property
    def replaces(self) -> bool:
        """Whether a new fleet takes the place of the old one; else the one there is changes its size and weights."""
        return any(step.action == "start" for step in self.steps)

    @property
    def baked_at(self) -> float:
        """When the bake that is under way is over."""
        return self.since + self.step.seconds

    @property
    def deadline(self) -> float:
        """When the time limit is over."""
        return self.started + (math.inf if self.limit_s is None else self.limit_s)

    def following(self, now: float) -> Rollout:
        """The rollout at its next step."""
        return replace(self, at=self.at + 1, since=now)

    def resumed(self, now: float) -> Rollout:
        """The rollout in a process that has no fleet of it: the new fleet starts again and gets the share that it had.

        What is left of a bake is left.
        """
        if not self.replaces or self.at == 0 or self.reason is not None:
            return self
        rest = replace(self.step, seconds=max(0.0, self.baked_at - now)) if self.step.action == "bake" else self.step
        shift = [Step(action="shift", percent=self.percent)] if self.percent else []
        steps = (Step(action="start", percent=self.grown), *shift, rest, *self.steps[self.at + 1 :])
        return replace(self, steps=steps, at=0, since=now)

    def encode(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Mapping[str, Any]) -> Self:
        """From what `encode` gave."""
        steps, alarms = tuple(Step(**step) for step in document["steps"]), tuple(document.get("alarms", ()))
        return cls(**{**document, "steps": steps, "alarms": alarms})


def guarded(config: Mapping[str, Any], counts: Sequence[int], now: float) -> Rollout:
    """The rollout of an update under a DeploymentConfig that begins now. Raises ValidationException."""
    return Rollout(
        steps=replacement(config, counts),
        started=now,
        since=now,
        limit_s=limit_of(config),
        alarms=alarms_of(config),
        back=back_of(config, counts),
    )


def create() -> tuple[Step, ...]:
    """The steps of an endpoint's first fleet."""
    return (Step(action="start"), Step(action="shift", percent=WHOLE), Step(action="finish"))


def resize() -> tuple[Step, ...]:
    """The steps of other counts and weights for the fleet that serves."""
    return (Step(action="scale"), Step(action="finish"))


def replacement(config: Mapping[str, Any], counts: Sequence[int]) -> tuple[Step, ...]:
    """The steps of an update under a DeploymentConfig; without a policy, all at once. Raises ValidationException."""
    if rolling := config.get("RollingUpdatePolicy"):
        if config.get("BlueGreenUpdatePolicy"):
            raise validation("A DeploymentConfig must have either a BlueGreenUpdatePolicy or a RollingUpdatePolicy.")
        return batches(rolling, counts, ALL_INSTANCES)
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {"Type": "ALL_AT_ONCE"}
    shares = _shares(routing, counts)
    steps = [Step(action="start")]
    for share in shares:
        steps.append(Step(action="shift", percent=share))
        if share < WHOLE:
            steps.append(Step(action="bake", seconds=routing[WAIT], why=WAIT))
    if policy.get(TERMINATION):
        steps.append(Step(action="bake", seconds=policy[TERMINATION], why=TERMINATION))
    return (*steps, Step(action="finish"))


def limit_of(config: Mapping[str, Any]) -> float | None:
    """MaximumExecutionTimeoutInSeconds, where there is one."""
    policy = config.get("RollingUpdatePolicy") or config.get("BlueGreenUpdatePolicy") or {}
    return policy.get("MaximumExecutionTimeoutInSeconds")


def back_of(config: Mapping[str, Any], counts: Sequence[int], whole: str = ALL_INSTANCES) -> float:
    """RollbackMaximumBatchSize as a percentage of the traffic; all of it where it is absent. Raises ValidationException."""
    policy = config.get("RollingUpdatePolicy") or {}
    if "RollbackMaximumBatchSize" not in policy:
        return WHOLE
    return _within("RollbackMaximumBatchSize", _percent(policy["RollbackMaximumBatchSize"], counts), WHOLE, whole)


def alarms_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the alarms of AutoRollbackConfiguration. Raises ValidationException for one without a name."""
    alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    if any("AlarmName" not in alarm for alarm in alarms):
        raise validation("Each of the Alarms of AutoRollbackConfiguration must have an AlarmName.")
    return tuple(alarm["AlarmName"] for alarm in alarms)


def _shares(routing: Mapping[str, Any], counts: Sequence[int]) -> list[float]:
    """The percentages that the new fleet has, one after the other, up to 100."""
    kind = routing["Type"]
    sizes = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    for other in sizes.values():
        if other in routing and other != sizes.get(kind):
            raise validation(f"{other} must not be given for a TrafficRoutingConfiguration of type {kind}.")
    if kind == "ALL_AT_ONCE":
        return [WHOLE]
    name = sizes[kind]
    if name not in routing:
        raise validation(f"{name} must be given for a TrafficRoutingConfiguration of type {kind}.")
    size = _percent(routing[name], counts)
    least = LEAST_LINEAR_STEP if kind == "LINEAR" else 0.0
    if not least <= size <= HALF:
        bounds = f"between {least:g}% and {HALF:g}%" if least else f"less than or equal to {HALF:g}%"
        raise validation(f"{name} must be {bounds} of the variant's total instance count; it is {size:g}%.")
    if kind == "CANARY":
        return [size, WHOLE]
    steps = int(WHOLE / size)
    return [*(size * number for number in range(1, steps + 1) if size * number < WHOLE), WHOLE]


def batches(policy: Mapping[str, Any], counts: Sequence[int], whole: str) -> tuple[Step, ...]:
    """A batch of the new fleet after the other: it comes up, gets its share, is watched, and as much of the old fleet ends. `whole` is what
    a batch is a part of. Raises ValidationException."""
    size = _within("MaximumBatchSize", _percent(policy["MaximumBatchSize"], counts), HALF, whole)
    steps: list[Step] = []
    for number in range(1, math.ceil(WHOLE / size - ROUNDING) + 1):
        share = min(WHOLE, size * number)
        if steps:
            steps.append(Step(action="shrink", percent=WHOLE - size * (number - 1)))
        steps += [
            Step(action="grow" if steps else "start", percent=share),
            Step(action="shift", percent=share),
            Step(action="bake", seconds=policy[WAIT], why=WAIT),
        ]
    return (*steps, Step(action="finish"))


def _within(name: str, size: float, most: float, whole: str) -> float:
    if not LEAST_BATCH <= size <= most:
        raise validation(f"{name} must be between {LEAST_BATCH:g}% and {most:g}% of {whole}; it is {size:g}%.")
    return size


def _percent(size: Mapping[str, Any], counts: Sequence[int]) -> float:
    """A CapacitySize as a percentage of the traffic; instances are counted against the variants' mean."""
    if size["Type"] == "CAPACITY_PERCENT":
        return float(size["Value"])
    return WHOLE * int(size["Value"]) * len(counts) / max(1, sum(counts))
