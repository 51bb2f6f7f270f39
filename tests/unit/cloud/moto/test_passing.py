"""Messages of queues are as old as the cloud's clock says."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.snapshot import Snapshots


class Ahead:
    """How far the cloud is ahead."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ahead() -> Ahead:
    return Ahead()


class Queue:
    """A queue of a moto, by SQS's own protocol."""

    def __init__(self, gateway: MotoGateway, name: str, **attributes: str) -> None:
        self._gateway = gateway
        self.url = self.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        given = members if operation == "CreateQueue" else {"QueueUrl": self.url, **members}
        headers = {
            "host": "127.0.0.1",
            "x-amz-target": f"AmazonSQS.{operation}",
            "content-type": "application/x-amz-json-1.0",
            "authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sqs/aws4_request",
        }
        answer = self._gateway.handle(
            Request(method="POST", path="/", query="", headers=headers, body=json.dumps(given).encode())
        )
        assert answer.status == 200, answer.body
        document: dict[str, Any] = json.loads(answer.body or b"{}")
        return document

    def received(self) -> int:
        return len(self.call("ReceiveMessage").get("Messages", []))

    def counts(self) -> tuple[str, ...]:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        said = self.call("GetQueueAttributes", AttributeNames=names)["Attributes"]
        return tuple(said[name] for name in names)


@pytest.fixture
def started(
    tmp_path: Path, open_store: Callable[[Path], Store], memory: Callable[[], None], ahead: Ahead
) -> Callable[[], MotoGateway]:
    """Starts a moto, anew, on the same folder."""
    store = open_store(tmp_path / "s.db")

    def start() -> MotoGateway:
        memory()
        gateway = MotoGateway(store, lambda: 1.0, Snapshots(tmp_path, b"k" * 32), ahead)
        gateway.replay()
        return gateway

    return start


@pytest.fixture
def gateway(started: Callable[[], MotoGateway]) -> MotoGateway:
    return started()


def told(gateway: MotoGateway, queue: Queue) -> Callable[[], Answer]:
    """Publishes to a topic that the queue is subscribed to."""

    def asked(**form: str) -> Answer:
        headers = {
            "host": "127.0.0.1",
            "content-type": "application/x-www-form-urlencoded",
            "authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sns/aws4_request",
        }
        body = urlencode({"Version": "2010-03-31", **form}).encode()
        return gateway.handle(Request(method="POST", path="/", query="", headers=headers, body=body))

    arn = queue.call("GetQueueAttributes", AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = asked(Action="CreateTopic", Name="t").body.decode().split("<TopicArn>")[1].split("<")[0]
    asked(Action="Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return partial(asked, Action="Publish", TopicArn=topic, Message="m")


def test_what_is_hidden_delayed_or_kept_is_so_by_the_clouds_clock(gateway: MotoGateway, ahead: Ahead) -> None:
    queue = Queue(gateway, "time", VisibilityTimeout="30", MessageRetentionPeriod="3600")
    queue.call("SendMessage", MessageBody="m", DelaySeconds=60)
    assert (queue.received(), queue.counts()) == (0, ("0", "0", "1"))
    ahead.seconds = 61
    assert queue.counts() == ("1", "0", "0")
    assert (queue.received(), queue.received()) == (1, 0)
    ahead.seconds = 80
    assert (queue.received(), queue.counts()) == (0, ("0", "1", "0"))
    ahead.seconds = 92
    assert queue.received() == 1
    ahead.seconds = 3590
    assert queue.received() == 1
    ahead.seconds = 3700
    assert (queue.received(), queue.counts()) == (0, ("0", "0", "0"))


def test_a_clock_that_stands_still_holds_what_is_hidden(gateway: MotoGateway, ahead: Ahead) -> None:
    queue = Queue(gateway, "still", VisibilityTimeout="30")
    queue.call("SendMessage", MessageBody="m")
    assert queue.received() == 1
    ahead.seconds = -20  # the machine has gone on by as much, and the cloud has not
    assert queue.received() == 0
    ahead.seconds = 9
    assert queue.received() == 0, "29 seconds of the cloud's, whatever the machine says"
    ahead.seconds = 31
    assert queue.received() == 1


def test_what_a_topic_puts_into_a_queue_is_as_old_as_it_is(gateway: MotoGateway, ahead: Ahead) -> None:
    queue = Queue(gateway, "told")
    publish = told(gateway, queue)
    ahead.seconds = 5 * 86400  # longer than a queue keeps what it has
    assert publish().status == 200
    assert queue.received() == 1


def test_what_passed_for_a_message_has_passed_after_a_restart(started: Callable[[], MotoGateway], ahead: Ahead) -> None:
    gateway = started()
    late, old = Queue(gateway, "late"), Queue(gateway, "old", MessageRetentionPeriod="3600")
    late.call("SendMessage", MessageBody="m", DelaySeconds=900)
    old.call("SendMessage", MessageBody="m")
    gateway.save()
    ahead.seconds = 1000
    assert late.counts() == ("1", "0", "0")
    gateway = started()
    late, old = Queue(gateway, "late"), Queue(gateway, "old", MessageRetentionPeriod="3600")
    assert (late.counts(), old.counts()) == (("1", "0", "0"), ("1", "0", "0"))
    assert late.received() == 1
    ahead.seconds = 5000
    gateway = started()
    assert Queue(gateway, "old", MessageRetentionPeriod="3600").counts() == ("0", "0", "0")


def test_a_group_goes_on_when_the_message_that_held_it_is_kept_no_longer(gateway: MotoGateway, ahead: Ahead) -> None:
    queue = Queue(gateway, "g.fifo", FifoQueue="true", MessageRetentionPeriod="3600", VisibilityTimeout="30")
    queue.call("SendMessage", MessageBody="a", MessageGroupId="g", MessageDeduplicationId="1")
    assert queue.received() == 1
    ahead.seconds = 4000
    queue.call("SendMessage", MessageBody="b", MessageGroupId="g", MessageDeduplicationId="2")
    assert queue.received() == 1
