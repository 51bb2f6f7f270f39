"""Buckets that a test sets: `Buckets` without moto."""

from __future__ import annotations

from collections.abc import Sequence

from fogbank.cloud.objects.bucket import Bucket


class FakeBuckets:
    """Buckets by name; nobody who signs nothing may do anything."""

    def __init__(self, *buckets: Bucket) -> None:
        self._buckets = {bucket.name: bucket for bucket in buckets}

    def set(self, bucket: Bucket) -> None:
        """Let a bucket be so."""
        self._buckets[bucket.name] = bucket

    def find(self, name: str) -> Bucket | None:
        return self._buckets.get(name)

    def names(self) -> Sequence[str]:
        return sorted(self._buckets)

    def allows_everyone(self, name: str, action: str, key: str) -> bool:
        return False

    def denies_everyone(self, name: str, action: str, key: str) -> bool:
        return False
