"""What endpoints are asked in a recorded life: policies as IAM takes them, roles that are not here, folders among models."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.project.access.iam_asking import Ask, plan

ROLE = "arn:aws:iam::123456789012:role/team/r"
READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/come/*"}
WAITS = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/out"}}}


def account(
    document: dict[str, Any] | None, *, config: dict[str, Any] | None = None, mode: str = "SingleModel", keys: tuple[str, ...] = ()
) -> Callable[[str], Any]:  # fmt: skip
    """Clients of an account with one endpoint, whose role has one policy, or is not there."""

    def names(**_: str) -> dict[str, Any]:
        if document is None:
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "no r"}}, "ListRolePolicies")
        return {"PolicyNames": ["p"]}

    container = {"Mode": mode, "ModelDataUrl": "s3://b/models/"}
    pages = SimpleNamespace(paginate=lambda **_: [{"Contents": [{"Key": key} for key in keys]}])
    services = {
        "sagemaker": SimpleNamespace(
            describe_endpoint=lambda **_: {"EndpointConfigName": "c"},
            describe_endpoint_config=lambda **_: {"ProductionVariants": [{"ModelName": "m"}], **(config or {})},
            describe_model=lambda **_: {"PrimaryContainer": container, "ExecutionRoleArn": ROLE},
        ),
        "iam": SimpleNamespace(list_role_policies=names, get_role_policy=lambda **_: {"PolicyDocument": document}),
        "s3": SimpleNamespace(get_paginator=lambda _: pages),
    }
    return services.__getitem__


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"Statement": READS}, True),
        ({"Statement": [{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, READS]}, True),
        ({"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}, False),
        ({"Statement": {"Effect": "Allow", "Action": ["s3:GetObject"], "NotResource": "arn:aws:s3:::a/*"}}, False),
        (None, False),
    ],
)
def test_a_request_waits_where_any_policy_lets_its_role_read(document: dict[str, Any] | None, found: bool) -> None:
    asks, without = plan(account(document, config=WAITS), ["e"])

    assert [ask.waits for ask in asks] == (["s3://b/come/iam-rows.csv"] if found else [])
    assert without == ([] if found else ["e"])


def test_a_folder_among_models_is_no_model() -> None:
    keys = ("models/", "models/a.tar.gz", "models/old/")

    asks, _ = plan(account({}, mode="MultiModel", keys=keys), ["e"])

    assert asks == [Ask(endpoint="e", target={"TargetModel": "a.tar.gz"})]
