"""EventBridge Scheduler's schedules, in front of moto's: checked as AWS checks them, on the cloud's clock, and really due.

moto keeps the definitions, groups and lists. What it does not keep (dates on the cloud's clock, the window, what is to become of a
schedule that is over) lies in the cloud's store, and is laid over what moto answers. Source: the EventBridge Scheduler API reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from urllib.parse import parse_qs, unquote

from fogbank.cloud.api.control import Missing
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.payload import EMPTY, Payload
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.refusals import check_schedule
from fogbank.cloud.time.schedule import Schedule
from fogbank.cloud.time.timeline import MOST, Due

KIND = "eventbridge-schedule"
TOKEN = "_token"  # noqa: S105 - what a caller names its request by, so that it is done once
PATH = re.compile(r"/schedules/([^/]+)")
GROUP_PATH = re.compile(r"/schedule-groups/([^/]+)")
DEFAULTS = {
    "State": "ENABLED",
    "ScheduleExpressionTimezone": "UTC",
    "GroupName": "default",
    "ActionAfterCompletion": "NONE",
}
Fire = Callable[[Schedule, datetime, bool], str]


class Scheduler:
    """The door of EventBridge Scheduler, and the source of what its schedules make due.

    `moto` answers a request; `kept` are moto's schedules with their regions; `answers` knows whether the cloud answers a service's
    operation; `missing` knows the things that requests name; `fire` does what a schedule's target says.
    """

    def __init__(
        self,
        ground: Ground,
        moto: Callable[[Request], Answer],
        kept: Callable[[], Sequence[tuple[str, Document]]],
        answers: Callable[[str, str], bool],
        missing: Missing,
        fire: Fire,
    ) -> None:
        self._store, self._clock, self._events = ground.store, ground.clock, ground.events
        self._moto = moto
        self._kept = kept
        self._answers = answers
        self._missing = missing
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
                return self._without_group(request)
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
                firings = list(islice(schedule.firings(since, until), MOST + 1))
            except ScheduleExpressionError as error:  # one that an earlier version let in
                yield Due(until, name, lambda _, reason=str(error): f"never fires: {reason}")  # type: ignore[misc]  # bound early
                continue
            for at, moment in firings:
                fire, settle = self._firing(schedule, moment), partial(self._settle, schedule, moment)
                yield Due(at, name, fire, f"{schedule.region}/{schedule.key}", settle, moment.isoformat())

    def _firing(self, schedule: Schedule, moment: datetime) -> Callable[[bool], str]:
        def fire(wait: bool) -> str:
            if not self._is_current(schedule):
                return "not called: the schedule was changed or deleted meanwhile"
            try:
                return self._fire(schedule, moment, wait)
            finally:
                self._settle(schedule, moment)

        return fire

    def _settle(self, schedule: Schedule, moment: datetime) -> None:
        """What is to become of a schedule that is over."""
        if schedule.document.get("ActionAfterCompletion") == "DELETE" and schedule.is_over(moment):
            self._forget(schedule)

    def _written(self, request: Request) -> Answer:
        """CreateSchedule and UpdateSchedule: what is left out has the default, in an update too."""
        params = _parameters(request)
        creates = request.method == "POST"
        key = f"{params['GroupName']}/{params['Name']}"
        earlier = self._store.get(KIND, request.region, key)
        if creates and earlier and params.get("ClientToken") and earlier.get(TOKEN) == params["ClientToken"]:
            arn = Schedule(region=request.region, document=earlier).arn
            return json_answer({"ScheduleArn": arn}, content_type="application/json")  # the same request once more
        self._check(request.region, params, creates=creates)
        forwarded = {key: value for key, value in params.items() if key not in {"Name", "StartDate", "EndDate"}}
        missing = self._missing_group(request, f"/schedule-groups/{params['GroupName']}")
        answer = missing or self._moto(replace(request, payload=Payload.of(json.dumps(forwarded).encode())))
        if answer.status == 200:
            now = self._clock.epoch()
            dates = {
                "CreationDate": earlier["CreationDate"] if earlier and not creates else now,
                "LastModificationDate": now,
            }
            members = {TOKEN if key == "ClientToken" else key: value for key, value in params.items()}
            self._store.put(KIND, request.region, key, {**members, **dates})
            self._mention_inert(request.region, params, "CreateSchedule" if creates else "UpdateSchedule")
        return answer

    def _without_group(self, request: Request) -> Answer:
        """DeleteScheduleGroup: its schedules go with it."""
        answer = self._missing_group(request, request.path) or self._moto(request)
        if answer.status == 200:
            group = unquote(request.path.rpartition("/")[2])
            for region, key, _ in self._store.named(KIND, request.region):
                if key.startswith(f"{group}/"):
                    self._store.delete(KIND, region, key)
        return answer

    def _missing_group(self, request: Request, path: str) -> Answer | None:
        """moto's refusal of a group that it does not have, which it does not give by itself; None where it has it."""
        answer = self._moto(replace(request, method="GET", path=path, query="", payload=EMPTY))
        return answer if answer.status != 200 else None

    def _check(self, region: str, params: Document, *, creates: bool) -> None:
        """What AWS refuses is refused, and so is what the local cloud lacks. Raises ApiError."""
        call = check_schedule(params, "CreateSchedule" if creates else "UpdateSchedule", self._clock.now())
        if not self._answers(call.service, call.operation):
            raise ApiError("NotImplemented", f"the local cloud does not have {call.service}:{call.operation}", 501)
        key = params.get("KmsKeyArn")
        if reason := self._missing("kms-key", key, region) if key else None:
            raise validation(f"{reason}.")

    def _mention_inert(self, region: str, params: Document, operation: str) -> None:
        """A schedule's key encrypts nothing here: whoever listens can say so."""
        if "KmsKeyArn" in params:
            names = {"Name": params["Name"]}
            self._events.emit("call", region, operation, "Inert", members=["KmsKeyArn"], names=names)

    def _is_current(self, schedule: Schedule) -> bool:
        """Whether a schedule is still there, as it is here."""
        return any(
            self._over(region, document) == schedule.document
            for region, document in self._kept()
            if (region, document["Name"]) == (schedule.region, schedule.name)
        )

    def _over(self, region: str, document: Document) -> Document:
        """What the store knows of a schedule, over what moto says."""
        key = f"{document.get('GroupName') or 'default'}/{document['Name']}"
        kept = {
            member: value for member, value in (self._store.get(KIND, region, key) or {}).items() if member != TOKEN
        }
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
    return replace(answer, headers=headers, payload=Payload.of(json.dumps(document).encode()))


def _parameters(request: Request) -> Document:
    """A request's members with the defaults of those that are left out."""
    try:
        members = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise validation(f"the body is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise validation("the body is not a JSON object")
    name = unquote(request.path.rpartition("/")[2])
    return {**DEFAULTS, **{key: value for key, value in members.items() if value is not None}, "Name": name}


def _key(request: Request) -> str:
    group = parse_qs(request.query).get("groupName", ["default"])[0]
    return f"{group}/{unquote(request.path.rpartition('/')[2])}"
