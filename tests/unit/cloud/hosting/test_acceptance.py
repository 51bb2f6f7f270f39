"""InvokeEndpointAsync is answered when the store has the request, or refused."""

from __future__ import annotations

import json
from dataclasses import replace

from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.hosting.deliveries import KIND
from tests.unit.cloud.hosting.conftest import REQUEST, US, Hosting
from tests.unit.cloud.hosting.test_backlog import asynchronous


def ask(hosting: Hosting, endpoint: str = "e") -> Answer:
    return hosting.ask(replace(REQUEST, path=f"/endpoints/{endpoint}/async-invocations"))


def test_the_answer_comes_when_the_store_has_the_request(hosting: Hosting) -> None:
    asynchronous(hosting)
    hosting.scale(DesiredInstanceCount=0)
    hosting.settle()
    answer = ask(hosting)

    [(region, _, document)] = hosting.store.named(KIND)
    assert (answer.status, region) == (202, "us-east-1")
    assert answer.headers["X-Amzn-SageMaker-OutputLocation"] == document["output"]
    assert json.loads(answer.body) == {"InferenceId": document["inference_id"]}
    assert "X-Amzn-SageMaker-FailureLocation" not in answer.headers, "the configuration has no S3FailurePath"


def test_an_endpoint_that_is_not_there_is_of_another_kind_or_goes_is_refused(hosting: Hosting) -> None:
    assert "Endpoint none of account 123456789012 not found." in ask(hosting, "none").body.decode()
    hosting.endpoint()
    assert "is not an asynchronous endpoint" in ask(hosting).body.decode()
    hosting.endpoints.delete(US, {"EndpointName": "e"})

    assert ask(hosting).status == 400
    assert hosting.store.named(KIND) == []
