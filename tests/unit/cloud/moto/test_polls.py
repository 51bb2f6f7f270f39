"""SQS's long polls: what they ask for, and that nobody waits for them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.store import Store
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.polls import is_empty, poll_of
from fogbank.cloud.moto.snapshot import Snapshots
from tests.unit.cloud.moto.conftest import Ask
from tests.waiting import until

URL = "http://127.0.0.1/123456789012/q"


@pytest.fixture
def gateway(tmp_path: Path, open_store: Callable[[Path], Store], memory: Callable[[], None], ask: Ask) -> MotoGateway:
    gateway = MotoGateway(open_store(tmp_path / "s.db"), time.time, Snapshots(tmp_path, b"k" * 32))
    assert gateway.handle(ask("sqs", "CreateQueue", QueueName="q")).status == 200
    return gateway


def test_a_poll_is_asked_without_its_wait(gateway: MotoGateway, ask: Ask) -> None:
    poll = poll_of(ask("sqs", "ReceiveMessage", QueueUrl=URL, WaitTimeSeconds=7))

    assert poll is not None
    assert (poll.wait_s, poll.account, poll.name) == (7, "123456789012", "q")
    assert json.loads(poll.request.body) == {"QueueUrl": URL, "WaitTimeSeconds": 0}


def test_a_form_is_a_poll_too_by_its_path_or_its_member(gateway: MotoGateway, ask: Ask) -> None:
    bare = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    body = b"Action=ReceiveMessage&WaitTimeSeconds=3&MaxNumberOfMessages=2"
    asked = replace(ask("sqs", "ReceiveMessage"), path="/123456789012/q", headers=bare, payload=Payload.of(body))

    poll = poll_of(asked)

    assert poll is not None
    assert (poll.wait_s, poll.name) == (3, "q")
    assert poll.request.body == b"Action=ReceiveMessage&WaitTimeSeconds=0&MaxNumberOfMessages=2"


def test_a_queue_says_how_long_where_the_request_does_not(gateway: MotoGateway, ask: Ask) -> None:
    attributes = {"ReceiveMessageWaitTimeSeconds": "4"}
    gateway.handle(ask("sqs", "SetQueueAttributes", QueueUrl=URL, Attributes=attributes))

    poll = poll_of(ask("sqs", "ReceiveMessage", QueueUrl=URL))

    assert poll is not None
    assert poll.wait_s == 4


@pytest.mark.parametrize("wait", ["x", 21, -1, None])
def test_what_is_no_time_is_left_to_moto_to_refuse(gateway: MotoGateway, ask: Ask, wait: object) -> None:
    assert poll_of(ask("sqs", "ReceiveMessage", QueueUrl=URL, WaitTimeSeconds=wait)) is None
    assert poll_of(ask("sqs", "SendMessage", QueueUrl=URL)) is None


def test_while_one_waits_the_others_are_answered_and_what_they_send_wakes_it(gateway: MotoGateway, ask: Ask) -> None:
    bodies: list[bytes] = []
    polling = threading.Thread(
        target=lambda: bodies.append(
            gateway.handle(ask("sqs", "ReceiveMessage", QueueUrl=URL, WaitTimeSeconds=20)).body
        )
    )
    polling.start()
    for number in range(3):  # answered, though the other one waits
        assert gateway.handle(ask("sqs", "CreateQueue", QueueName=f"other{number}")).status == 200
    assert bodies == []
    gateway.handle(ask("sqs", "SendMessage", QueueUrl=URL, MessageBody="wake up"))
    until(lambda: bodies)
    polling.join()

    assert json.loads(bodies[0])["Messages"][0]["Body"] == "wake up"


def test_what_received_nothing_is_not_written_down(gateway: MotoGateway, ask: Ask) -> None:
    before = gateway.history()["changes"]
    answer = gateway.handle(ask("sqs", "ReceiveMessage", QueueUrl=URL))
    assert is_empty(answer)
    assert gateway.history()["changes"] == before

    gateway.handle(ask("sqs", "SendMessage", QueueUrl=URL, MessageBody="m"))
    assert not is_empty(gateway.handle(ask("sqs", "ReceiveMessage", QueueUrl=URL)))
    assert gateway.history()["changes"] == before + 2
