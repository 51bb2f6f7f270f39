from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.provider.compare import SIGNATURE
from fogbank.provider.declared import Inputs, object_inputs
from fogbank.provider.standin import TABLE
from tests.unit.provider.asking import difference

ROLE = "arn:aws:iam::123456789012:role/r"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
MODEL: dict[str, Any] = {
    "name": "m",
    "executionRoleArn": ROLE,
    "primaryContainer": {"image": "i", "modelDataUrl": "s3://b/m.tar.gz"},
    "vpcConfig": {"subnets": ["a", "b"], "securityGroupIds": ["s"]},
}
CONFIG: dict[str, Any] = {
    "name": "c",
    "productionVariants": [{"modelName": "m", "instanceType": "ml.m5.large", "initialInstanceCount": 1}],
    "dataCaptureConfig": {
        "destinationS3Uri": "s3://b/c",
        "initialSamplingPercentage": 100,
        "captureOptions": [{"captureMode": "Input"}],
        "captureContentTypeHeader": {"csvContentTypes": ["text/csv", "text/tsv"]},
    },
}
SCHEDULE: dict[str, Any] = {
    "name": "s",
    "scheduleExpression": "rate(1 days)",
    "flexibleTimeWindow": {"mode": "OFF"},
    "target": {"arn": "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob", "roleArn": ROLE, "input": "{}"},
}
ACCESS: dict[str, Any] = {"role": "r", "name": "p"}


def policy(*actions: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    )


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    def both(old: Any, new: Any) -> Any:
        if isinstance(old, dict) and isinstance(new, dict):
            return {**old, **{key: both(old.get(key), value) for key, value in new.items()}}
        if isinstance(old, list) and isinstance(new, list) and new and isinstance(new[0], dict):
            return [both(*pair) for pair in zip(old, new, strict=True)]
        return new

    result: dict[str, Any] = both(base, change)
    return result


