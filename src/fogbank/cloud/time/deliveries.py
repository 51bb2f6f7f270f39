"""Events on their way to the targets of rules: sent, tried again over hours, and buried in a dead-letter queue in the end.

In: a rule, one of its targets, what that gets; out: what came of it, in a sentence. What has to wait is in the store. Source: the EventBridge
User Guide, "Retry policy and using dead-letter queues".
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.acting import acting
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import new_id
from fogbank.cloud.time.calls import ARN, ApiCall, api_call, to_queue
from fogbank.cloud.time.inputs import MISSING, value_at
from fogbank.cloud.time.later import Later
from fogbank.cloud.time.targets import AGE_S, RETRY_ATTEMPTS, Clients, Failure, Outcome, backoff

log = logging.getLogger("fogbank.cloud")
KIND = "rule-delivery"


class Deliveries:
    """Sends; `outcomes` are, by operation, those of what runs on after its call."""

    def __init__(
        self,
        clients: Clients,
        outcomes: Mapping[str, Outcome],
        later: Later,
        permitted: Callable[[str, str], bool] = lambda *_: True,
    ) -> None:
        """`permitted` says whether a target's own policy lets a rule send to it, by the ARNs of both."""
        self._permitted = permitted
        self._clients, self._outcomes, self._later = clients, outcomes, later
        later.know(KIND, self._again, once=True)

    def send(self, delivery: Document, *, wait: bool = False) -> str:
        """Send it now; `delivery` has `rule` (an ARN), `region`, `target`, `text`, and the event's `id`."""
        return self._send({**delivery, "tries": 0, "since": self._later.clock.epoch()}, wait=wait)

    def _again(self, _: str, __: str, document: Document) -> None:
        self._send(document, wait=False)

    def _send(self, delivery: Document, *, wait: bool) -> str:
        result = self._attempt(delivery)
        if not isinstance(result, Failure):
            call, answer = result
            outcome = self._outcomes.get(call.operation) if wait else None
            region = call.region or delivery["region"]
            return outcome(region, call.params, answer) if outcome else f"{call.service} {call.operation} called"
        log.warning(
            "the target %s of %s: %s: %s", delivery["target"]["Arn"], delivery["rule"], result.code, result.message
        )
        tries = delivery["tries"] + 1
        policy = delivery["target"].get("RetryPolicy") or {}
        at = self._later.clock.epoch() + backoff(tries)
        aged = at - delivery["since"] > policy.get("MaximumEventAgeInSeconds", AGE_S)
        if result.passing and not aged and tries <= policy.get("MaximumRetryAttempts", RETRY_ATTEMPTS):
            self._later.put(KIND, delivery["region"], new_id(), {**delivery, "tries": tries}, at)
            return f"{result.code}: {result.message}; it is tried again"
        exhausted = "MaximumEventAgeInSeconds" if aged else "MaximumRetryAttempts"
        return f"{result.code}: {result.message}{self._bury(delivery, result, exhausted)}"

    def _attempt(self, delivery: Document) -> tuple[ApiCall, Document] | Failure:
        try:
            call = rule_call(delivery["target"], delivery["text"], delivery["id"])
            if not (delivery["target"].get("RoleArn") or self._permitted(delivery["target"]["Arn"], delivery["rule"])):
                return Failure(
                    code="NO_PERMISSIONS", message="the target's own policy does not let events.amazonaws.com"
                )
            client = self._client_of(delivery, call)
            if call.service == "logs":
                client.create_log_stream(**{key: call.params[key] for key in ("logGroupName", "logStreamName")})
            answer = getattr(client, xform_name(call.operation))(**call.params)
        except ApiError as error:
            return Failure(code=error.code, message=error.message)
        except ClientError as error:
            told = error.response["Error"]
            return Failure(code=told["Code"], message=told["Message"])
        except BotoCoreError as error:
            return Failure(code=type(error).__name__, message=str(error))
        return call, answer

    def _client_of(self, delivery: Document, call: ApiCall) -> Any:
        """A client that calls as the target's role, where it has one."""
        with acting(delivery["target"].get("RoleArn", "")):
            return self._clients(call.service, call.region or delivery["region"])

    def _bury(self, delivery: Document, failure: Failure, exhausted: str) -> str:
        """Send what could not be delivered to the target's dead-letter queue, if it has one; where it went, in words."""
        queue = (delivery["target"].get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return ""
        facts = {
            "RULE_ARN": delivery["rule"],
            "TARGET_ARN": delivery["target"]["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "RETRY_ATTEMPTS": str(delivery["tries"]),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if failure.passing else {}),
        }
        call = to_queue({"Arn": queue}, delivery["text"])
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in facts.items()}
        try:
            client = self._clients("sqs", call.region or delivery["region"])
            client.send_message(**call.params, MessageAttributes=attributes)
        except (ClientError, BotoCoreError) as error:
            log.warning("the dead-letter queue of %s: %s", delivery["rule"], error)
            return f"; its dead-letter queue did not take it: {error}"
        return f"; sent to the dead-letter queue {queue.rpartition(':')[2]}"


def rule_call(target: Mapping[str, Any], text: str, event_id: str) -> ApiCall:
    """The call that a rule's target is. Raises ApiError for one that the local cloud lacks."""
    arn = ARN.fullmatch(target["Arn"])
    service = arn["service"] if arn else ""
    if arn is None or service not in CALLED:
        raise ApiError("NotImplemented", f"the local cloud sends no events to {target['Arn']}", 501)
    plain = {"Arn": target["Arn"]}
    if service == "logs":
        group = arn["resource"].removeprefix("log-group:").removesuffix(":*")
        event = {"timestamp": int(time.time() * 1000), "message": text}
        params = {"logGroupName": group, "logStreamName": event_id, "logEvents": [event]}
        return ApiCall(service="logs", operation="PutLogEvents", params=params, region=arn["region"])
    if service == "sqs" and "SqsParameters" in target:
        return api_call({**plain, "SqsParameters": target["SqsParameters"]}, text)
    if service == "kinesis":
        path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
        key = value_at(path, json.loads(text)) if path else event_id
        return api_call(
            {**plain, "KinesisParameters": {"PartitionKey": event_id if key is MISSING else str(key)}}, text
        )
    return api_call(plain, text)


CALLED = frozenset({"kinesis", "lambda", "logs", "sns", "sqs"})
"""Services whose targets are called; another event bus is reached without a call."""
