"""The alarms that there are, and their history, in the cloud's store.

In: documents in the shape that DescribeAlarms answers, times as seconds since 1970; out: the same, by account, region and name, or in order.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store

KIND, HISTORY = "alarm", "alarm-history"
KEPT_S = 30 * 86400
"""CloudWatch keeps an alarm's history for 30 days, also of one that was deleted."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm: `document` in the shape that DescribeAlarms answers."""

    account: str
    region: str
    document: Document

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self.document["AlarmName"]
        return name

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn_of(self.account, self.region, self.name)

    @property
    def state(self) -> str:
        """OK, ALARM or INSUFFICIENT_DATA."""
        state: str = self.document["StateValue"]
        return state

    @property
    def is_composite(self) -> bool:
        """Whether it has a rule, and no metric."""
        return "AlarmRule" in self.document

    @property
    def type(self) -> str:
        """AWS's word for what kind of alarm it is."""
        return "CompositeAlarm" if self.is_composite else "MetricAlarm"

    def changed(self, **members: Any) -> Alarm:
        """The alarm with other members."""
        return replace(self, document={**self.document, **members})


class Book:
    """Reads and writes alarms."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self.clock = store, clock

    def find(self, account: str, region: str, name: str) -> Alarm | None:
        """An alarm, or None."""
        document = self._store.get(KIND, region, f"{account}/{name}")
        return None if document is None else Alarm(account=account, region=region, document=document)

    def all(self, account: str | None = None, region: str | None = None) -> list[Alarm]:
        """The alarms by name, of one account and region or of all."""
        found = self._store.named(KIND, region)
        alarms = [Alarm(account=key.partition("/")[0], region=at, document=document) for at, key, document in found]
        return [alarm for alarm in alarms if account in {None, alarm.account}]

    def put(self, alarm: Alarm) -> None:
        """Write an alarm as it is."""
        self._store.put(KIND, alarm.region, f"{alarm.account}/{alarm.name}", alarm.document)

    def remove(self, alarm: Alarm) -> None:
        """Forget an alarm; its history stays."""
        self._store.delete(KIND, alarm.region, f"{alarm.account}/{alarm.name}")

    def note(self, alarm: Alarm, kind: str, summary: str, data: Mapping[str, Any]) -> None:
        """Add to an alarm's history: `kind` is ConfigurationUpdate, StateUpdate or Action."""
        now = self.clock.epoch()
        item = {
            "AlarmName": alarm.name,
            "AlarmType": alarm.type,
            "Timestamp": now,
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps({"version": "1.0", **data}),
        }
        self._store.put(HISTORY, alarm.region, f"{alarm.account}/{now:017.6f}/{uuid.uuid4().hex[:8]}", item)

    def history(self, account: str, region: str) -> list[Document]:
        """What was noted in the last 30 days, the oldest first; what is older goes."""
        found, first = [], self.clock.epoch() - KEPT_S
        for at, key, item in self._store.named(HISTORY, region):
            if item["Timestamp"] < first:
                self._store.delete(HISTORY, at, key)
            elif key.startswith(f"{account}/"):
                found.append(item)
        return found


def arn_of(account: str, region: str, name: str) -> str:
    """An alarm's ARN."""
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
