"""InvokeEndpoint without a process: who is told what."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fogbank.cloud.hosting.address import TARGET_MODEL
from tests.unit.cloud.hosting.conftest import REQUEST, SIGNED, US, Hosting
from tests.waiting import until

CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://captured/here",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


def error(hosting: Hosting, **changes: Any) -> tuple[str, str]:
    answer = hosting.ask(replace(REQUEST, **changes))
    assert answer.status == 400
    return answer.headers["x-amzn-ErrorType"], json.loads(answer.body)["message"]


def test_what_is_not_there_is_told(hosting: Hosting) -> None:
    headers = {**SIGNED, "x-amzn-sagemaker-target-variant": "none"}
    assert error(hosting, headers=headers)[1] == "Endpoint e of account 123456789012 not found."
    hosting.endpoint()
    assert error(hosting, headers=headers) == ("ValidationError", "Variant none of endpoint e not found.")
    named = {**SIGNED, "x-amzn-sagemaker-inference-component": "c"}
    assert "header is not allowed" in error(hosting, headers=named)[1]


def test_the_variant_that_answered_is_told_and_a_target_is_asked(hosting: Hosting) -> None:
    for name in ("old", "new"):
        hosting.model(name)
    hosting.config("both", ("v", "old", 1, 1.0), ("w", "new", 1, 0.0))
    hosting.create("both")
    hosting.settle()
    answer = hosting.ask(replace(REQUEST, headers={**SIGNED, "x-amzn-sagemaker-target-variant": "w"}))

    assert (answer.body, answer.headers["x-Amzn-Invoked-Production-Variant"]) == (b"new:x", "w")
    assert hosting.share("old") == 1
    params = {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredWeight": 0}]}
    hosting.endpoints.update_variants(US, params)
    assert "No variant of endpoint e has a weight above 0" in error(hosting)[1]


def test_least_outstanding_requests_go_where_less_is_to_do(hosting: Hosting) -> None:
    hosting.model("old")
    variant = {
        "VariantName": "v",
        "ModelName": "old",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    hosting.configs.create(US, {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    hosting.create("c")
    hosting.settle()
    busy, idle = hosting.hosts.running
    router = hosting.endpoints.router("us-east-1", "e")
    assert router is not None
    seats = [seat for _ in range(2) if (seat := router.pick().pool.take())]
    router.pick().pool.leave(next(seat for seat in seats if seat.server is idle))
    assert hosting.share("old", 20) == 1

    assert (busy.asked, idle.asked) == (0, 20)


def test_an_instance_that_dies_between_two_requests_is_not_noticed_by_the_caller(hosting: Hosting) -> None:
    hosting.endpoint()
    hosting.hosts.running[0].die()

    assert hosting.share("old", 5) == 1
    until(lambda: "Replaced" in hosting.changes("instance"))


def test_records_of_both_fleets_are_captured_as_their_own_configuration_says(hosting: Hosting) -> None:
    hosting.model("old")
    hosting.config("captured", ("v", "old", 1, 1.0), DataCaptureConfig=CAPTURE)
    hosting.config("plain", ("v", "old", 1, 1.0))
    hosting.create("captured")
    hosting.settle()
    hosting.share("old", 3)
    hosting.update("plain")
    hosting.settle()
    hosting.share("old", 3)
    hosting.recorder.flush()

    [(key, body)] = hosting.bucket.objects.items()
    assert key.startswith("captured/here/e/v/1970/01/01/")
    assert body.count(b"\n") == 3


def test_what_the_runtime_lacks_is_a_501(hosting: Hosting) -> None:
    assert hosting.ask(replace(REQUEST, path="/endpoints/e/invocations-of-another-kind")).status == 501


def test_a_stream_names_no_model_whatever_its_headers_say(hosting: Hosting) -> None:
    many = {"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "s3://b/models/"}
    hosting.models.create(US, {"ModelName": "old", "PrimaryContainer": many})
    hosting.config("old", ("v", "old", 1, 1.0))
    hosting.create("old")
    hosting.settle()
    named = {**SIGNED, TARGET_MODEL: "m.tar.gz"}

    assert hosting.ask(replace(REQUEST, headers=named)).body == b"old:x"
    streamed = "/endpoints/e/invocations-response-stream"
    assert "is missing a target model header" in error(hosting, headers=named, path=streamed)[1]
