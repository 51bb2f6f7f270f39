"""EventBridge's rules, carried out: by pattern when events are put, by schedule on the cloud's clock.

In: what moto has answered to PutEvents and PutRule; out: the targets of rules get their events. A target that the local cloud does not reach
is refused when it is put. Sources: the EventBridge API reference and User Guide.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from fogbank.cloud.api.errors import ApiError, NotOursError, validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.slots import doing
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.moto.rules import Rule, matching, scheduled
from fogbank.cloud.time.calls import ARN
from fogbank.cloud.time.cron import ScheduleExpressionError
from fogbank.cloud.time.deliveries import Deliveries
from fogbank.cloud.time.expressions import check, due
from fogbank.cloud.time.inputs import target_input
from fogbank.cloud.time.timeline import MOST, Due
from fogbank.ground.aws import LOCAL_ACCOUNT

KIND = "eventbridge-rule"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
LACKING = frozenset({
    "appsync", "athena", "batch", "codebuild", "codepipeline", "ecs", "firehose", "glue", "inspector", "redshift", "redshift-data",
    "redshift-serverless", "sagemaker", "ssm", "ssm-incidents", "states",
})  # fmt: skip
"""Services of targets that nothing here carries out."""


INPUTS = ("Input", "InputPath", "InputTransformer")
SINGULAR = re.compile(r"rate\(\s*(1\s+(minutes|hours|days)|(?!1\s)\d+\s+(minute|hour|day))\s*\)")
"""A rate whose number and unit do not go together: EventBridge's rules refuse it (User Guide, "Rate expressions")."""


class Rules:
    """The listener of events, the source of what rules make due, and the door that refuses. `count` is told of each rule that has an event."""

    def __init__(self, store: Store, clock: Clock, deliveries: Deliveries, count: Callable[[str, str], object]) -> None:
        self._store, self._clock, self._deliveries, self._count = store, clock, deliveries, count

    def takes(self, request: Request) -> bool:
        """Whether targets or a schedule are said, which may be refused."""
        return request.headers.get("x-amz-target") in {"AWSEvents.PutTargets", "AWSEvents.PutRule"}

    def handle(self, request: Request) -> Answer:
        """The refusal. Raises NotOursError where there is none."""
        try:
            check_request(_parameters(request.body))
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message)
        raise NotOursError(request.path)

    def listen(self, request: Request, answer: Answer) -> None:
        """Hear of what moto has answered."""
        target = request.headers.get("x-amz-target", "")
        if target == "AWSEvents.PutRule":
            self._begin(request.region, _parameters(request.body))
        if target != "AWSEvents.PutEvents":
            return
        said = json.loads(answer.body).get("Entries", [])
        for entry, told in zip(_parameters(request.body).get("Entries", []), said, strict=False):
            if "EventId" in told:
                bus = (entry.get("EventBusName") or "default").rpartition("/")[2]
                self.put(request.region, bus, self._event(request.region, entry, told["EventId"]))

    def put(self, region: str, bus: str, event: Document, *, forwarded: bool = False) -> None:
        """Let the rules of a bus have an event. What one bus gives to another goes no further, as on AWS."""
        for rule in matching(region, bus, event):
            self._count(region, rule.name)
            for target in rule.targets:
                if ":event-bus/" not in target["Arn"]:
                    self._deliver(rule, target, event, wait=False)
                elif not forwarded:
                    self.put(target["Arn"].split(":")[3], target["Arn"].rpartition("/")[2], event, forwarded=True)

    def due(self, since: datetime, until: datetime) -> Iterator[Due]:
        """What the rules with a schedule make due."""
        for rule in scheduled():
            anchor = self._anchor(rule)
            try:
                moments = islice(due(rule.expression or "", max(since, anchor), until, anchor), MOST + 1)
                for moment in moments:
                    fire = partial(self._fire, rule, moment)
                    yield Due(moment, f"EventBridge rule {rule.name}", fire, f"rule/{rule.region}/{rule.name}")
            except ScheduleExpressionError as error:  # one that an earlier version let in
                yield Due(until, f"EventBridge rule {rule.name}", lambda _, reason=str(error): f"never fires: {reason}")  # type: ignore[misc]  # bound early

    def _fire(self, rule: Rule, moment: datetime, wait: bool) -> str:
        if not any(
            (each.region, each.name, each.expression) == (rule.region, rule.name, rule.expression)
            for each in scheduled()
        ):
            return "not called: the rule was changed or deleted meanwhile"
        event = {
            "version": "0",
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{rule.arn}{moment.isoformat()}")),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": LOCAL_ACCOUNT,
            "time": moment.strftime(TIME_FORMAT),
            "region": rule.region,
            "resources": [rule.arn],
            "detail": {},
        }
        self._count(rule.region, rule.name)
        results = [self._once(rule, target, event, wait=wait) for target in rule.targets]
        return "; ".join(results) or "no targets"

    def _once(self, rule: Rule, target: Mapping[str, Any], event: Document, *, wait: bool) -> str:
        slot = f"{event['id']}/{target['Id']}"
        if self._store.marked(slot):
            return "was called before the cloud was stopped"
        with doing(slot):
            return self._deliver(rule, target, event, wait=wait)

    def _deliver(self, rule: Rule, target: Mapping[str, Any], event: Document, *, wait: bool) -> str:
        try:
            text = target_input(target, event, rule.arn, rule.name)
        except ValueError as error:
            return f"the input of {target['Id']} is no JSON: {error}"
        delivery = {"rule": rule.arn, "region": rule.region, "target": dict(target), "text": text, "id": event["id"]}
        return self._deliveries.send(delivery, wait=wait)

    def _event(self, region: str, entry: Document, event_id: str) -> Document:
        at = entry.get("Time")
        moment = self._clock.now() if at is None else _moment(at)
        return {
            "version": "0",
            "id": event_id,
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": LOCAL_ACCOUNT,
            "time": moment.strftime(TIME_FORMAT),
            "region": region,
            "resources": entry.get("Resources", []),
            "detail": json.loads(entry["Detail"]),
        }

    def _begin(self, region: str, params: Document) -> None:
        expression, name = params.get("ScheduleExpression"), params.get("Name", "")
        kept = self._store.get(KIND, region, name)
        if expression and (kept is None or kept["expression"] != expression):
            self._store.put(KIND, region, name, {"expression": expression, "since": self._clock.epoch()})

    def _anchor(self, rule: Rule) -> datetime:
        """Since when a rule's schedule is what it is: a rate counts from there, and nothing before it is due."""
        self._begin(rule.region, {"ScheduleExpression": rule.expression, "Name": rule.name})
        kept = self._store.get(KIND, rule.region, rule.name) or {}
        return datetime.fromtimestamp(kept["since"], UTC)


