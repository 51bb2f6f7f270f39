"""Event source mappings of queues, carried out: messages received, given to the function, deleted when it has answered.

In: nothing; out: a task a mapping, as long as its queue has messages. What fails stays in the queue until its visibility timeout is over, and
moves on as the queue's redrive policy says. Source: the Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.invocations import Invocations
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.ground.wire import new_id
from fogbank.cloud.moto.functions import QueueMapping, queue_mappings

log = logging.getLogger("fogbank.cloud")
MOST_A_CALL = 10
"""Messages that SQS gives at once."""


class Mappings:
    """Carries them out; `client` makes boto3 clients of the cloud itself."""

    def __init__(self, invocations: Invocations, runner: Runner, client: Callable[[str, str], Any]) -> None:
        self._invocations, self._runner, self._client = invocations, runner, client

    def turn(self) -> None:
        """Look at every queue that has a mapping and is not being looked at."""
        for mapping in queue_mappings():
            self._runner.submit(("mapping", mapping.region, mapping.id), partial(self._empty, mapping))

    def _empty(self, mapping: QueueMapping, stop: threading.Event) -> None:
        _, _, _, region, account, name = mapping.queue.split(":", 5)
        url = f"https://sqs.{region}.amazonaws.com/{account}/{name}"
        try:
            sqs = self._client("sqs", mapping.region)
            while not stop.is_set() and (messages := self._received(sqs, url, mapping.batch)):
                done = self._answered(mapping, messages)
                for start in range(0, len(done), MOST_A_CALL):
                    entries = [
                        {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]}
                        for i, m in enumerate(done[start:][:MOST_A_CALL])
                    ]
                    sqs.delete_message_batch(QueueUrl=url, Entries=entries)
                if len(done) < len(messages):
                    return
        except (ClientError, BotoCoreError) as error:
            log.warning("the event source mapping %s: %s", mapping.id, error)

    @staticmethod
    def _received(sqs: Any, url: str, batch: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while len(messages) < batch:
            most = min(MOST_A_CALL, batch - len(messages))
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=most,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
                WaitTimeSeconds=0,
            )
            if not (more := answer.get("Messages", [])):
                break
            messages += more
        return messages

    def _answered(self, mapping: QueueMapping, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The messages that are done."""
        event = json.dumps({"Records": [_record(message, mapping) for message in messages]})
        request_id = new_id()
        try:
            function = self._invocations.find(mapping.region, mapping.function, None, request_id)
            result = self._invocations.run(function, event, request_id)
        except ApiError as error:
            log.warning("the event source mapping %s: %s: %s", mapping.id, error.code, error.message)
            return []
        if result.failed:
            return []
        said = json.loads(result.payload)
        failures = said.get("batchItemFailures", []) if mapping.partial and isinstance(said, dict) else []
        failed = {failure.get("itemIdentifier") for failure in failures}
        return [message for message in messages if message["MessageId"] not in failed]


def _record(message: Mapping[str, Any], mapping: QueueMapping) -> dict[str, Any]:
    attributes = {
        name: {
            "dataType": value["DataType"],
            "stringValue": value.get("StringValue"),
            "stringListValues": [],
            "binaryListValues": [],
        }
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.queue,
        "awsRegion": mapping.region,
    }
