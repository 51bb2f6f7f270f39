"""An alarm gets another state: it is written, noted, told to EventBridge, acted upon, and composite alarms that name it follow.

In: an alarm and a state; out: all of that, in this order. What a killed process did not do any more is done at the next beat: the state
before lies in the alarm's document until its actions are done.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.alarms.book import Alarm, Book
from fogbank.cloud.alarms.rule import read
from fogbank.cloud.alarms.told import event_of, message_of, payload_of, subject_of, time_of
from fogbank.cloud.ground.store import Document

log = logging.getLogger("fogbank.cloud")
BEFORE = "_before"
"""Where an alarm's document has its last state as long as the actions of its present one are not done."""
STATE = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
MEMBERS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
Clients = Callable[[str, str], Any]


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action to do: the alarm before and after, the action's ARN, the newest datapoint's value if there is one."""

    before: Alarm
    after: Alarm
    arn: str
    value: float | None = None


Scale = Callable[[Action], str | None]
"""Carries out a scaling policy; what came of it, None where nothing changed. Raises ScalingError."""


class ScalingError(Exception):
    """A scaling policy cannot be carried out: nothing says how far the metric is from the alarm's threshold."""


class Changes:
    """Moves alarms. `put` puts an event on a region's default bus, `scale` carries out scaling policies."""

    def __init__(self, book: Book, clients: Clients, put: Callable[[str, Mapping[str, Any]], None]) -> None:
        self.lock = threading.RLock()
        self.scale: Scale = lambda _: None
        self._book, self._clients, self._put = book, clients, put

    def move(self, alarm: Alarm, state: str, reason: str, data: str | None, value: float | None = None) -> None:
        """Let an alarm have a state; one that was changed or deleted meanwhile is left alone."""
        with self.lock:
            found = self._book.find(alarm.account, alarm.region, alarm.name)
            if found is None or found.document != alarm.document:
                return
            now = self._book.clock.epoch()
            before = {key: alarm.document[key] for key in STATE if key in alarm.document}
            told = {"StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": now, BEFORE: before}
            kept = {key: item for key, item in alarm.document.items() if key != "StateReasonData"}
            changed = {"StateReasonData": data} if data else {}
            moved = alarm.state != state
            stamped = {"StateTransitionedTimestamp": now} if moved else {}
            after = Alarm(account=alarm.account, region=alarm.region, document={**kept, **told, **changed, **stamped})
            if not moved:
                after = _settled(after)
            self._book.put(after)
        if moved:
            self.finish(after, value)

    def finish(self, after: Alarm, value: float | None = None) -> None:
        """Do what a new state brings with it."""
        before = after.changed(**after.document[BEFORE])
        after = _settled(after)
        summary = f"Alarm updated from {before.state} to {after.state}"
        self._book.note(after, "StateUpdate", summary, {"oldState": _noted(before), "newState": _noted(after)})
        self._put(after.region, event_of(before, after))
        self.act(before, after, value if value is not None else newest_of(after.document.get("StateReasonData")))
        with self.lock:
            found = self._book.find(after.account, after.region, after.name)
            if found is not None and _settled(found).document == after.document:
                self._book.put(after)
        for composite in self._book.all(after.account, after.region):
            if composite.is_composite and after.name in read(composite.document["AlarmRule"]).names:
                self.follow(composite, after)

    def act(self, before: Alarm, after: Alarm, value: float | None, service: str = "") -> None:
        """Do the actions of the alarm's present state, or those of one service."""
        if not after.document["ActionsEnabled"]:
            return
        for arn in after.document.get(MEMBERS[after.state], []):
            if service in {"", arn.split(":")[2]}:
                self._do(Action(before=before, after=after, arn=arn, value=value))

    def follow(self, composite: Alarm, cause: Alarm | None = None) -> None:
        """Let a composite alarm have the state that its rule says; `cause` is the alarm that has changed."""
        rule = read(composite.document["AlarmRule"])
        named = {name: self._book.find(composite.account, composite.region, name) for name in rule.names}
        gone = [name for name, alarm in named.items() if alarm is None]
        states = {name: alarm.state for name, alarm in named.items() if alarm is not None}
        if gone:
            state, reason = "INSUFFICIENT_DATA", f"The alarm rule names alarms that do not exist: {', '.join(gone)}"
        else:
            state = "ALARM" if rule.holds(states.__getitem__) else "OK"
            changed = cause or next((alarm for alarm in named.values() if alarm is not None), None)
            reason = _because(changed) if changed else f"The alarm rule is {'TRUE' if state == 'ALARM' else 'FALSE'}"
        if state != composite.state or composite.document["StateReason"].startswith("Unchecked"):
            triggers = [
                alarm for alarm in named.values() if alarm is not None and (cause is None or alarm.name == cause.name)
            ]
            data = json.dumps({"triggeringAlarms": [_child(alarm) for alarm in triggers]})
            self.move(composite, state, reason, data)

    def _do(self, action: Action) -> None:
        service = action.arn.split(":")[2]
        try:
            done = self._carry_out(service, action)
        except (ClientError, BotoCoreError, ScalingError) as error:
            log.warning("alarm %s: the action %s failed: %s", action.after.name, action.arn, error)
            self._note_action(
                action, f"Failed to execute action {action.arn}. Received error: {error}", {"error": str(error)}
            )
            return
        if done is not None:
            self._note_action(action, f"Successfully executed action {action.arn}", done)

    def _carry_out(self, service: str, action: Action) -> Document | None:
        """What is to be noted of it, or None. Raises ClientError, BotoCoreError."""
        region = action.arn.split(":")[3]
        if service == "autoscaling":
            came = self.scale(action)
            return (
                None
                if came is None
                else {"actionState": "Succeeded", "notificationResource": action.arn, "result": came}
            )
        if service == "lambda":
            payload = json.dumps(payload_of(action.before, action.after))
            self._clients("lambda", region).invoke(FunctionName=action.arn, InvocationType="Event", Payload=payload)
            return {"actionState": "Succeeded", "notificationResource": action.arn}
        message = message_of(action.before, action.after)
        self._clients("sns", region).publish(
            TopicArn=action.arn, Subject=subject_of(action.after), Message=json.dumps(message)
        )
        published = json.dumps({"default": json.dumps(message)})
        return {"actionState": "Succeeded", "notificationResource": action.arn, "publishedMessage": published}

    def _note_action(self, action: Action, summary: str, data: Mapping[str, Any]) -> None:
        when = action.after.document["StateUpdatedTimestamp"]
        self._book.note(action.after, "Action", summary, {"stateUpdateTimestamp": int(when * 1000), **data})