def check_request(params: Document) -> None:
    """Refuse a schedule that AWS refuses, and targets that the local cloud does not reach. Raises ApiError."""
    expression = params.get("ScheduleExpression")
    if expression:
        try:
            check(expression)
        except ScheduleExpressionError as error:
            raise validation("Parameter ScheduleExpression is not valid.") from error
        if expression.startswith("at(") or SINGULAR.fullmatch(expression):
            raise validation("Parameter ScheduleExpression is not valid.")
    _check_targets([target for target in params.get("Targets") or [] if isinstance(target, dict)])
    lacking = sorted({service for service in _services(params.get("Targets") or []) if service in LACKING})
    if lacking:
        names = ", ".join(lacking)
        raise ApiError(
            "NotImplemented",
            f"the local cloud does not have targets of {names} yet; they are refused, not ignored",
            501,
        )


def _check_targets(targets: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what AWS refuses and moto keeps: two inputs, and one that is no JSON. Raises ApiError."""
    for target in targets:
        inputs = [name for name in INPUTS if target.get(name) is not None]
        if len(inputs) > 1:
            raise validation(
                f"Only one of Input, InputPath, or InputTransformer must be provided for target {target.get('Id')}."
            )
        try:
            json.loads(target.get("Input") or "null")
        except (ValueError, TypeError, RecursionError) as error:
            raise validation(f"JSON syntax error in input for target {target.get('Id')}: {error}") from error


def _services(targets: Iterable[Any]) -> Iterator[str]:
    for target in targets:
        arn = ARN.fullmatch(str(target.get("Arn", ""))) if isinstance(target, dict) else None
        if arn:
            yield arn["service"]


def _parameters(body: bytes) -> Document:
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value))
