from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.provider.resource import AUTONAMED
from fogbank.provider.settings import Settings
from fogbank.provider.standin import TABLE
from tests.unit.provider.asking import STANDIN, complete, difference, refused

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
WEST = replace(STANDIN, settings=Settings(region="us-west-2", default_tags={"team": "fraud"}))
MODEL: dict[str, Any] = {"executionRoleArn": "r", "primaryContainer": {"image": "i"}}


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
        (tokens.SCHEDULE, "namePrefix", True),
        (tokens.BUCKET, "forceDestroy", False),
        (tokens.BUCKET, "bucket", True),
        (tokens.BUCKET, "region", True),
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

    assert set(found.changed) - {"tagsAll"} == {key}
    assert (key in found.replaces) is replaces


ROUTING = {"trafficRoutingConfiguration": {"type": "ALL_AT_ONCE", "waitIntervalInSeconds": 0}}
GUARDED = {"blueGreenUpdatePolicy": ROUTING, "autoRollbackConfiguration": {"alarms": [{"alarmName": "a"}]}}


@pytest.mark.parametrize(
    ("before", "after", "replaces"),
    [
        (GUARDED, None, True),
        (None, GUARDED, True),
        (GUARDED, {**GUARDED, "autoRollbackConfiguration": {"alarms": [{"alarmName": "b"}]}}, False),
        ({"blueGreenUpdatePolicy": ROUTING}, None, False),
    ],
)
def test_an_endpoint_is_replaced_when_its_alarms_come_or_go_as_by_pulumi_aws(
    before: Any, after: Any, replaces: bool
) -> None:
    named = {"name": "live", "endpointConfigName": "c"}
    old, new = (
        complete(tokens.ENDPOINT, {**named, **({"deploymentConfig": way} if way else {})}) for way in (before, after)
    )

    found = STANDIN.diff(tokens.ENDPOINT, old, new)
    assert "deploymentConfig" in found.changed
    assert (found.replaces, found.delete_first) == ((("deploymentConfig",), True) if replaces else ((), False))


@pytest.mark.parametrize(
    ("token", "inputs", "change"),
    [
        (tokens.MODEL, {**MODEL, "name": "m"}, {"primaryContainer": {"image": "j"}}),
        (tokens.ROLE, {"name": "r", "assumeRolePolicy": TRUST}, {"path": "/ml/"}),
    ],
)
def test_a_resource_whose_name_the_program_chose_goes_before_its_replacement_comes(
    token: str, inputs: dict[str, Any], change: dict[str, Any]
) -> None:
    automatic = {key: value for key, value in inputs.items() if key != "name"}

    assert difference(token, inputs, {**inputs, **change}).delete_first
    assert difference(token, automatic, {**automatic, **change}).replaces
    assert not difference(token, automatic, {**automatic, **change}).delete_first
    assert not difference(token, inputs, {**inputs, "tags": {"a": "1"}}).delete_first


NAMED = sorted(token for token, row in TABLE.items() if row.auto_name is not None)


@pytest.mark.parametrize("token", NAMED)
def test_of_every_type_with_a_name_the_programs_own_is_free_before_it_is_taken_again(token: str) -> None:
    row = TABLE[token]
    assert row.auto_name is not None
    key, others = row.auto_name.key, {row.auto_name.key, row.auto_name.prefix_key, "tags", "tagsAll", "region"}
    replacing = next((name for name in row.inputs if name not in others | row.in_place), None)
    if replacing is None:
        pytest.skip("all but its name is updated in place")
    old, new = {key: "mine", replacing: "one"}, {key: "mine", replacing: "two"}

    assert row.diff(old, new).delete_first
    automatic = {AUTONAMED: key}
    assert row.diff({**old, **automatic}, {**new, **automatic}).delete_first is row.delete_first
    assert not row.diff(old, {**old, key: "another"}).delete_first or row.delete_first, "another name is free already"


def test_an_update_is_never_a_reason_to_delete() -> None:
    before = complete(tokens.BUCKET, {"bucket": "mine"})

    assert not STANDIN.diff(tokens.BUCKET, before, {**before, "forceDestroy": True}).delete_first


def test_region_and_all_tags_are_inputs_that_the_provider_completes() -> None:
    checked = complete(tokens.MODEL, {**MODEL, "tags": {"own": "1"}}, standin=WEST)

    assert checked["region"] == "us-west-2"
    assert checked["tagsAll"] == {"team": "fraud", "own": "1"}
    assert checked["tags"] == {"own": "1"}
    assert complete(tokens.MODEL, {**MODEL, "region": "eu-west-1"}, standin=WEST)["region"] == "eu-west-1"
    assert "region" not in complete(tokens.ROLE, {"assumeRolePolicy": TRUST}, standin=WEST), "IAM has no regions"


def test_other_default_tags_are_an_update_and_another_region_is_a_replacement() -> None:
    old = complete(tokens.MODEL, MODEL)
    new = complete(tokens.MODEL, MODEL, old, standin=WEST)

    assert STANDIN.diff(tokens.MODEL, old, new).changed == ("region", "tagsAll")
    assert STANDIN.diff(tokens.MODEL, old, new).replaces == ("region",)


def test_inputs_of_before_this_version_are_no_change() -> None:
    old = {**MODEL, "name": "logical-1234567", "tags": {"a": "1"}}

    assert STANDIN.diff(tokens.MODEL, old, complete(tokens.MODEL, {**MODEL, "tags": {"a": "1"}}, old)).changed == ()


def test_a_policy_may_be_an_object_and_must_be_json() -> None:
    checked = complete(tokens.ROLE, {"assumeRolePolicy": json.loads(TRUST)})

    assert json.loads(checked["assumeRolePolicy"]) == json.loads(TRUST)
    assert refused(tokens.ROLE, {"assumeRolePolicy": "{"})["assumeRolePolicy"].startswith("is not JSON")


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("training-data", True), ("a.b.c", True), ("training_data", False), ("TrainingData", False), ("ab", False), ("a" * 64, False),
        ("-a-b", False), ("a..b", False), ("192.168.5.4", False), ("xn--bucket", False), ("bucket-s3alias", False),
    ],
)  # fmt: skip
def test_bucket_names_are_s3s(name: str, valid: bool) -> None:
    reasons = refused(tokens.BUCKET, {"bucket": name})

    assert (reasons == {}) is valid
    assert valid or "InvalidBucketName" in reasons["bucket"]


def test_automatic_bucket_names_are_lower_case_and_still_must_be_valid() -> None:
    inputs, failures = STANDIN.check(tokens.BUCKET, {}, {}, "TrainingData", b"seed")
    assert inputs["bucket"].startswith("trainingdata-")
    assert failures == []

    _, failures = STANDIN.check(tokens.BUCKET, {}, {}, "training_data", b"seed")
    assert "InvalidBucketName" in failures[0].reason


def test_an_objects_key_is_its_logical_name() -> None:
    checked, _ = STANDIN.check(tokens.BUCKET_OBJECT, {"bucket": "bbb"}, {}, "settings.json", b"seed")

    assert checked["key"] == "settings.json"