@pytest.mark.parametrize(
    ("token", "inputs", "written_out"),
    [
        (tokens.MODEL, MODEL, {"primaryContainer": {"mode": "SingleModel"}, "enableNetworkIsolation": False}),
        (tokens.MODEL, MODEL, {"vpcConfig": {"subnets": ["b", "a"]}}),
        (tokens.MODEL, MODEL, {"primaryContainer": {"environment": {}}, "tags": {}}),
        (tokens.ENDPOINT_CONFIGURATION, CONFIG, {"productionVariants": [{"initialVariantWeight": 1.0}]}),
        (
            tokens.ENDPOINT_CONFIGURATION,
            CONFIG,
            {"dataCaptureConfig": {"captureContentTypeHeader": {"csvContentTypes": ["text/tsv", "text/csv"]}, "enableCapture": False}},
        ),
        (tokens.ROLE, {"name": "r", "assumeRolePolicy": TRUST}, {"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False, "description": ""}),
        (tokens.ROLE, {"name": "r", "assumeRolePolicy": TRUST}, {"assumeRolePolicy": json.dumps(TRUST, indent=2)}),
        (tokens.ROLE_POLICY, {**ACCESS, "policy": policy("s3:GetObject", "s3:PutObject")}, {"policy": policy("s3:PutObject", "s3:GetObject")}),
        (
            tokens.SCHEDULE,
            SCHEDULE,
            {"groupName": "default", "scheduleExpressionTimezone": "UTC", "state": "ENABLED", "description": "", "actionAfterCompletion": "NONE"},
        ),
        (tokens.BUCKET, {"bucket": "bbb"}, {"forceDestroy": False, "region": "us-east-1"}),
        (tokens.BUCKET_PUBLIC_ACCESS_BLOCK, {"bucket": "bbb"}, dict.fromkeys(("blockPublicAcls", "restrictPublicBuckets"), False)),
    ],
)  # fmt: skip
def test_what_means_the_same_changes_nothing(token: str, inputs: dict[str, Any], written_out: dict[str, Any]) -> None:
    other = merged(inputs, written_out)
    assert other != inputs

    assert difference(token, inputs, other).changed == ()
    assert difference(token, other, inputs).changed == ()


@pytest.mark.parametrize(
    ("token", "inputs", "change", "changed"),
    [
        (tokens.MODEL, MODEL, {"primaryContainer": {"mode": "MultiModel"}}, ("primaryContainer",)),
        (tokens.MODEL, MODEL, {"vpcConfig": {"subnets": ["b"]}}, ("vpcConfig",)),
        (tokens.MODEL, MODEL, {"primaryContainer": {"environment": {"A": ""}}}, ("primaryContainer",)),
        (tokens.ENDPOINT_CONFIGURATION, CONFIG, {"productionVariants": [{"initialVariantWeight": 0}]}, ("productionVariants",)),
        (tokens.ROLE, {"name": "r", "assumeRolePolicy": TRUST}, {"maxSessionDuration": 7200}, ("maxSessionDuration",)),
        (tokens.ROLE_POLICY, {**ACCESS, "policy": policy("s3:GetObject")}, {"policy": policy("s3:PutObject")}, ("policy",)),
        (tokens.SCHEDULE, SCHEDULE, {"state": "DISABLED"}, ("state",)),
        (tokens.BUCKET, {"bucket": "bbb"}, {"tags": {"a": "1"}}, ("tags",)),
    ],
)  # fmt: skip
def test_what_does_not_is_a_change(
    token: str, inputs: dict[str, Any], change: dict[str, Any], changed: tuple[str, ...]
) -> None:
    assert difference(token, inputs, merged(inputs, change)).changed == changed


def test_an_asset_is_compared_by_its_content() -> None:
    def asset(digest: str, path: str) -> dict[str, Any]:
        return {"bucket": "bbb", "key": "k", "source": {SIGNATURE: "x", "hash": digest, "path": path}}

    assert difference(tokens.BUCKET_OBJECT, asset("1", "/a"), asset("1", "/b")).changed == ()
    assert difference(tokens.BUCKET_OBJECT, asset("1", "/a"), asset("2", "/a")).changed == ("source",)


def below(path: str, value: Any) -> dict[str, Any]:
    """An input by its path, `a[].b` for that of a list's only item."""
    head, dot, rest = path.partition(".")
    inner = below(rest, value) if dot else value
    return {head.removesuffix("[]"): [inner] if head.endswith("[]") else inner}


def has_members(inputs: Inputs, path: str) -> bool:
    """Whether what is in a list is objects."""
    head, dot, rest = path.replace("[]", "").partition(".")
    nested = object_inputs(inputs[head].object) if head in inputs else {}
    return has_members(nested, rest) if dot else bool(nested)


def members(kind: str) -> list[tuple[str, str]]:
    """(type, path) of every row's `kind`: `defaults`, `sets` or `policies`."""
    return [(token, path) for token, row in sorted(TABLE.items()) for path in sorted(getattr(row, kind))]


@pytest.mark.parametrize(("token", "path"), members("defaults"))
def test_a_default_that_is_written_out_changes_nothing_of_any_type(token: str, path: str) -> None:
    row = TABLE[token]
    said = row.defaults[path]
    parent, _, key = path.rpartition(".")
    without = below(parent, {"other": "1"}) if parent else {}
    written = below(parent, {"other": "1", key: said}) if parent else {path: said}

    assert row.diff(without, written).changed == ()
    assert row.diff(written, without).changed == ()


@pytest.mark.parametrize("token", sorted(TABLE))
def test_what_pulumi_aws_documents_as_a_default_is_one(token: str) -> None:
    row = TABLE[token]
    documented = {
        key: declared.default_value for key, declared in row.inputs.items() if declared.default_value is not None
    }

    assert row.diff({}, {key: row.defaults.get(key, value) for key, value in documented.items()}).changed == ()


@pytest.mark.parametrize(("token", "path"), members("sets"))
def test_a_set_has_no_order_in_any_type(token: str, path: str) -> None:
    row = TABLE[token]
    plain = ["a", "b", "c"]
    items: list[Any] = [{"x": each} for each in plain] if has_members(row.inputs, path) else plain

    assert row.diff(below(path, items), below(path, items[::-1])).changed == ()
    assert row.diff(below(path, items), below(path, items[:2])).changed != ()


@pytest.mark.parametrize(("token", "path"), members("policies"))
def test_an_equal_policy_changes_nothing_in_any_type(token: str, path: str) -> None:
    row = TABLE[token]
    one, same = policy("s3:GetObject", "s3:PutObject"), policy("s3:PutObject", "s3:GetObject")

    assert row.diff(below(path, one), below(path, same)).changed == ()
    assert row.diff(below(path, one), below(path, policy("s3:*"))).changed != ()
