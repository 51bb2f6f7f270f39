"""What an endpoint is to run, as data: what an update retains, and what the store gives back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.hosting.deployment import COUNT, WEIGHT, Deployment, EndpointState
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.rollout import Rollout, create

CAPTURE = {"InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://b", "CaptureOptions": [{"CaptureMode": "Input"}]}


def config(name: str, *variants: tuple[str, int, float], **members: Any) -> dict[str, Any]:
    items = [
        {"VariantName": variant, "ModelName": "m", "InitialInstanceCount": count, "InitialVariantWeight": weight}
        for variant, count, weight in variants
    ]
    return {"EndpointConfigName": name, "ProductionVariants": items, **members}


OLD = Deployment.of(config("old", ("a", 1, 1.0), ("b", 1, 1.0)), {"m": {"ModelName": "m"}}, 5.0)
LIVE = OLD.changed({"a": 9.0}, {"a": 4, "b": 2})


@pytest.mark.parametrize(
    ("excluded", "weights", "counts"),
    [
        ((), {"a": 9.0, "c": 3.0}, {"a": 4, "c": 3}),
        ((COUNT,), {"a": 9.0, "c": 3.0}, {"a": 3, "c": 3}),
        ((WEIGHT,), {"a": 3.0, "c": 3.0}, {"a": 4, "c": 3}),
        ((WEIGHT, COUNT), {"a": 3.0, "c": 3.0}, {"a": 3, "c": 3}),
    ],
)
def test_variants_of_the_same_name_retain_what_is_not_excluded(
    excluded: tuple[str, ...], weights: dict[str, float], counts: dict[str, int]
) -> None:
    new = Deployment.of(config("new", ("a", 3, 3.0), ("c", 3, 3.0)), {}, 6.0).retaining(LIVE, excluded)

    assert (new.name, new.weights, new.counts) == ("new", weights, counts)


def test_a_canary_is_counted_against_what_has_traffic_and_not_against_a_shadow() -> None:
    shadow = {"VariantName": "s", "ModelName": "m", "InitialInstanceCount": 1}
    shadowed = Deployment.of(config("c", ("a", 2, 1.0), ShadowProductionVariants=[shadow]), {}, 0.0)
    assert (shadowed.counts, shadowed.production_counts) == ({"a": 2, "s": 1}, [2])


def test_no_count_comes_from_a_serverless_variant_and_none_only_to_an_asynchronous_one() -> None:
    limits = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    serverless = {"VariantName": "a", "ModelName": "m", "ServerlessConfig": limits}
    old = Deployment.of({"EndpointConfigName": "s", "ProductionVariants": [serverless]}, {}, 0)
    new = Deployment.of(config("new", ("a", 3, 3.0)), {}, 0)
    queue = {"OutputConfig": {"S3OutputPath": "s3://b/o"}}
    asynchronous = Deployment.of(config("async", ("a", 3, 3.0), AsyncInferenceConfig=queue), {}, 0)
    empty = asynchronous.changed({}, {"a": 0})

    assert new.retaining(old, ()).counts == {"a": 3}
    assert new.retaining(empty, ()).counts == {"a": 1}
    assert asynchronous.retaining(empty, ()).counts == {"a": 0}


def test_without_weight_and_count_a_variant_has_one_of_each() -> None:
    bare = Deployment.of({"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v"}]}, {}, 0)

    assert (bare.weights, bare.counts) == ({"v": 1.0}, {"v": 1})


def test_the_state_is_the_same_after_the_store() -> None:
    rollout = Rollout(steps=create(), started=1.0, since=2.0)
    state = EndpointState(live=LIVE, pending=OLD, rollout=rollout)

    assert EndpointState.decode(json.loads(json.dumps(state.encode()))) == state
    assert EndpointState.decode(EndpointState().encode()) == EndpointState()


def test_a_document_of_version_1_keeps_its_weights() -> None:
    document = {
        "region": "us-east-1",
        "config": config("old", ("a", 2, 1.0)),
        "pending": config("new", ("a", 1, 1.0)),
        "weights": {"a": 5},
    }
    state = EndpointState.decode(document)

    assert state.live is not None
    assert (state.live.weights, state.live.counts, state.target.name) == ({"a": 5}, {"a": 2}, "new")


def test_what_others_ask_of_a_state() -> None:
    captured = EndpointState(live=Deployment.of(config("c", ("a", 1, 1.0), DataCaptureConfig=CAPTURE), {}, 0))

    assert captured.capture is not None
    assert (captured.capture.destination, captured.variants) == ("s3://b", ("a",))
    assert (EndpointState().capture, EndpointState().variants) == (None, ())
    with pytest.raises(StartError):
        _ = EndpointState().target
    with pytest.raises(StartError, match="model x does not exist any more"):
        LIVE.model("x")
