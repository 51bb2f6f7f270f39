"""How an endpoint moves: as UpdateEndpoint has it, by botocore's own model, and what would be refused is refused at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from fogbank.components import Alarms, AllAtOnce, Canary, Linear, Provisioned, Rolling, Serverless, Variant
from fogbank.components.deployments import Deployment

SHAPE = boto3.client("sagemaker", region_name="us-east-1").meta.service_model.shape_for("DeploymentConfig")


def variant(count: int = 2, **on: Any) -> Variant:
    service: Any = SimpleNamespace(model_name="m", network=None, for_gpus=False)
    return Variant(service=service, on=on.get("on", Provisioned(count=count)))


@pytest.mark.parametrize(
    "way",
    [
        AllAtOnce(), AllAtOnce(keep_old_s=60, limit_s=900), Canary(alarms=[], percent=10, bake_s=300), Linear(alarms=["a"], percent=25),
        Rolling(alarms=["a", "b"], percent=50, bake_s=0, limit_s=600),
    ],
)  # fmt: skip
def test_what_is_sent_is_what_botocore_takes(way: Deployment) -> None:
    assert isinstance(way.alarms, list | None)
    config = way.config(way.alarms or [])

    assert ParamValidator().validate(config, SHAPE).generate_report() == ""
    named = [alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])]
    assert named == list(way.alarms or [])


def test_a_canary_a_linear_and_a_rolling_deployment() -> None:
    canary = Canary(alarms=[], percent=10, bake_s=120, keep_old_s=30).config([])
    assert canary["BlueGreenUpdatePolicy"] == {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY", "WaitIntervalInSeconds": 120, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}},
        "TerminationWaitInSeconds": 30,
    }  # fmt: skip
    linear = Linear(alarms=[], percent=20).config([])["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (linear["Type"], linear["LinearStepSize"]["Value"]) == ("LINEAR", 20)
    rolling = Rolling(alarms=[], percent=5).config([])
    assert set(rolling) == {"RollingUpdatePolicy"}


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (Canary, "alarms are missing"),
        (lambda: Canary(percent=60, bake_s=-1), "3 problems"),
        (lambda: Linear(alarms=[], percent=5), "percent must be 10 to 50"),
        (lambda: Rolling(alarms=[], percent=4, keep_old_s=9), "2 problems"),
        (lambda: AllAtOnce(keep_old_s=3601), "keep_old_s must be 0 to 3600"),
        (lambda: AllAtOnce(limit_s=599), "limit_s must be 600 to 28800"),
        (lambda: AllAtOnce(alarms=["a"] * 11), "at most 10 alarms"),
        (lambda: AllAtOnce(limit_s=600, keep_old_s=600), "limit_s must be more than the 600 seconds that it waits"),
        (lambda: Canary(alarms=[], limit_s=600, bake_s=600), "more than the 600 seconds"),
        (lambda: Canary(alarms=["a"], limit_s=700, bake_s=600), "more than the 720 seconds"),
        (lambda: Linear(alarms=[], limit_s=900, percent=25, bake_s=300), "more than the 900 seconds"),
        (lambda: Rolling(alarms=[], limit_s=600, percent=50, bake_s=300), "more than the 600 seconds"),
        (lambda: Alarms(errors=-1), "errors must be"),
        (lambda: Alarms(latency_ms=0), "latency_ms must be"),
    ],
)
def test_a_way_that_sagemaker_would_refuse_says_why(build: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build()


def test_a_part_of_one_instance_or_of_none_cannot_be_shifted() -> None:
    canary = Canary(alarms=[])

    assert list(canary.contradictions([variant(2)])) == []
    assert [text[:30] for text in canary.contradictions([variant(1), variant(on=Serverless())])] == [
        "Canary needs two instances or ", "Canary shifts instances, and v"
    ]  # fmt: skip
    assert list(AllAtOnce().contradictions([variant(1)])) == []


def test_where_there_are_alarms_the_old_instances_stay_until_they_have_seen_the_new_ones() -> None:
    """Without a wait at its end, all at once never bakes: nothing would roll it back."""
    ways = [AllAtOnce(alarms=Alarms()), Canary(alarms=["a"]), Linear(alarms=["a"]), AllAtOnce(), AllAtOnce(alarms=[])]
    ways.append(AllAtOnce(alarms=["a"], keep_old_s=0))
    kept = [way.config(["a"])["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] for way in ways]

    assert kept == [120, 120, 120, 0, 0, 0]


def test_what_guards_instances_guards_nothing_serverless_and_what_rolls_is_one_variant() -> None:
    """Developer Guide, "Deployment guardrails" and their "Exclusions"."""
    [said] = AllAtOnce(alarms=Alarms()).contradictions([variant(on=Serverless())])
    assert "is serverless: no alarm rolls it back" in said
    assert list(AllAtOnce(alarms=[]).contradictions([variant(on=Serverless())])) == []
    [said] = Rolling(alarms=[]).contradictions([variant(2), variant(2)])
    assert "Rolling is for endpoints of one variant, and it has 2" in said
    assert list(Linear(alarms=[]).contradictions([variant(2), variant(2)])) == []


def test_alarms_look_at_one_variant_minute_by_minute() -> None:
    found = Alarms(errors=3, latency_ms=250).args("live", "a")

    assert found["errors"]["threshold"] == 3.0
    assert found["latency"]["threshold"] == 250_000, "ModelLatency is in microseconds"
    assert {each["period"] for each in found.values()} == {60}
    assert found["errors"]["dimensions"] == {"EndpointName": "live", "VariantName": "a"}
    assert set(Alarms().args("live", "a")) == {"errors"}
