from __future__ import annotations

import pytest

from fogbank.contracts import tokens
from fogbank.provider.resource import AutoName, UnknownTypeError
from fogbank.provider.settings import foreign
from fogbank.provider.shapes import UNKNOWN
from fogbank.provider.standin import TABLE, StandIn


def no_clients(service: str, region: str) -> object:
    raise AssertionError(f"check and diff are pure, and asked for {service} in {region}")


STANDIN = StandIn(clients=no_clients)
CONFIG: dict[str, object] = {
    "name": "c", "kmsKeyArn": "k",
    "productionVariants": [{"variantName": "v", "modelName": "m", "instanceType": "ml.m5.large", "initialInstanceCount": 1}],
}  # fmt: skip


def refused(token: str, inputs: dict[str, object]) -> dict[str, str]:
    _, failures = STANDIN.check(token, inputs, {}, "logical", b"seed")
    return {failure.property: failure.reason for failure in failures}


def test_an_input_that_is_not_implemented_is_refused_by_name() -> None:
    assert refused(tokens.ENDPOINT_CONFIGURATION, CONFIG) == {}
    found = refused(
        tokens.ENDPOINT_CONFIGURATION, {**CONFIG, "productionVariants": [{"variantName": "v", "turbo": True}]}
    )
    assert list(found) == ["productionVariants[0].turbo"]
    assert "refused, not ignored" in found["productionVariants[0].turbo"]
    assert list(refused(tokens.BUCKET, {"website": {}})) == ["website"]
    assert refused(tokens.MODEL, {"primaryContainer": UNKNOWN, "executionRoleArn": UNKNOWN, "tags": {"a": "b"}}) == {}


def test_missing_inputs_and_bad_policies_are_refused() -> None:
    assert "assumeRolePolicy" in refused(tokens.ROLE, {})
    assert refused(tokens.ROLE, {"assumeRolePolicy": "{"})["assumeRolePolicy"].startswith("is not JSON")
    assert refused(tokens.MONITORING_SCHEDULE, {"name": "n"}) == {"monitoringScheduleConfig": "is required"}


@pytest.mark.parametrize(
    ("token", "key", "replaces"),
    [
        (tokens.MODEL, "primaryContainer", True),
        (tokens.MODEL, "tags", False),
        (tokens.ENDPOINT_CONFIGURATION, "productionVariants", True),
        (tokens.ENDPOINT, "endpointConfigName", False),
        (tokens.ENDPOINT, "name", True),
        (tokens.MONITORING_SCHEDULE, "monitoringScheduleConfig", False),
        (tokens.DATA_QUALITY_JOB_DEFINITION, "roleArn", True),
        (tokens.SCHEDULE, "scheduleExpression", False),
        (tokens.SCHEDULE, "groupName", True),
        (tokens.BUCKET, "forceDestroy", False),
        (tokens.BUCKET, "bucket", True),
        (tokens.ROLE, "assumeRolePolicy", False),
        (tokens.ROLE, "path", True),
        (tokens.ROLE_POLICY, "policy", False),
        (tokens.ROLE_POLICY, "role", True),
        (tokens.BUCKET_OBJECT, "source", False),
        (tokens.BUCKET_OBJECT, "key", True),
    ],
)
def test_replacements_are_those_of_pulumi_aws(token: str, key: str, replaces: bool) -> None:
    found = STANDIN.diff(token, {key: "one"}, {key: "two"})

    assert found.changed == (key,)
    assert (key in found.replaces) is replaces


def test_auto_names_come_from_the_seed_and_stay() -> None:
    rule = AutoName()
    first = rule.apply({}, {}, "live", b"seed")["name"]

    assert first == rule.apply({}, {}, "live", b"seed")["name"] != rule.apply({}, {}, "live", b"other")["name"]
    assert first.startswith("live-")
    assert len(first) == len("live-") + 7
    assert rule.apply({}, {"name": first}, "live", b"other")["name"] == first
    assert rule.apply({"name": "mine"}, {"name": first}, "live", b"seed")["name"] == "mine"
    assert rule.apply({"namePrefix": "p-"}, {}, "live", b"seed")["name"].startswith("p-")


def test_an_asset_is_compared_by_its_content() -> None:
    sign = "4dabf18193072939515e22adb298388d"
    old = {"source": {sign: "x", "hash": "1", "path": "/a"}}

    assert TABLE[tokens.BUCKET_OBJECT].diff(old, {"source": {sign: "x", "hash": "1", "path": "/b"}}).changed == ()
    assert TABLE[tokens.BUCKET_OBJECT].diff(old, {"source": {sign: "x", "hash": "2", "path": "/a"}}).changed == (
        "source",
    )


def test_types_and_functions_that_it_lacks_are_named() -> None:
    with pytest.raises(UnknownTypeError, match="aws:glacier/vault:Vault"):
        STANDIN.check("aws:glacier/vault:Vault", {}, {}, "f", b"")
    with pytest.raises(UnknownTypeError, match="aws:ec2/getAmi:getAmi"):
        STANDIN.invoke("aws:ec2/getAmi:getAmi", {})


def test_every_token_of_the_contract_has_a_row() -> None:
    declared = {value for name, value in vars(tokens).items() if name.isupper() and str(value).startswith("aws:")}

    assert declared <= set(TABLE)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "it means AWS"),
        ({"endpoints": '[{"s3": "http://127.0.0.1:4566"}]'}, None),
        ({"endpoints": [{"s3": "http://localhost:1", "iam": "https://iam.amazonaws.com"}]}, "is not this machine"),
    ],
)
def test_a_stack_that_means_aws_is_refused(config: dict[str, object], said: str | None) -> None:
    found = foreign(config)

    assert (found is None) if said is None else (found is not None and said in found)
