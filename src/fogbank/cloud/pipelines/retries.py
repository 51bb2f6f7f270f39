"""Retry policies of steps, pure. In: RetryPolicies, and how an attempt failed; out: when the next one begins, if any.

Source: the Developer Guide, "Retry Policy for Pipelines Steps".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TYPES = frozenset({
    "Step.SERVICE_FAULT", "Step.THROTTLING", "SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT",
})  # fmt: skip
REASONS: Mapping[str, str] = {
    "InternalServerError": "SageMaker.JOB_INTERNAL_ERROR",
    "CapacityError": "SageMaker.CAPACITY_ERROR",
    "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT",
    "ThrottlingException": "Step.THROTTLING",
    "InternalFailure": "Step.SERVICE_FAULT",
    "ServiceUnavailable": "Step.SERVICE_FAULT",
}
"""How a FailureReason, or an error's code, begins to the exception's type."""
MEMBERS = frozenset({"ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin"})
MOST_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True)
class Retry:
    """One policy: of which types of exceptions, after how long, how often or until when."""

    types: frozenset[str]
    interval_s: float = 1.0
    backoff: float = 2.0
    attempts: int | None = None
    expires_s: float | None = None


def read(documents: Any) -> tuple[Retry, ...]:
    """The policies of a step. Raises ValueError, KeyError, TypeError."""
    return tuple(_read(document) for document in documents or [])


def _read(document: Mapping[str, Any]) -> Retry:
    if extra := sorted(set(document) - MEMBERS):
        raise ValueError(f"the local cloud does not have {', '.join(extra)} of RetryPolicies")
    if unknown := sorted(set(document["ExceptionType"]) - TYPES):
        raise ValueError(f"ExceptionType {', '.join(unknown)} is none")
    attempts, minutes = document.get("MaxAttempts"), document.get("ExpireAfterMin")
    if (attempts is None) == (minutes is None):
        raise ValueError("exactly one of MaxAttempts and ExpireAfterMin is given")
    if attempts is not None and not 1 <= attempts <= MOST_ATTEMPTS:
        raise ValueError(f"MaxAttempts is from 1 to {MOST_ATTEMPTS}")
    return Retry(
        types=frozenset(document["ExceptionType"]),
        interval_s=float(document.get("IntervalSeconds", 1)),
        backoff=float(document.get("BackoffRate", 2.0)),
        attempts=attempts,
        expires_s=None if minutes is None else 60.0 * minutes,
    )


def next_attempt(policies: Sequence[Retry], reason: str, made: int, first: float, now: float) -> float | None:
    """When the next attempt begins; None where there is none. `made` retries there were, of a step that first began at `first`."""
    kind = next((kind for start, kind in REASONS.items() if reason.startswith(start)), "")
    policy = next((policy for policy in policies if kind in policy.types), None)
    if policy is None or (policy.attempts is not None and made >= policy.attempts):
        return None
    due = now + policy.interval_s * policy.backoff**made
    return None if policy.expires_s is not None and due > first + policy.expires_s else due
