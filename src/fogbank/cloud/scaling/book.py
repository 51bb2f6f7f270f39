"""Scalable targets, policies, scheduled actions and activities, in the cloud's store.

In: documents in the shapes that the Describe calls answer, times as seconds since 1970; out: the same.
"""

from __future__ import annotations

import uuid
from typing import Any

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.scaling.dimensions import COUNT

TARGET, POLICY, SCHEDULED, ACTIVITY = "scalable-target", "scaling-policy", "scaling-schedule", "scaling-activity"
KEPT_S = 6 * 7 * 86400
"""Activities of the last six weeks are described."""
SEPARATOR = "|"


class Book:
    """Reads and writes what scales. A target is known by its ResourceId and what is scaled of it; one of instances by its id alone."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self.clock = store, clock

    def target(self, region: str, resource: str, dimension: str) -> Document | None:
        """A scalable target."""
        return self._store.get(TARGET, region, _key(resource, dimension))

    def targets(self, region: str | None = None) -> list[tuple[str, Document]]:
        """Every target with its region."""
        return [(at, document) for at, _, document in self._store.named(TARGET, region)]

    def put_target(self, region: str, document: Document) -> None:
        """Write a target."""
        self._store.put(TARGET, region, _key(document["ResourceId"], document["ScalableDimension"]), document)

    def remove_target(self, region: str, resource: str, dimension: str) -> None:
        """Forget a target."""
        self._store.delete(TARGET, region, _key(resource, dimension))

    def named(self, kind: str, region: str | None = None) -> list[tuple[str, Document]]:
        """Every policy, or scheduled action, with its region, by name."""
        return [(at, document) for at, _, document in self._store.named(kind, region)]

    def find(self, kind: str, region: str, resource: str, name: str) -> Document | None:
        """A policy, or scheduled action."""
        return self._store.get(kind, region, f"{resource}{SEPARATOR}{name}")

    def put(self, kind: str, region: str, name: str, document: Document) -> None:
        """Write one."""
        self._store.put(kind, region, f"{document['ResourceId']}{SEPARATOR}{name}", document)

    def remove(self, kind: str, region: str, resource: str, name: str) -> None:
        """Forget one."""
        self._store.delete(kind, region, f"{resource}{SEPARATOR}{name}")

    def activities(self, region: str | None = None) -> list[tuple[str, str, Document]]:
        """Activities with their region and key, the latest first; those that are too old go."""
        found, first = [], self.clock.epoch() - KEPT_S
        for at, key, activity in reversed(self._store.named(ACTIVITY, region)):
            if activity["StartTime"] < first:
                self._store.delete(ACTIVITY, at, key)
            else:
                found.append((at, key, activity))
        return found

    def begin(self, region: str, target: Document, description: str, cause: str, **more: Any) -> None:
        """Note an activity that begins now."""
        now = self.clock.epoch()
        activity = {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": target["ServiceNamespace"],
            "ResourceId": target["ResourceId"],
            "ScalableDimension": target["ScalableDimension"],
            "Description": description,
            "Cause": cause,
            "StartTime": now,
            "StatusCode": "InProgress",
            **more,
        }
        self._store.put(ACTIVITY, region, f"{now:017.6f}{SEPARATOR}{activity['ActivityId']}", activity)

    def change(self, region: str, key: str, **members: Any) -> None:
        """Change members of an activity."""
        self._store.update(ACTIVITY, region, key, **members)


def _key(resource: str, dimension: str) -> str:
    return resource if dimension == COUNT else f"{resource}{SEPARATOR}{dimension}"
