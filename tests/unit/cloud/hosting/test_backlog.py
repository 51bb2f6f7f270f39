"""The queue of an asynchronous endpoint on instances in memory: what dies, what fails, what a killed process leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fogbank.cloud.hosting.deliveries import KIND
from tests.unit.cloud.hosting.conftest import REQUEST, US, Hosting
from tests.unit.cloud.hosting.test_runtime import CAPTURE
from tests.waiting import until

OUTPUT = {
    "S3OutputPath": "s3://b/out",
    "NotificationConfig": {"SuccessTopic": "arn:aws:sns:r:1:good", "ErrorTopic": "arn:aws:sns:r:1:bad"},
}


def asynchronous(hosting: Hosting, count: int = 1, most: int = 1, **members: Any) -> None:
    hosting.model("old")
    client = {"MaxConcurrentInvocationsPerInstance": most}
    given = {"AsyncInferenceConfig": {"OutputConfig": OUTPUT, "ClientConfig": client}, **members}
    hosting.config("c", ("v", "old", count, 1.0), **given)
    hosting.create("c")
    hosting.settle()


def ask(hosting: Hosting, body: bytes = b"x") -> str:
    """Where the answer will lie."""
    answer = hosting.ask(
        replace(REQUEST, path="/endpoints/e/async-invocations", payload=type(REQUEST.payload).of(body))
    )
    assert answer.status == 202, answer.body
    return answer.headers["X-Amzn-SageMaker-OutputLocation"].removeprefix("s3://")


def told(hosting: Hosting) -> list[dict[str, Any]]:
    messages = [json.loads(message) for _, message in hosting.topics.published]
    return [message for message in messages if message["eventName"] == "InferenceResult"]


def settled(hosting: Hosting) -> bool:
    hosting.backlog.turn()
    return not hosting.store.named(KIND)


def test_as_many_at_once_as_an_instance_may_have_and_the_others_in_order(hosting: Hosting) -> None:
    asynchronous(hosting, most=2)
    [instance] = hosting.hosts.running
    instance.hold.clear()
    places = [ask(hosting, str(number).encode()) for number in range(5)]
    until(lambda: instance.asked == 2)
    assert len(hosting.store.named(KIND)) == 5
    instance.hold.set()
    until(lambda: settled(hosting))

    assert [hosting.bucket.objects[place] for place in places] == [b"old:%d" % number for number in range(5)]
    assert len(told(hosting)) == 5


def test_an_instance_that_dies_takes_no_request_with_it(hosting: Hosting) -> None:
    asynchronous(hosting)
    [instance] = hosting.hosts.running
    instance.hold.clear()
    place = ask(hosting)
    until(lambda: instance.asked == 1)
    instance.die()
    until(lambda: settled(hosting))

    assert hosting.bucket.objects[place] == b"old:x"
    assert [message["invocationStatus"] for message in told(hosting)] == ["Completed"]


def test_a_request_that_no_instance_survives_has_failed(hosting: Hosting) -> None:
    asynchronous(hosting)
    [instance] = hosting.hosts.running
    instance.resets = True
    ask(hosting)
    until(lambda: settled(hosting))

    [message] = told(hosting)
    assert (message["invocationStatus"], instance.asked) == ("Failed", 3)
    assert "the container died while it answered" in message["failureReason"]


def test_a_response_that_cannot_be_written_is_a_failure_that_is_told(hosting: Hosting) -> None:
    asynchronous(hosting)
    hosting.bucket.away = True
    ask(hosting)
    until(lambda: settled(hosting))

    [(topic, _)] = [each for each in hosting.topics.published if "InferenceResult" in each[1]]
    assert topic.endswith(":bad")
    assert "the response cannot be written to s3://b/out/" in told(hosting)[0]["failureReason"]


def test_a_topic_that_is_gone_holds_nothing_up_and_is_counted(hosting: Hosting) -> None:
    asynchronous(hosting)
    hosting.topics.gone.add("arn:aws:sns:r:1:good")
    place = ask(hosting)
    until(lambda: settled(hosting))
    hosting.metrics.flush()

    assert hosting.bucket.objects[place] == b"old:x"
    names = {series.name for series in hosting.points.known("123456789012", "us-east-1", 0)}
    assert {"NotificationFailures", "InvocationsProcesssed"} <= names


def test_what_a_killed_process_had_accepted_is_asked_by_the_next_one(hosting: Hosting) -> None:
    asynchronous(hosting)
    [instance] = hosting.hosts.running
    instance.hold.clear()
    places = [ask(hosting), ask(hosting)]
    until(lambda: instance.asked == 1)
    hosting.backlog.close(0.05)
    assert not instance.alive(), "who waits longer is the next process's"
    hosting.kill()
    hosting.endpoints.start()
    hosting.backlog.resume()
    hosting.settle()
    until(lambda: settled(hosting))

    assert [hosting.bucket.objects[place] for place in places] == [b"old:x"] * 2
    assert len(told(hosting)) == 2


def test_what_was_accepted_goes_on_where_the_endpoint_has_become_another_kind(hosting: Hosting) -> None:
    asynchronous(hosting)
    hosting.scale(DesiredInstanceCount=0)
    hosting.settle()
    places = [ask(hosting) for _ in range(9)]
    hosting.model("new")
    hosting.config("plain", ("v", "new", 1, 1.0))
    hosting.hosts.of("new").holds = True
    hosting.update("plain")
    hosting.settle()
    hosting.backlog.turn()
    [instance] = hosting.hosts.running
    until(lambda: instance.asked == 4)
    instance.hold.set()
    until(lambda: settled(hosting))

    assert [hosting.bucket.objects[place] for place in places] == [b"new:x"] * 9


def test_an_outcome_that_was_written_down_is_told_and_nobody_is_asked_again(hosting: Hosting) -> None:
    """As after a disk that was full when the request was to be forgotten."""
    asynchronous(hosting)
    hosting.scale(DesiredInstanceCount=0)
    hosting.settle()
    ask(hosting)
    [(region, name, _)] = hosting.store.named(KIND)
    hosting.store.update(KIND, region, name, topic="arn:aws:sns:r:1:good", message="told", told_after=0)
    hosting.scale(DesiredInstanceCount=1)
    hosting.settle()
    until(lambda: settled(hosting))

    assert ("arn:aws:sns:r:1:good", "told") in hosting.topics.published
    assert [instance.asked for instance in hosting.hosts.running] == [0]


def test_what_is_captured_of_asynchronous_traffic(hosting: Hosting) -> None:
    asynchronous(hosting, DataCaptureConfig=CAPTURE)
    ask(hosting)
    until(lambda: settled(hosting))
    hosting.recorder.flush()

    [body] = [body for key, body in hosting.bucket.objects.items() if key.startswith("captured/")]
    assert json.loads(body)["captureData"]["endpointInput"]["data"] in {"x", "eA=="}


def test_requests_of_an_endpoint_that_was_made_again_are_not_its_own(hosting: Hosting) -> None:
    asynchronous(hosting)
    hosting.scale(DesiredInstanceCount=0)
    hosting.settle()
    ask(hosting)
    hosting.endpoints.delete(US, {"EndpointName": "e"})
    until(lambda: hosting.endpoints.find("us-east-1", "e") is None)
    hosting.backlog.turn()

    assert hosting.store.named(KIND) == []
    assert told(hosting) == []
