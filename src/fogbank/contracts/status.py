"""Status machines as tables: which state may follow which. Source: botocore's enums and the SageMaker API reference."""

from __future__ import annotations

from collections.abc import Mapping

Transitions = Mapping[str, frozenset[str]]

ENDPOINT: Transitions = {
    "Creating": frozenset({"InService", "Failed"}),
    "InService": frozenset({"Updating", "SystemUpdating", "Deleting"}),
    "Updating": frozenset({"InService", "RollingBack"}),
    "SystemUpdating": frozenset({"InService", "OutOfService"}),
    "RollingBack": frozenset({"InService", "OutOfService"}),
    "OutOfService": frozenset({"SystemUpdating", "Deleting"}),
    "Failed": frozenset({"Deleting"}),
    "Deleting": frozenset(),
}
"""SystemUpdating is a restart of the cloud: the same configuration is brought up again; where it does not come, OutOfService."""

INFERENCE_COMPONENT: Transitions = {
    "Creating": frozenset({"InService", "Failed"}),
    "InService": frozenset({"Updating", "Deleting"}),
    "Updating": frozenset({"InService", "Failed"}),
    "Failed": frozenset({"Updating", "Deleting"}),
    "Deleting": frozenset(),
}
"""A restart of the cloud is an update; a component that does not come up again is Failed, and the next restart tries again."""

TRANSFORM_JOB: Transitions = {
    "InProgress": frozenset({"Completed", "Failed", "Stopping"}),
    "Stopping": frozenset({"Stopped"}),
    "Completed": frozenset(),
    "Failed": frozenset(),
    "Stopped": frozenset(),
}

PROCESSING_JOB: Transitions = TRANSFORM_JOB

MONITORING_SCHEDULE: Transitions = {
    "Pending": frozenset({"Scheduled", "Failed"}),
    "Scheduled": frozenset({"Stopped", "Pending"}),
    "Stopped": frozenset({"Scheduled", "Pending"}),
    "Failed": frozenset({"Pending"}),
}

MONITORING_EXECUTION: Transitions = {
    "Pending": frozenset({"InProgress", "Failed"}),
    "InProgress": frozenset({"Completed", "CompletedWithViolations", "Failed", "Stopping"}),
    "Stopping": frozenset({"Stopped"}),
    "Completed": frozenset(),
    "CompletedWithViolations": frozenset(),
    "Failed": frozenset(),
    "Stopped": frozenset(),
}

PIPELINE_EXECUTION: Transitions = {
    "Executing": frozenset({"Succeeded", "Failed", "Stopping"}),
    "Stopping": frozenset({"Stopped"}),
    "Succeeded": frozenset(),
    "Failed": frozenset(),
    "Stopped": frozenset(),
}
"""RetryPipelineExecution is no step of it: the execution begins again."""


class IllegalTransitionError(Exception):
    """A state machine was asked for a step that its table does not have."""


def step(table: Transitions, now: str, then: str) -> str:
    """`then`, if the table lets it follow `now`. Raises IllegalTransitionError.

    >>> step(ENDPOINT, "Creating", "InService")
    'InService'
    """
    if then not in table[now]:
        raise IllegalTransitionError(f"{now} -> {then}")
    return then


def ended(table: Transitions, status: str) -> bool:
    """Whether nothing follows `status`."""
    return not table[status]
