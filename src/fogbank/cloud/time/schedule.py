"""An EventBridge schedule as the clockwork reads it, pure: when it fires within its dates, and when it is over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fogbank.cloud.ground.store import Document
from fogbank.cloud.time.expressions import due, is_once
from fogbank.ground.aws import LOCAL_ACCOUNT

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule: the request's members, laid over what moto keeps."""

    region: str
    document: Document

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.document["Name"])

    @property
    def key(self) -> str:
        """Its name within the region: that of its group comes first."""
        return f"{self.document.get('GroupName') or 'default'}/{self.name}"

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:scheduler:{self.region}:{LOCAL_ACCOUNT}:schedule/{self.key}"

    def moments(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """When it fires in (since, until], within its own dates: at its creation too, but not for what passed before an update.

        Raises ScheduleExpressionError.
        """
        created = datetime.fromtimestamp(self.document["CreationDate"], UTC)
        changed = moment_of(self.document.get("LastModificationDate")) or created
        start, end = (moment_of(self.document.get(key)) for key in ("StartDate", "EndDate"))
        first = (start or created) - INSTANT
        after = max(since, first, changed) if changed > created else max(since, first)
        zone = self.document.get("ScheduleExpressionTimezone") or "UTC"
        moments = due(self.document["ScheduleExpression"], after, until, start or created, zone)
        return (moment for moment in moments if end is None or moment <= end)

    def firings(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """(when its target is called, the moment that it is called for), the first in (since, until]: within a flexible window, some time
        after the moment, the same for the same schedule and moment. Raises ScheduleExpressionError."""
        window = self.document.get("FlexibleTimeWindow") or {}
        minutes = window.get("MaximumWindowInMinutes", 0) if window.get("Mode") == "FLEXIBLE" else 0
        for moment in self.moments(since - timedelta(minutes=minutes), until):
            at = moment + self._drawn(moment, minutes * 60)
            if since < at <= until:
                yield at, moment

    def _drawn(self, moment: datetime, seconds: int) -> timedelta:
        """A part of a window, by a digest of what it is for."""
        drawn = int.from_bytes(hashlib.sha256(f"{self.arn}{moment.isoformat()}".encode()).digest()[:8])
        return timedelta(seconds=drawn % seconds) if seconds else timedelta()

    def is_over(self, moment: datetime) -> bool:
        """Whether nothing comes after `moment`."""
        end = moment_of(self.document.get("EndDate"))
        if is_once(self.document["ScheduleExpression"]):
            return True
        return end is not None and next(self.moments(moment, end), None) is None


def moment_of(value: Any) -> datetime | None:
    """A date as requests have it: seconds since 1970, or ISO 8601."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
