"""CloudWatch's calls about alarms: PutMetricAlarm, PutCompositeAlarm, DescribeAlarms and those beside them.

In: parameters that fit botocore's shapes; out: answers. moto has each alarm's name and tags, for the calls about tags; the alarm itself, its
state and its history are the cloud's own. Source: CloudWatch API Reference.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fogbank.cloud.alarms.book import Alarm, Book, arn_of
from fogbank.cloud.alarms.changes import BEFORE, STATE, Changes
from fogbank.cloud.alarms.checks import ACTIONS, check_composite_alarm, check_metric_alarm
from fogbank.cloud.alarms.rule import read
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.observe.door import Operation
from fogbank.cloud.observe.puts import CloudWatchError, Params, seconds_of

log = logging.getLogger("fogbank.cloud")
PAGE, LARGEST_PAGE = 50, 100
NOT_KEPT = frozenset({"Tags"})
PREFIXES = ("AlarmNamePrefix", "ActionPrefix")
Page = tuple[list[Any], dict[str, str]]


class AlarmCalls:
    """Answers the calls. `moto` answers a request; with it moto keeps names and tags."""

    def __init__(self, book: Book, changes: Changes, moto: Callable[[Request], Answer]) -> None:
        self._book, self._changes, self._moto = book, changes, moto

    def operations(self) -> Mapping[str, Operation]:
        """The calls that are answered here."""
        return {
            "PutMetricAlarm": self._put_metric,
            "PutCompositeAlarm": self._put_composite,
            "DescribeAlarms": self._describe,
            "DescribeAlarmsForMetric": self._describe_for_metric,
            "DescribeAlarmHistory": self._history,
            "DeleteAlarms": self._delete,
            "SetAlarmState": self._set_state,
            "EnableAlarmActions": lambda *given: self._enable(*given, enabled=True),
            "DisableAlarmActions": lambda *given: self._enable(*given, enabled=False),
        }

    def adopt(self, kept: Iterable[tuple[str, str, Params]]) -> None:
        """Make alarms that moto kept the cloud's own, those on metrics first; one that is none is named, and left."""
        for account, region, params in sorted(kept, key=lambda each: "AlarmRule" in each[2]):
            put = self._put_composite if "AlarmRule" in params else self._put_metric
            try:
                put(account, region, params)
            except CloudWatchError as error:
                log.warning("alarm %s of an earlier version is not taken over: %s", params["AlarmName"], error)

    def _put_metric(self, account: str, region: str, params: Params) -> Params:
        check_metric_alarm(params)
        return self._put(account, region, params)

    def _put_composite(self, account: str, region: str, params: Params) -> Params:
        rule = check_composite_alarm(params)
        gone = [name for name in rule.names if self._book.find(account, region, name) is None]
        if gone:
            raise _invalid(
                f"Could not save the composite alarm as alarms [{', '.join(gone)}] in the alarm rule do not exist"
            )
        if self._leads_to(account, region, rule.names, params["AlarmName"]):
            raise _invalid(f"The alarm rule of {params['AlarmName']} leads back to itself")
        self._put(account, region, params)
        alarm = self._book.find(account, region, params["AlarmName"])
        if alarm is not None:
            self._changes.follow(alarm)
        return {}

    def _put(self, account: str, region: str, params: Params) -> Params:
        """Make an alarm, or make it another one: then its state stays, and its tags do."""
        now = self._book.clock.epoch()
        with self._changes.lock:
            earlier = self._book.find(account, region, params["AlarmName"])
            new = _plain({key: value for key, value in params.items() if key not in NOT_KEPT})
            if earlier is not None and earlier.is_composite != ("AlarmRule" in new):
                raise _invalid(f"An alarm of another type is called {params['AlarmName']}")
            kept = {
                key: value for key, value in (earlier.document if earlier else {}).items() if key in {*STATE, BEFORE}
            }
            first = {
                "StateValue": "INSUFFICIENT_DATA",
                "StateReason": "Unchecked: Initial alarm creation",
                "StateUpdatedTimestamp": now,
                "StateTransitionedTimestamp": now,
            }
            document = {
                **({} if "AlarmRule" in new else {"Dimensions": []} if "MetricName" in new else {}),
                **dict.fromkeys(ACTIONS, ()),
                "ActionsEnabled": True,
                **new,
                "AlarmArn": arn_of(account, region, params["AlarmName"]),
                "AlarmConfigurationUpdatedTimestamp": now,
                **(kept or first),
            }
            alarm = Alarm(account=account, region=region, document=_plain(document))
            self._book.put(alarm)
        verb, kind = ("updated", "Update") if earlier else ("created", "Create")
        told = {"type": kind, f"{verb}Alarm": alarm.document}
        self._book.note(alarm, "ConfigurationUpdate", f'Alarm "{alarm.name}" {verb}', told)
        if earlier is None:
            self._tell_moto(alarm, "PutMetricAlarm", {"AlarmName": alarm.name, "Tags": params.get("Tags", [])})
        return {}

    def _describe(self, account: str, region: str, params: Params) -> Params:
        if "AlarmNames" in params and any(name in params for name in PREFIXES):
            raise _invalid("AlarmNames and a prefix are mutually exclusive and you have specified both.")
        types = params.get("AlarmTypes") or ["MetricAlarm"]
        alarms = [alarm for alarm in self._book.all(account, region) if alarm.type in types]
        if "AlarmNames" in params:
            alarms = [alarm for alarm in alarms if alarm.name in params["AlarmNames"]]
        if named := params.get("ChildrenOfAlarmName"):
            children = _children(self._found(account, region, named))
            alarms = [alarm for alarm in self._book.all(account, region) if alarm.name in children]
        if named := params.get("ParentsOfAlarmName"):
            self._found(account, region, named)
            alarms = [alarm for alarm in self._book.all(account, region) if named in _children(alarm)]
        alarms = [alarm for alarm in alarms if _has(alarm, params)]
        page, more = _page(alarms, params, lambda alarm: alarm.name)
        return {
            "MetricAlarms": [_shown(alarm) for alarm in page if not alarm.is_composite],
            "CompositeAlarms": [_shown(alarm) for alarm in page if alarm.is_composite],
            **more,
        }

    def _describe_for_metric(self, account: str, region: str, params: Params) -> Params:
        wanted = {key: value for key, value in params.items() if key != "Dimensions"}
        dimensions = _pairs(params)
        alarms = [
            alarm
            for alarm in self._book.all(account, region)
            if all(alarm.document.get(key) == value for key, value in wanted.items())
            and _pairs(alarm.document) == dimensions
        ]
        return {"MetricAlarms": [_shown(alarm) for alarm in alarms]}

    def _history(self, account: str, region: str, params: Params) -> Params:
        items = [item for item in self._book.history(account, region) if _is_asked(item, params)]
        if params.get("ScanBy") != "TimestampAscending":
            items.reverse()
        numbered = list(enumerate(items))
        page, more = _page(numbered, params, lambda item: f"{item[0]:09d}")
        return {"AlarmHistoryItems": [{**item, "Timestamp": _time(item["Timestamp"])} for _, item in page], **more}

    def _delete(self, account: str, region: str, params: Params) -> Params:
        found = [self._book.find(account, region, name) for name in dict.fromkeys(params["AlarmNames"])]
        alarms = [alarm for alarm in found if alarm is not None]  # one that is not there is no error
        if len(alarms) > 1 and any(alarm.is_composite for alarm in alarms):
            raise _invalid("A composite alarm is deleted by itself, with no other alarm in the request.")
        for alarm in alarms:
            self._book.remove(alarm)
            told = {"type": "Delete", "deletedAlarm": alarm.document}
            self._book.note(alarm, "ConfigurationUpdate", f'Alarm "{alarm.name}" deleted', told)
            self._tell_moto(alarm, "DeleteAlarms", {"AlarmNames": [alarm.name]})
        return {}

    def _set_state(self, account: str, region: str, params: Params) -> Params:
        alarm = self._found(account, region, params["AlarmName"])
        data = params.get("StateReasonData")
        if data:
            try:
                json.loads(data)
            except ValueError as error:
                raise CloudWatchError("InvalidFormat", "StateReasonData is not valid JSON") from error
        self._changes.move(alarm, params["StateValue"], params["StateReason"], data)
        return {}

    def _enable(self, account: str, region: str, params: Params, *, enabled: bool) -> Params:
        with self._changes.lock:
            found = [self._book.find(account, region, name) for name in params["AlarmNames"]]
            for alarm in found:
                if alarm is not None:
                    self._book.put(alarm.changed(ActionsEnabled=enabled))
        return {}

    def _found(self, account: str, region: str, name: str) -> Alarm:
        alarm = self._book.find(account, region, name)
        if alarm is None:
            raise CloudWatchError("ResourceNotFound", f"Unknown alarm: {name}")
        return alarm

    def _leads_to(self, account: str, region: str, names: Sequence[str], goal: str) -> bool:
        """Whether rules lead from the alarms of these names to the one that is called `goal`."""
        ahead, seen = list(names), set()
        while ahead:
            name = ahead.pop()
            if name == goal:
                return True
            alarm = None if name in seen else self._book.find(account, region, name)
            seen.add(name)
            ahead += _children(alarm) if alarm else []
        return False

    def _tell_moto(self, alarm: Alarm, operation: str, params: Document) -> None:
        """Let moto know the alarm's name: its tags are there."""
        scope = f"AWS4-HMAC-SHA256 Credential=fogbank/20200101/{alarm.region}/monitoring/aws4_request"
        headers = {
            "host": "127.0.0.1",
            "authorization": scope,
            "x-moto-account-id": alarm.account,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"GraniteServiceVersion20100801.{operation}",
        }
        body = json.dumps(params).encode()
        self._moto(Request(method="POST", path="/", query="", headers=headers, body=body))


