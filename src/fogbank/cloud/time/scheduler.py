"""EventBridge Scheduler's schedules, in front of moto's: checked as AWS checks them, on the cloud's clock, and really due.

moto keeps the definitions, groups and lists. What it does not keep (dates on the cloud's clock, the window, what is to become of a
schedule that is over) lies in the cloud's store, and is laid over what moto answers. Source: the EventBridge Scheduler API reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.cloud.api.check import check_input
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.expressions import check, due, is_once
from fogbank.cloud.time.timeline import Due

KIND = "eventbridge-schedule"
PATH = re.compile(r"/schedules/([^/]+)")
GROUP_PATH = re.compile(r"/schedule-groups/([^/]+)")
DEFAULTS = {
    "State": "ENABLED",
    "ScheduleExpressionTimezone": "UTC",
    "GroupName": "default",
    "ActionAfterCompletion": "NONE",
}
UNIVERSAL = ":scheduler:::aws-sdk:"
GRACE = timedelta(minutes=5)
Fire = Callable[["Schedule", datetime, bool], str]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule as the clockwork reads it: the request's members, laid over what moto keeps."""

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

    def moments(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """When it fires in (since, until], within its own dates. Raises ScheduleExpressionError."""
        created = datetime.fromtimestamp(self.document["CreationDate"], UTC)
        start, end = (_moment(self.document.get(key)) for key in ("StartDate", "EndDate"))
        after = max(since, (start or created) - timedelta(microseconds=1))
        zone = self.document.get("ScheduleExpressionTimezone") or "UTC"
        moments = due(self.document["ScheduleExpression"], after, until, start or created, zone)
        return (moment for moment in moments if end is None or moment <= end)

    def is_over(self, moment: datetime) -> bool:
        """Whether nothing comes after `moment`."""
        end = _moment(self.document.get("EndDate"))
        if is_once(self.document["ScheduleExpression"]):
            return True
        return end is not None and next(self.moments(moment, end), None) is None


class Scheduler:
    """The door of EventBridge Scheduler, and the source of what its schedules make due.

    `moto` answers a request; `kept` are moto's schedules with their regions; `fire` does what a schedule's target says.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        moto: Callable[[Request], Answer],
        kept: Callable[[], Sequence[tuple[str, Document]]],
        fire: Fire,
    ) -> None:
        self._store = store
        self._clock = clock
        self._moto = moto
        self._kept = kept
        self._fire = fire

    def takes(self, request: Request) -> bool:
        """Whether the request is about schedules, or ends a group (the others about groups and tags are moto's)."""
        if request.service != "scheduler":
            return False
        ends_group = request.method == "DELETE" and GROUP_PATH.fullmatch(request.path)
        return request.path == "/schedules" or bool(PATH.fullmatch(request.path) or ends_group)

    def handle(self, request: Request) -> Answer:
        """Create, get, list, update, delete."""
        try:
            if GROUP_PATH.fullmatch(request.path):
                return self._missing_group(request, request.path) or self._moto(request)
            if request.path == "/schedules":
                return self._laid_over_all(request, self._moto(request))
            if request.method in {"POST", "PUT"}:
                return self._written(request)
            answer = self._moto(request)
            if answer.status == 200 and request.method == "DELETE":
                self._store.delete(KIND, request.region, _key(request))
            if answer.status == 200 and request.method == "GET":
                document = self._over(request.region, json.loads(answer.body))
                return _rewritten(answer, document)
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message)
        return answer

    def due(self, since: datetime, until: datetime) -> Iterator[Due]:
        """What the enabled schedules make due."""
        for region, document in self._kept():
            schedule = Schedule(region=region, document=self._over(region, document))
            if schedule.document.get("State") == "DISABLED":
                continue
            name = f"EventBridge schedule {schedule.name}"
            try:
                moments = list(schedule.moments(since, until))
            except ScheduleExpressionError as error:  # one that an earlier version let in
                yield Due(until, name, lambda _, reason=str(error): f"never fires: {reason}")  # type: ignore[misc]  # bound early
                continue
            for moment in moments:
                yield Due(moment, name, self._firing(schedule, moment))

    def _firing(self, schedule: Schedule, moment: datetime) -> Callable[[bool], str]:
        def fire(wait: bool) -> str:
            try:
                return self._fire(schedule, moment, wait)
            finally:
                if schedule.document.get("ActionAfterCompletion") == "DELETE" and schedule.is_over(moment):
                    self._forget(schedule)

        return fire

    def _written(self, request: Request) -> Answer:
        """CreateSchedule and UpdateSchedule: what is left out has the default, in an update too."""
        name = unquote(request.path.rpartition("/")[2])
        try:
            given = json.loads(request.body or b"{}")
        except ValueError as error:
            raise validation(f"the body is not JSON: {error}") from error
        params = {**DEFAULTS, **{key: value for key, value in given.items() if value is not None}, "Name": name}
        self._check(params, creates=request.method == "POST")
        forwarded = {key: value for key, value in params.items() if key not in {"Name", "StartDate", "EndDate"}}
        missing = self._missing_group(request, f"/schedule-groups/{params['GroupName']}")
        answer = missing or self._moto(replace(request, body=json.dumps(forwarded).encode()))
        if answer.status == 200:
            key = f"{params['GroupName']}/{name}"
            earlier = self._store.get(KIND, request.region, key) if request.method == "PUT" else None
            now = self._clock.epoch()
            dates = {"CreationDate": earlier["CreationDate"] if earlier else now, "LastModificationDate": now}
            members = {key: value for key, value in params.items() if key != "ClientToken"}
            self._store.put(KIND, request.region, key, {**members, **dates})
        return answer

    def _missing_group(self, request: Request, path: str) -> Answer | None:
        """moto's refusal of a group that it does not have, which it does not give by itself; None where it has it."""
        answer = self._moto(replace(request, method="GET", path=path, query="", body=b""))
        return answer if answer.status != 200 else None

    def _check(self, params: Document, *, creates: bool) -> None:
        """What AWS refuses is refused. Raises ValidationException."""
        check_input(params, _shape("CreateSchedule" if creates else "UpdateSchedule"))
        try:
            check(params["ScheduleExpression"])
        except ScheduleExpressionError as error:
            raise validation(f"Invalid Schedule Expression {params['ScheduleExpression']}. {error}") from error
        try:
            check("rate(1 day)", params["ScheduleExpressionTimezone"])
        except ScheduleExpressionError as error:
            zone = params["ScheduleExpressionTimezone"]
            raise validation(f"Provided ScheduleExpressionTimezone is not valid: {zone}") from error
        window = params["FlexibleTimeWindow"]
        if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
            raise validation(
                "MaximumWindowInMinutes goes with the FlexibleTimeWindow Mode FLEXIBLE, and with no other."
            )
        self._check_dates(params)
        target = params["Target"]
        if UNIVERSAL in target["Arn"]:
            _check_json(target.get("Input") or "{}")

    def _check_dates(self, params: Document) -> None:
        start, end = (_moment(params.get(key)) for key in ("StartDate", "EndDate"))
        now = self._clock.now()
        if start and start < now - GRACE and not is_once(params["ScheduleExpression"]):
            raise validation("The StartDate you specify cannot be earlier than 5 minutes ago.")
        if end and end < now:
            raise validation("The EndDate you specify cannot be in the past.")
        if start and end and end < start:
            raise validation("The StartDate must come before the EndDate.")

    def _over(self, region: str, document: Document) -> Document:
        """What the store knows of a schedule, over what moto says."""
        key = f"{document.get('GroupName') or 'default'}/{document['Name']}"
        kept = self._store.get(KIND, region, key) or {}
        target = {**document.get("Target", {}), **kept.get("Target", {})}  # moto adds the default RetryPolicy
        return {**document, **kept, "Target": target}

    def _laid_over_all(self, request: Request, answer: Answer) -> Answer:
        if answer.status != 200 or request.method != "GET":
            return answer
        document = json.loads(answer.body)
        for summary in document.get("Schedules", []):
            kept = self._over(request.region, summary)
            summary.update({key: kept[key] for key in ("CreationDate", "LastModificationDate") if key in kept})
        return _rewritten(answer, document)

    def _forget(self, schedule: Schedule) -> None:
        """ActionAfterCompletion DELETE."""
        group, _, name = schedule.key.partition("/")
        credential = f"AWS4-HMAC-SHA256 Credential=fogbank/20260101/{schedule.region}/scheduler/aws4_request"
        headers = {"host": f"scheduler.{schedule.region}.amazonaws.com", "authorization": credential}
        path, query = f"/schedules/{name}", f"groupName={group}"
        self.handle(Request(method="DELETE", path=path, query=query, headers=headers, body=b""))


def _rewritten(answer: Answer, document: Document) -> Answer:
    """The answer with another body, whose length is another."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    return replace(answer, headers=headers, body=json.dumps(document).encode())


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise validation(f"Target.Input is not JSON, and a universal target's has to be: {error}") from error


def _key(request: Request) -> str:
    group = parse_qs(request.query).get("groupName", ["default"])[0]
    return f"{group}/{unquote(request.path.rpartition('/')[2])}"


def _moment(value: Any) -> datetime | None:
    """A date as requests have it: seconds since 1970, or ISO 8601."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=4)
def _shape(operation: str) -> Any:
    model = ServiceModel(Loader().load_service_model("scheduler", "service-2"), "scheduler")
    return model.operation_model(operation).input_shape
