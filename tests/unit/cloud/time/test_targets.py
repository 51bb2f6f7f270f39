"""What a target is sent, what comes of it, and where goes what could not be delivered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.time.later import Later
from fogbank.cloud.time.schedule import Schedule
from fogbank.cloud.time.targets import Clients, Invocation, Outcome, Targets
from tests.fakes.services import AnyService
from tests.unit.cloud.conftest import OpenStore

MOMENT = datetime(2027, 1, 1, 2, tzinfo=UTC)
ARN = "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/s"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint"


def schedule(arn: str, **more: Any) -> Schedule:
    return Schedule(region="eu-west-1", document={"Name": "s", "Target": {"Arn": arn, "RoleArn": "r", **more}})


def invocation(arn: str, **more: Any) -> Invocation:
    return Invocation(schedule=schedule(arn, **more), moment=MOMENT)


@pytest.fixture
def later(open_store: OpenStore, tmp_path: Path) -> Later:
    store = open_store(tmp_path / "cloud.db")
    return Later(store, Clock(store, wall=MOMENT.timestamp), Runner())


def targets(later: Later, clients: Clients, outcomes: dict[str, Outcome] | None = None) -> Targets:
    return Targets(clients, outcomes or {}, later)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "not now"}}, "DeleteEndpoint")


def test_context_attributes_are_filled_in_the_same_each_time() -> None:
    text = "<aws.scheduler.schedule-arn>|<aws.scheduler.scheduled-time>|<aws.scheduler.execution-id>|<aws.scheduler.attempt-number>"
    once, again = invocation(QUEUE, Input=text), invocation(QUEUE, Input=text)
    arn, time, execution, attempt = once.input(2).split("|")

    assert (arn, time, attempt) == (ARN, "2027-01-01T02:00:00Z", "2")
    assert execution == once.execution == again.execution
    assert len(execution) == 36


def test_a_templated_target_without_input_gets_a_notification_and_a_universal_one_nothing() -> None:
    event = json.loads(invocation(QUEUE).input())

    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.scheduler", "Scheduled Event", [ARN])
    assert (event["time"], event["region"]) == ("2027-01-01T02:00:00Z", "eu-west-1")
    assert invocation(UNIVERSAL).input() == "{}"


def test_the_call_is_made_and_its_end_waited_for_where_something_runs_on(later: Later) -> None:
    service = AnyService()
    ended: dict[str, Outcome] = {"DeleteEndpoint": lambda region, call, _: f"{region} {call['EndpointName']}"}
    calls = targets(later, lambda *_: service, ended)
    due = schedule(UNIVERSAL, Input='{"EndpointName": "e"}')

    assert calls.fire(due, MOMENT, True) == "eu-west-1 e"
    assert calls.fire(due, MOMENT, False) == "sagemaker DeleteEndpoint called"
    assert service.calls == [("delete_endpoint", {"EndpointName": "e"})] * 2


def test_a_templated_target_is_called_in_the_region_of_its_arn(later: Later) -> None:
    regions: list[tuple[str, str]] = []

    def clients(service: str, region: str) -> AnyService:
        regions.append((service, region))
        return AnyService()

    assert targets(later, clients).fire(schedule(QUEUE.replace("eu-west-1", "us-west-2")), MOMENT, False)
    assert regions == [("sqs", "us-west-2")]


@pytest.mark.parametrize(
    ("code", "policy", "attempts", "retries", "exhausted"),
    [
        ("ValidationException", {}, 1, "0", False),
        ("ThrottlingException", {"MaximumRetryAttempts": 3}, 4, "3", True),
        ("InternalFailure", {"MaximumRetryAttempts": 0}, 1, "0", True),
        ("InternalFailure", {"MaximumEventAgeInSeconds": 60}, 6, "5", True),
    ],
)
def test_what_could_not_be_delivered_goes_to_the_dead_letter_queue_after_its_retries(
    later: Later, code: str, policy: dict[str, int], attempts: int, retries: str, exhausted: bool
) -> None:
    service = AnyService(refused(code), works=frozenset({"send_message"}))
    body = '{"EndpointName": "e"}'
    due = schedule(UNIVERSAL, Input=body, DeadLetterConfig={"Arn": QUEUE}, RetryPolicy=policy)
    result = targets(later, lambda *_: service).fire(due, MOMENT, False)
    later.catch_up(MOMENT + timedelta(days=2))
    name, letter = service.calls.pop()
    facts = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}

    assert result == f"{code}: not now; " + ("it is tried again" if attempts > 1 else "sent to the dead-letter queue q")
    assert service.calls == [("delete_endpoint", {"EndpointName": "e"})] * attempts
    assert (name, letter["MessageBody"]) == ("send_message", body)
    assert letter["QueueUrl"].endswith("/123456789012/q")
    assert (facts["ERROR_CODE"], facts["RETRY_ATTEMPTS"]) == (code, retries)
    assert (facts["SCHEDULE_ARN"], facts["TARGET_ARN"]) == (ARN, UNIVERSAL)
    assert facts.get("EXHAUSTED_RETRY_CONDITION") == (
        ("MaximumEventAgeInSeconds" if "MaximumEventAgeInSeconds" in policy else "MaximumRetryAttempts")
        if exhausted
        else None
    )


def test_what_passes_is_tried_until_it_is_over(later: Later) -> None:
    service = AnyService(refused("ThrottlingException"), failures=2)
    due = schedule(UNIVERSAL, Input='{"EndpointName": "<aws.scheduler.attempt-number>"}')

    assert targets(later, lambda *_: service).fire(due, MOMENT, False).endswith("it is tried again")
    later.catch_up(MOMENT + timedelta(seconds=4))
    assert [call["EndpointName"] for _, call in service.calls] == ["1", "2", "3"]


def test_a_target_that_an_earlier_version_let_in_is_named_and_so_is_a_queue_that_is_gone(later: Later) -> None:
    service = AnyService(refused("QueueDoesNotExist"))
    result = targets(later, lambda *_: service).fire(
        schedule(UNIVERSAL, Input="{no json", DeadLetterConfig={"Arn": QUEUE}), MOMENT, False
    )

    assert result.startswith("ValidationException: Invalid RequestJson provided.")
    assert "its dead-letter queue did not take it" in result