def _has(alarm: Alarm, params: Params) -> bool:
    """Whether an alarm has the state, and begins as, DescribeAlarms asks."""
    prefix = params.get("ActionPrefix", "")
    arns = [arn for member in ACTIONS for arn in alarm.document.get(member, [])]
    return (
        alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue") in {None, alarm.state}
        and (not prefix or any(arn.startswith(prefix) for arn in arns))
    )


def _children(alarm: Alarm) -> Sequence[str]:
    return read(alarm.document["AlarmRule"]).names if alarm.is_composite else ()


def _is_asked(item: Document, params: Params) -> bool:
    """Whether DescribeAlarmHistory asks for an item."""
    types = params.get("AlarmTypes") or [item["AlarmType"] if params.get("AlarmName") else "MetricAlarm"]
    start, end = params.get("StartDate"), params.get("EndDate")
    return (
        params.get("AlarmName") in {None, item["AlarmName"]}
        and params.get("HistoryItemType") in {None, item["HistoryItemType"]}
        and item["AlarmType"] in types
        and (start is None or item["Timestamp"] >= seconds_of(start))
        and (end is None or item["Timestamp"] <= seconds_of(end))
    )


def _page(items: Sequence[Any], params: Params, key: Callable[[Any], str]) -> Page:
    """One page, which begins after the item whose key the token is."""
    token, size = params.get("NextToken"), params.get("MaxRecords") or PAGE
    if not 1 <= size <= LARGEST_PAGE:
        raise _invalid(f"MaxRecords is between 1 and {LARGEST_PAGE}.")
    if token is not None and token not in {key(item) for item in items}:
        raise CloudWatchError("InvalidNextToken", "The next token specified is invalid.")
    left = [item for item in items if token is None or key(item) > token]
    more = {"NextToken": key(left[size - 1])} if len(left) > size else {}
    return left[:size], more


def _shown(alarm: Alarm) -> Document:
    """As DescribeAlarms answers it."""
    shown = {
        key: _time(value) if key.endswith("Timestamp") else value
        for key, value in alarm.document.items()
        if key != BEFORE
    }
    return shown if alarm.is_composite else {"Metrics": [], **shown}


def _pairs(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((item["Name"], item["Value"]) for item in document.get("Dimensions", []))


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value))


def _time(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _invalid(message: str) -> CloudWatchError:
    return CloudWatchError("ValidationError", message)
