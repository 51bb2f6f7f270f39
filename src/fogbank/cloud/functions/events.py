"""Events that wait for functions: taken at once, answered beside the caller, tried again after errors, and sent on in the end.

In: an event for a function; out: it is invoked, up to three times, and what came of it goes to the function's destinations. Events are in
the store until then. Sources: the Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and
"Capturing records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.invocations import Invocations, Result
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import new_id
from fogbank.cloud.moto.functions import Function
from fogbank.cloud.time.calls import api_call
from fogbank.cloud.time.later import Later

log = logging.getLogger("fogbank.cloud")
KIND = "lambda-event"
RETRIES = 2
WAITS_S = (60.0, 120.0)
"""After an error of the function's: a minute before the first time again, two before the second."""
LONGEST_WAIT_S = 300.0
AGE_S = 21600.0
KEPT = 200
"""Outcomes are remembered for who waits: so many."""


class Events:
    """The events of all functions; `client` makes boto3 clients of the cloud itself."""

    def __init__(self, invocations: Invocations, later: Later, clock: Clock, client: Callable[[str, str], Any]) -> None:
        self._invocations, self._later, self._clock, self._client = invocations, later, clock, client
        self._outcomes: dict[str, str] = {}
        later.know(KIND, self._do)

    def take(self, region: str, function: str, event: str, request_id: str = "") -> str:
        """Have an event answered; its id. It is in the store when this returns."""
        name = request_id or new_id()
        document = {"function": function, "event": event, "tries": 0, "since": self._clock.epoch(), "throttled": 0}
        self._later.begin(KIND, region, name, document)
        return name

    def outcome(self, region: str, request_id: str) -> str:
        """What came of an event's first try, when that is over."""
        self._later.wait(KIND, region, request_id)
        return self._outcomes.get(request_id, "was taken")

    def _do(self, region: str, name: str, document: Document) -> None:
        try:
            function = self._invocations.find(region, document["function"], None, name)
            result = self._invocations.run(function, document["event"], name)
        except ApiError as error:
            self._refused(region, name, document, error)
            return
        tries = document["tries"] + 1
        retries = int(function.asynchronous.get("MaximumRetryAttempts", RETRIES))
        self._remember(name, _sentence(function, result))
        if not result.failed:
            self._send(function, "OnSuccess", name, {**document, "tries": tries}, "Success", result)
        elif tries > retries:
            self._send(function, "OnFailure", name, {**document, "tries": tries}, "RetriesExhausted", result)
        else:
            at = self._clock.epoch() + WAITS_S[min(tries, len(WAITS_S)) - 1]
            if at - document["since"] > self._age(function):
                self._send(function, "OnFailure", name, {**document, "tries": tries}, "EventAgeExceeded", result)
            else:
                self._later.put(KIND, region, name, {**document, "tries": tries}, at)

    def _refused(self, region: str, name: str, document: Document, error: ApiError) -> None:
        """A throttled event waits, longer and longer; another refusal is the end of it."""
        self._remember(name, f"{error.code}: {error.message}")
        throttled = document["throttled"] + 1
        at = self._clock.epoch() + min(2.0 ** (throttled - 1), LONGEST_WAIT_S)
        if error.status in {429, 500} and at - document["since"] <= AGE_S:
            self._later.put(KIND, region, name, {**document, "throttled": throttled}, at)
        else:
            log.warning("an event for the function %s: %s: %s", document["function"], error.code, error.message)

    def _age(self, function: Function) -> float:
        return float(function.asynchronous.get("MaximumEventAgeInSeconds", AGE_S))

    def _send(
        self, function: Function, when: str, name: str, document: Document, condition: str, result: Result
    ) -> None:
        destination = (function.asynchronous.get("DestinationConfig") or {}).get(when, {}).get("Destination")
        if not destination:
            return
        record = json.dumps(self._record(function, name, document, condition, result))
        target: Document = {"Arn": destination}
        if ":event-bus/" in destination:
            detail = f"Lambda Function Invocation Result - {'Success' if when == 'OnSuccess' else 'Failure'}"
            target["EventBridgeParameters"] = {"Source": "lambda", "DetailType": detail}
        try:
            call = api_call(target, record)
            client = self._client(call.service, call.region or function.region)
            getattr(client, xform_name(call.operation))(**call.params)
        except (ApiError, ClientError, BotoCoreError) as error:
            log.warning("the destination %s of the function %s: %s", destination, function.name, error)

    def _record(
        self, function: Function, name: str, document: Document, condition: str, result: Result
    ) -> Mapping[str, Any]:
        answer: dict[str, Any] = {"statusCode": 200, "executedVersion": result.version}
        if result.failed:
            answer["functionError"] = "Unhandled"
        moment = datetime.fromtimestamp(self._clock.epoch(), UTC)
        return {
            "version": "1.0",
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": name,
                "functionArn": function.arn
                if ":" in function.arn.partition("function:")[2]
                else f"{function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": document["tries"],
            },
            "requestPayload": json.loads(document["event"]),
            "responseContext": answer,
            "responsePayload": json.loads(result.payload),
        }

    def _remember(self, name: str, sentence: str) -> None:
        self._outcomes[name] = sentence
        for old in list(self._outcomes)[:-KEPT]:
            self._outcomes.pop(old, None)


def _sentence(function: Function, result: Result) -> str:
    if not result.failed:
        return f"function {function.name}: answered"
    error = json.loads(result.payload)
    return f"function {function.name}: {error.get('errorType')}: {error.get('errorMessage')}"
