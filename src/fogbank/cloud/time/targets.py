"""One time that an EventBridge schedule is due: its target is called, and what could not be delivered goes to the dead-letter queue.

In: a schedule and the moment; out: what came of it, in a sentence. Calls go through ordinary boto3 clients of the cloud itself, so a target
finds the same checks as any caller. Sources: EventBridge Scheduler User Guide, "Adding context attributes" and "Configuring a
dead-letter queue".
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.acting import acting
from fogbank.cloud.ground.store import Document
from fogbank.cloud.time.calls import UNIVERSAL, ApiCall, api_call, to_queue
from fogbank.cloud.time.later import Later
from fogbank.cloud.time.schedule import Schedule
from fogbank.contracts.scheduler import EXECUTION_ID, SCHEDULED_TIME
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
SCHEDULE_ARN, ATTEMPT = "<aws.scheduler.schedule-arn>", "<aws.scheduler.attempt-number>"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
RETRY_ATTEMPTS, AGE_S = 185, 86_400.0
"""RetryPolicy's defaults."""
LONGEST_WAIT_S = 600.0
KIND = "schedule-retry"
PASSING = frozenset(
    {"InternalFailure", "InternalError", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestTimeout"}
)
"""Codes of errors that may be over at the next attempt; any other is the call's own, and final."""
Clients = Callable[[str, str], Any]
"""boto3 clients of the cloud itself, by service and region."""
Outcome = Callable[[str, Document, Document], str]
"""Waits for the end of what a call began, by region, the call's parameters and its answer; what came of it, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One time that a schedule is due."""

    schedule: Schedule
    moment: datetime

    @property
    def target(self) -> Document:
        """What the schedule calls."""
        target: Document = self.schedule.document["Target"]
        return target

    @property
    def execution(self) -> str:
        """The same for the same schedule and moment."""
        name = f"{self.schedule.region}/{self.schedule.key}{self.moment.isoformat()}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def input(self, attempt: int = 1) -> str:
        """The target's Input, its context attributes filled in; without one, what EventBridge Scheduler sends then."""
        values = {
            SCHEDULE_ARN: self.schedule.arn,
            SCHEDULED_TIME: self.moment.strftime(TIME_FORMAT),
            EXECUTION_ID: self.execution,
            ATTEMPT: str(attempt),
        }
        text: str = self.target.get("Input") or self._notification
        for attribute, value in values.items():
            text = text.replace(attribute, value)
        return text

    @property
    def _notification(self) -> str:
        if UNIVERSAL.fullmatch(self.target["Arn"]):
            return "{}"
        event = {
            "version": "0",
            "id": self.execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": LOCAL_ACCOUNT,
            "time": self.moment.strftime(TIME_FORMAT),
            "region": self.schedule.region,
            "resources": [self.schedule.arn],
            "detail": "{}",
        }
        return json.dumps(event)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a target was not reached, after how many attempts beyond the first."""

    code: str
    message: str
    retries: int = 0

    @property
    def passing(self) -> bool:
        """Whether the next attempt may reach it."""
        return self.code in PASSING


class Targets:
    """Calls targets. `outcomes` are, by operation, those of what runs on after its call."""

    def __init__(self, clients: Clients, outcomes: Mapping[str, Outcome], later: Later) -> None:
        self._clients, self._outcomes, self._later = clients, outcomes, later
        later.know(KIND, self._again, once=True)

    def fire(self, schedule: Schedule, moment: datetime, wait: bool) -> str:
        """Do it; in a sentence, what came of it. A passing failure is tried again later, as the RetryPolicy says."""
        return self._fire(Invocation(schedule=schedule, moment=moment), 0, self._later.clock.epoch(), wait=wait)

    def _again(self, region: str, _: str, document: Document) -> None:
        schedule = Schedule(region=region, document=document["schedule"])
        invocation = Invocation(schedule=schedule, moment=datetime.fromisoformat(document["moment"]))
        self._fire(invocation, document["retries"], document["since"], wait=False)

    def _fire(self, invocation: Invocation, retries: int, since: float, *, wait: bool) -> str:
        result = self._attempt(invocation, retries)
        if not isinstance(result, Failure):
            call, answer = result
            outcome = self._outcomes.get(call.operation) if wait else None
            region = call.region or invocation.schedule.region
            return outcome(region, call.params, answer) if outcome else f"{call.service} {call.operation} called"
        log.warning("EventBridge schedule %s: %s: %s", invocation.schedule.name, result.code, result.message)
        policy = invocation.target.get("RetryPolicy") or {}
        at = self._later.clock.epoch() + backoff(retries + 1)
        aged = at - since > policy.get("MaximumEventAgeInSeconds", AGE_S)
        if not result.passing or aged or retries >= policy.get("MaximumRetryAttempts", RETRY_ATTEMPTS):
            exhausted = "MaximumEventAgeInSeconds" if aged else "MaximumRetryAttempts"
            return f"{result.code}: {result.message}{self._bury(invocation, result, exhausted)}"
        document = {
            "schedule": invocation.schedule.document,
            "moment": invocation.moment.isoformat(),
            "retries": retries + 1,
            "since": since,
        }
        self._later.put(KIND, invocation.schedule.region, f"{invocation.execution}-{retries}", document, at)
        return f"{result.code}: {result.message}; it is tried again"

    def _attempt(self, invocation: Invocation, retries: int) -> tuple[ApiCall, Document] | Failure:
        try:
            call = api_call(invocation.target, invocation.input(retries + 1))
            with acting(invocation.target.get("RoleArn", "")):
                client = self._clients(call.service, call.region or invocation.schedule.region)
                answer = getattr(client, xform_name(call.operation))(**call.params)
        except ApiError as error:  # one that an earlier version let in
            return Failure(code=error.code, message=error.message, retries=retries)
        except ClientError as error:
            told = error.response["Error"]
            return Failure(code=told["Code"], message=told["Message"], retries=retries)
        except BotoCoreError as error:
            return Failure(code=type(error).__name__, message=str(error), retries=retries)
        return call, answer

    def _bury(self, invocation: Invocation, failure: Failure, exhausted: str) -> str:
        """Send what could not be delivered to the target's dead-letter queue, if it has one; where it went, in words."""
        queue = (invocation.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return ""
        facts = {
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "EXECUTION_ID": invocation.execution,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(failure.retries),
            "SCHEDULED_TIME": invocation.moment.strftime(TIME_FORMAT),
            "SCHEDULE_ARN": invocation.schedule.arn,
            "TARGET_ARN": invocation.target["Arn"],
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if failure.passing else {}),
        }
        call = to_queue({"Arn": queue}, invocation.input(failure.retries + 1))
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in facts.items()}
        try:
            client = self._clients("sqs", call.region or invocation.schedule.region)
            client.send_message(**call.params, MessageAttributes=attributes)
        except (ClientError, BotoCoreError) as error:
            log.warning("EventBridge schedule %s: its dead-letter queue: %s", invocation.schedule.name, error)
            return f"; its dead-letter queue did not take it: {error}"
        return f"; sent to the dead-letter queue {queue.rpartition(':')[2]}"


def backoff(tries: int) -> float:
    """Seconds before the next try: a second, then two, four, up to ten minutes."""
    return float(min(2.0 ** min(tries - 1, 20), LONGEST_WAIT_S))
