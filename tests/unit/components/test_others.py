"""Packages beside a service's own, and requests that wait: values that refuse what SageMaker would."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.components.asynchronous import Asynchronous, telling
from fogbank.components.others import MultiModel, Pipeline, Step, not_in_batches, not_monitored
from fogbank.components.scaling import Scaling, waking_alarm
from tests.unit.components.test_monitor_kinds import manifest

OWN = manifest()
STEP = Step(name="clean", package=OWN, image="i")
DIRECT = Pipeline(after=[STEP], direct=True)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: MultiModel(models={"a/b": OWN}), "models has 'a/b', which is no name"),
        (lambda: MultiModel(models={"churn": OWN}).packages(OWN), "the name of the service's own package"),
        (
            lambda: MultiModel(models={"b": replace(OWN, package=replace(OWN.package, handler="b.py"))}).packages(OWN),
            "b has the handler b.py",
        ),
        (Pipeline, "2 to 15 containers, not 1"),
        (lambda: Pipeline(before=[STEP] * 15), "2 problems"),
        (lambda: Pipeline(before=[replace(STEP, name="no_name")]), "'no_name' is no host name"),
        (lambda: Asynchronous(output_prefix="/"), "output_prefix must be a prefix"),
        (lambda: Asynchronous(answers_in=["error"]), "there is no error_topic"),
        (lambda: Asynchronous(answers_in=["both"], concurrency=0), "2 problems"),
    ],
)
def test_what_cannot_be_is_refused(build: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build()


def test_another_model_is_another_prefix() -> None:
    other = replace(OWN, artifact_sha256="1")
    digests = {MultiModel(models=models).digest(OWN) for models in ({}, {"b": OWN}, {"b": other}, {"c": other})}

    assert len(digests) == 4
    assert MultiModel(models={}, cached=False).arguments["multi_model_config"] == {"model_cache_setting": "Disabled"}


def test_what_must_be_named_is_in_no_batch_and_under_no_monitor() -> None:
    for others in (MultiModel(models={}), DIRECT):
        assert len([*not_in_batches(others), *not_monitored(others, by_columns=False)]) == 2
    before = Pipeline(before=[STEP])
    assert list(not_in_batches(before)) == []
    assert len(list(not_monitored(before, by_columns=True))) == 1
    assert list(not_monitored(before, by_columns=False)) == []
    assert list(not_monitored(Pipeline(after=[STEP]), by_columns=True)) == []


def test_requests_that_wait_are_told_of_where_there_are_topics() -> None:
    service: Any = SimpleNamespace(uri=lambda prefix: f"s3://b/{prefix}")
    plain = Asynchronous(output_prefix="/out/").args(service)
    told = Asynchronous(error_topic="arn:t", answers_in=["error"], concurrency=2, kms_key="k").args(service)

    assert plain == {"output_config": {"s3_output_path": "s3://b/out", "s3_failure_path": "s3://b/async/failed"}}
    assert told["client_config"] == {"max_concurrent_invocations_per_instance": 2}
    assert told["output_config"]["notification_config"] == {
        "error_topic": "arn:t", "include_inference_response_ins": ["ERROR_NOTIFICATION_TOPIC"]
    }  # fmt: skip
    assert json.loads(telling(["b", "a", "b"]))["Statement"][0]["Resource"] == ["a", "b"]


def test_an_asynchronous_endpoint_scales_by_what_waits() -> None:
    scaling = Scaling(least=0, most=2, per_instance=5)
    tracking = scaling.policy_args("live")["target_tracking_scaling_policy_configuration"]

    assert tracking["customized_metric_specification"]["metric_name"] == "ApproximateBacklogSizePerInstance"
    assert "predefined_metric_specification" not in tracking
    assert waking_alarm("live")["dimensions"] == {"EndpointName": "live"}
    assert scaling.waking_args()["policy_type"] == "StepScaling"