def newest_of(data: str | None) -> float | None:
    """The newest datapoint that a state's reason names, as SetAlarmState must for scaling policies; None where it names none."""
    document = json.loads(data) if data else None
    points = document.get("recentDatapoints") if isinstance(document, dict) else None
    numbers = [point for point in points if isinstance(point, int | float)] if isinstance(points, list) else []
    return float(numbers[-1]) if numbers else None


def _settled(alarm: Alarm) -> Alarm:
    """Without the state before."""
    document = {key: value for key, value in alarm.document.items() if key != BEFORE}
    return Alarm(account=alarm.account, region=alarm.region, document=document)


def _noted(alarm: Alarm) -> Document:
    data = alarm.document.get("StateReasonData")
    more = {"stateReasonData": json.loads(data)} if data else {}
    return {"stateValue": alarm.state, "stateReason": alarm.document["StateReason"], **more}


def _because(alarm: Alarm) -> str:
    when = datetime.fromtimestamp(alarm.document["StateUpdatedTimestamp"], UTC)
    return f"{alarm.arn} transitioned to {alarm.state} at {when:%A %d %B, %Y %H:%M:%S} UTC"


def _child(alarm: Alarm) -> Document:
    when = time_of(alarm.document["StateUpdatedTimestamp"])
    return {"arn": alarm.arn, "state": {"value": alarm.state, "timestamp": when}}
