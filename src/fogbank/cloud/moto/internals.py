"""What the cloud reads of moto's own memory, by moto's own names: the one place to look at when moto changes.

In: a name; out: moto's object, or nothing.
"""

from __future__ import annotations

from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT


def bucket(name: str) -> Any | None:
    """moto's bucket."""
    from moto.s3.models import s3_backends

    return s3_backends[LOCAL_ACCOUNT]["aws"].buckets.get(name)


def event_schedules() -> list[tuple[str, dict[str, Any]]]:
    """Every EventBridge schedule of every group, with its region, in order."""
    from moto.scheduler.models import scheduler_backends

    backends: dict[str, Any] = scheduler_backends.get(LOCAL_ACCOUNT, {})
    return [
        (region, schedule.to_dict())
        for region, backend in sorted(backends.items())
        for _, group in sorted(backend.schedule_groups.items())
        for _, schedule in sorted(group.schedules.items())
    ]


def is_versioned(name: str) -> bool:
    """Whether a PUT or DELETE of an object keeps what was there; so it is of a bucket that is not known."""
    known = bucket(name)
    return known is None or bool(known.versioning_status)
