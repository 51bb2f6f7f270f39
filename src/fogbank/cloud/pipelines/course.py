"""The course of an execution, pure: how far each step is, which begin next, and what comes of the whole.

In: a definition and what is known of its steps; out: the steps that are ready, and the execution's end when there is nothing more to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from fogbank.cloud.ground.store import Document
from fogbank.cloud.pipelines.definition import Definition, Step
from fogbank.ground.digest import sha256_bytes

ACTIVE = frozenset({"Starting", "Executing", "Stopping"})
LONGEST_REASON = 1024
FAILED = "Step failure: One or multiple steps failed."


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """How far a step is. `job` is what its job, model or package is named by; times are seconds since 1970."""

    job: str
    status: str = "Starting"
    attempt: int = 1
    retried: int = 0
    """How many of the attempts a retry policy has made."""
    started: float = 0.0
    ended: float | None = None
    due: float = 0.0
    """When a step that starts is to start."""
    reason: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What other steps may refer to."""
    signature: str = ""
    """The same for the same work."""
    source: str = ""
    """The execution whose result this is, where it was taken from another."""
    unsent: bool = False
    """Whether a callback's message may not have left yet."""

    def succeeded(self, now: float, properties: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> Self:
        """Ended well."""
        given = self.metadata if metadata is None else metadata
        return replace(self, status="Succeeded", ended=now, properties=properties, metadata=given)

    def failed(self, now: float, reason: str) -> Self:
        """Ended, and why."""
        return replace(self, status="Failed", ended=now, reason=reason[:LONGEST_REASON])

    def again(self, job: str, due: float = 0.0, *, retried: int = 0) -> Self:
        """The next attempt, which a policy asked for `retried` times."""
        fresh = replace(
            self, status="Starting", job=job, attempt=self.attempt + 1, retried=self.retried + retried, due=due
        )
        return replace(fresh, ended=None, reason="", metadata={}, properties={}, signature="", source="", unsent=False)


@dataclass(frozen=True, kw_only=True)
class ExecutionState:
    """What is known of an execution besides what Describe answers: the definition that it began with, and its steps."""

    definition: str = "{}"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    token: str = ""
    runs: Mapping[str, StepRun] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    """What was done to it, as `operation/ClientRequestToken`: it is done once."""

    def encode(self) -> Document:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        runs = {name: StepRun(**run) for name, run in document.get("runs", {}).items()}
        return cls(**{**document, "runs": runs, "asked": tuple(document.get("asked", ()))})

    def having(self, name: str, run: StepRun) -> Self:
        """With a step that is so far."""
        return replace(self, runs={**self.runs, name: run})


def ready(definition: Definition, runs: Mapping[str, StepRun]) -> list[Step]:
    """The steps that may begin: none after one has failed."""
    if any(run.status in {"Failed", "Stopped"} for run in runs.values()):
        return []
    steps = {step.name: step for step in definition.steps}
    return [step for step in definition.steps if step.name not in runs and _free(step, steps, runs)]


def _free(step: Step, steps: Mapping[str, Step], runs: Mapping[str, StepRun]) -> bool:
    """Whether all that a step waits for is there: a branch that is not taken never comes."""
    if step.branch is not None:
        condition, outcome = step.branch
        run = runs.get(condition)
        if run is None or run.status != "Succeeded" or run.properties.get("Outcome") is not outcome:
            return False
    return all(name in runs and runs[name].status == "Succeeded" for name in step.after if name in steps)


def outcome(definition: Definition, runs: Mapping[str, StepRun]) -> tuple[str, str | None]:
    """An execution's status and FailureReason when nothing runs and nothing is ready."""
    if any(run.status in {"Failed", "Stopped"} for run in runs.values()):
        return "Failed", FAILED
    waiting = [step.name for step in definition.steps if step.name not in runs.keys() | _passed_by(definition, runs)]
    return ("Failed", f"ClientError: nothing lets {', '.join(waiting)} begin") if waiting else ("Succeeded", None)


def _passed_by(definition: Definition, runs: Mapping[str, StepRun]) -> set[str]:
    """The steps behind a branch that was not taken, and those that wait for them: they never come."""
    found: set[str] = set()
    for _ in definition.steps:  # each turn finds those that wait for what the one before has found
        for step in definition.steps:
            condition, wanted = step.branch or ("", True)
            run = runs.get(condition)
            elsewhere = run is not None and run.status == "Succeeded" and run.properties.get("Outcome") is not wanted
            if elsewhere or found & {condition, *step.after}:
                found.add(step.name)
    return found


def active(runs: Mapping[str, StepRun]) -> list[str]:
    """The steps that have begun and not ended."""
    return [name for name, run in runs.items() if run.status in ACTIVE]


def signature(step: Step, arguments: Mapping[str, Any], target: Any) -> str:
    """The same for the same step with the same arguments."""
    said = json.dumps([step.type, arguments, target], sort_keys=True, default=str)
    return sha256_bytes(said.encode())


def shown(definition: Definition, runs: Mapping[str, StepRun]) -> list[Document]:
    """The steps that have begun, as ListPipelineExecutionSteps has them."""
    return [_shown(number, step, runs[step.name]) for number, step in enumerate(definition.steps) if step.name in runs]


def _shown(number: int, step: Step, run: StepRun) -> Document:
    given: Sequence[tuple[str, Any]] = (
        ("StepDisplayName", step.shown),
        ("StepDescription", step.described),
        ("EndTime", run.ended),
        ("FailureReason", run.reason or None),
        ("CacheHitResult", {"SourcePipelineExecutionArn": run.source} if run.source else None),
    )
    return {
        "StepName": step.name, "StartTime": run.started, "StepStatus": run.status, "Metadata": dict(run.metadata),
        "AttemptCount": run.attempt, "CreationTime": run.started, "_id": f"{number:06d}",
        **{key: value for key, value in given if value is not None},
    }  # fmt: skip
