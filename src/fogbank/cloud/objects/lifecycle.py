"""Expiry: what a bucket's lifecycle removes, at midnight UTC of the cloud's clock, as on S3.

In: rules and a moment; out: what expires at it, as something that is due.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from fogbank.cloud.objects.bucket import ENABLED, Bucket, Rule
from fogbank.cloud.objects.events import Told
from fogbank.cloud.objects.rules import rules_of
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Version

DAY_S = 86400
PAGE = 1000


@dataclass(frozen=True, order=True)
class Expiry:
    """One midnight's work on one bucket."""

    moment: datetime
    bucket: str


class Lifecycle:
    """Expires objects of all buckets."""

    def __init__(self, shelf: Shelf, tell: Told) -> None:
        self._shelf, self._tell = shelf, tell

    def expiries(self, since: datetime, until: datetime) -> Iterable[Expiry]:
        """Midnights in (since, until] at which something of a bucket expires; nothing is looked at where there is none."""
        first = math.floor(since.timestamp() / DAY_S) + 1
        last = math.floor(until.timestamp() / DAY_S)
        if last < first:
            return
        for name in self._shelf.buckets.names():
            bucket = self._shelf.buckets.find(name)
            if bucket and rules_of(self._shelf, bucket):
                moments = {max(first * DAY_S, moment) for moment, _ in self._dated(bucket) if moment <= last * DAY_S}
                for moment in sorted(moments):
                    yield Expiry(datetime.fromtimestamp(moment, UTC), name)

    def expire(self, expiry: Expiry) -> str:
        """Remove what expires at or before the moment; says what was removed."""
        bucket = self._shelf.bucket(expiry.bucket)
        works = [work for moment, work in self._dated(bucket) if moment <= expiry.moment.timestamp()]
        for work in works:
            work()
        return f"{len(works)} expired"

    def _dated(self, bucket: Bucket) -> Iterator[tuple[float, Callable[[], None]]]:
        """When what expires, and what is done then."""
        history = list(self._history(bucket.name))
        counts = Counter(version.key for version in history)
        for rule in rules_of(self._shelf, bucket):
            newer: list[Version] = []
            for version in history:
                newer = newer if newer and newer[-1].key == version.key else []
                alone = version.marker and counts[version.key] == 1
                moment = _moment(rule, version, newer, alone=alone) if _applies(rule, version) else None
                newer.append(version)
                if moment is not None:
                    yield moment, self._removal(bucket, version)
            if rule.abort_days is not None:
                for upload in self._shelf.index.uploads(bucket.name):
                    if upload.key.startswith(rule.prefix):
                        yield (
                            _midnight(upload.started, rule.abort_days),
                            partial(self._shelf.index.drop_uploads, [upload]),
                        )

    def _history(self, bucket: str) -> Iterator[Version]:
        start, before = "", None
        while rows := self._shelf.index.history(bucket, start, before, None, PAGE):
            yield from rows
            start, before = rows[-1].key, rows[-1].seq

    def _removal(self, bucket: Bucket, version: Version) -> Callable[[], None]:
        def remove() -> None:
            lays_marker = bucket.versioning == ENABLED and version.latest and not version.marker
            deleted = self._shelf.delete(bucket, version.key, None if lays_marker else version.id, bypass=True)
            kind = "DeleteMarkerCreated" if deleted.marker else "Delete"
            if deleted.marker or deleted.version:
                self._tell(f"LifecycleExpiration:{kind}", bucket, deleted.marker or version)

        return remove


def _applies(rule: Rule, version: Version) -> bool:
    tags = version.fact("tags", {})
    return (
        version.key.startswith(rule.prefix)
        and all(tags.get(key) == value for key, value in rule.tags.items())
        and (rule.larger is None or version.size > rule.larger)
        and (rule.smaller is None or version.size < rule.smaller)
    )


def _moment(rule: Rule, version: Version, newer: Sequence[Version], *, alone: bool) -> float | None:
    """When a rule removes a version; `newer` are those above it, the latest first."""
    if not version.latest:
        if rule.noncurrent_days is None or not newer or len(newer) - 1 < rule.noncurrent_kept:
            return None
        return _midnight(newer[-1].modified, rule.noncurrent_days)
    if version.marker:
        return _midnight(version.modified, 0) if alone and rule.markers else None
    if rule.days is not None:
        return _midnight(version.modified, rule.days)
    return rule.date


def _midnight(moment: float, days: int) -> float:
    """The midnight after so many days."""
    return (math.floor(moment / DAY_S) + days + 1) * DAY_S
