from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.provider.resource import ProvisionError
from fogbank.provider.services.iam_document import policy_document


def written(**arguments: Any) -> Any:
    return json.loads(policy_document(arguments)["json"])


def test_the_example_of_terraforms_page() -> None:
    """registry.terraform.io, aws_iam_policy_document, "Basic Example", in short: what it says is what IAM reads."""
    home = "arn:aws:s3:::bucket/home/&{aws:username}"
    document = written(
        statements=[
            {"sid": "1", "actions": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"], "resources": ["arn:aws:s3:::*"]},
            {
                "actions": ["s3:ListBucket"],
                "resources": ["arn:aws:s3:::bucket"],
                "conditions": [
                    {"test": "StringLike", "variable": "s3:prefix", "values": ["", "home/", "home/&{aws:username}/"]}
                ],
            },
            {"actions": ["s3:*"], "resources": [home, f"{home}/*"]},
        ]
    )

    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "1",
                "Effect": "Allow",
                "Action": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"],
                "Resource": "arn:aws:s3:::*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": "arn:aws:s3:::bucket",
                "Condition": {"StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/"]}},
            },
            {
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": ["arn:aws:s3:::bucket/home/${aws:username}/*", "arn:aws:s3:::bucket/home/${aws:username}"],
            },
        ],
    }


def test_principals_by_type_and_everybody() -> None:
    services = {"type": "Service", "identifiers": ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]}
    account = {"type": "AWS", "identifiers": ["arn:aws:iam::123456789012:root"]}
    document = written(
        statements=[
            {"actions": ["sts:AssumeRole"], "principals": [services, account]},
            {
                "effect": "Deny",
                "notActions": ["s3:Get*"],
                "notResources": ["*"],
                "principals": [{"type": "*", "identifiers": ["*"]}],
            },
        ]
    )

    assert [item["Principal"] for item in document["Statement"]] == [
        {"AWS": "arn:aws:iam::123456789012:root", "Service": ["sagemaker.amazonaws.com", "lambda.amazonaws.com"]},
        "*",
    ]
    assert document["Statement"][1]["NotAction"] == "s3:Get*"


def test_sources_are_overridden_by_statements_and_these_by_overrides() -> None:
    def one(sid: str, action: str) -> str:
        return json.dumps(
            {"Version": "2012-10-17", "Statement": {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"}}
        )

    document = written(
        sourcePolicyDocuments=[one("a", "source"), one("b", "source"), one("c", "source")],
        statements=[
            {"sid": "b", "actions": ["own"], "resources": ["*"]},
            {"sid": "d", "actions": ["own"], "resources": ["*"]},
        ],
        overridePolicyDocuments=[one("c", "override"), one("e", "override")],
    )

    assert {item["Sid"]: item["Action"] for item in document["Statement"]} == {
        "a": "source", "b": "own", "c": "override", "d": "own", "e": "override",
    }  # fmt: skip


def test_the_short_form_and_an_id_that_its_text_has() -> None:
    first, second = (policy_document({"statements": [{"actions": [action], "resources": ["*"]}]}) for action in "ab")

    assert json.loads(first["minifiedJson"]) == json.loads(first["json"])
    assert " " not in first["minifiedJson"]
    assert first["id"] != second["id"]


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(ProvisionError, match=r"duplicate Sid \(a\)"):
        policy_document({"statements": [{"sid": "a", "actions": ["x"]}, {"sid": "a", "actions": ["y"]}]})
    with pytest.raises(ProvisionError, match=r"statements\[0\]\.action is not implemented"):
        policy_document({"statements": [{"action": "x"}]})
    with pytest.raises(ProvisionError, match="not JSON"):
        policy_document({"sourcePolicyDocuments": ["{"]})
