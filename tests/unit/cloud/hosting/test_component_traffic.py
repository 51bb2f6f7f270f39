"""Who gets what a request to an endpoint of components names, and what CloudWatch hears."""

from __future__ import annotations

import json

from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.metrics import component_of
from fogbank.cloud.observe.points import Series
from fogbank.ground.aws import LOCAL_ACCOUNT
from tests.unit.cloud.hosting.conftest import REQUEST, Hosting
from tests.unit.cloud.hosting.test_components import ask, create, endpoint, said, settled, update


def total(hosting: Hosting, name: str, **dimensions: str) -> float:
    hosting.metrics.flush()
    like = Series(
        account=LOCAL_ACCOUNT,
        region="us-east-1",
        namespace="AWS/SageMaker",
        name=name,
        dimensions=tuple(sorted(dimensions.items())),
    )
    return sum(each.summary.total for each in hosting.points.between(like, 0, 1e12))


def test_no_name_is_an_error_of_its_own_code(hosting: Hosting) -> None:
    endpoint(hosting)
    answer = hosting.ask(REQUEST)
    told = json.loads(answer.body)
    assert (answer.status, told["ErrorCode"]) == (400, "INFERENCE_COMPONENT_NAME_MISSING")
    assert told["message"].startswith("Inference Component Name header is required for endpoints")


def test_invocations_are_counted_for_the_component_by_its_copies_and_for_the_variant(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting, copies=2)
    settled(hosting)
    for _ in range(4):
        assert ask(hosting).status == 200
    assert total(hosting, "Invocations", InferenceComponentName="c") == 4
    assert total(hosting, "InvocationsPerCopy", InferenceComponentName="c") == 2
    assert total(hosting, "ConcurrentRequestsPerCopy", InferenceComponentName="c") == 2
    assert total(hosting, "Invocations", EndpointName="e", VariantName="v") == 4
    assert total(hosting, "InvocationsPerInstance", EndpointName="e", VariantName="v") == 0


def test_what_no_copy_can_answer_is_counted_for_an_alarm(hosting: Hosting) -> None:
    endpoint(hosting)
    create(hosting)
    settled(hosting)
    update(hosting, copies=0)
    settled(hosting)
    for _ in range(2):
        assert "no capacity" in said(hosting)
    assert total(hosting, "NoCapacityInvocationFailures", InferenceComponentName="c") == 2


def test_a_variant_has_no_dimension_of_a_component(hosting: Hosting) -> None:
    hosting.endpoint()
    assert hosting.ask(REQUEST).status == 200
    assert component_of(Source("us-east-1", "e", "v")) == ()
    assert total(hosting, "InvocationsPerInstance", EndpointName="e", VariantName="v") == 1
