"""IAM's policy language: the cases of the IAM User Guide's "Policy evaluation logic" and of its condition operators."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.enforcement.policy import Asked, verdict
from fogbank.cloud.enforcement.statements import PolicyError, statements

OBJECT = "arn:aws:s3:::data/in/a.csv"
CONTEXT = {
    "aws:requestedregion": ["eu-west-1"],
    "aws:sourceip": ["10.1.2.3"],
    "aws:tagkeys": ["a", "b"],
    "n": ["5"],
    "aws:principaltag/team": ["in"],
}


def said(*statements: dict[str, Any], action: str = "s3:GetObject", resource: str | None = OBJECT, **more: Any) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    asked = Asked(action=action, resource=resource, context=CONTEXT, principals=more.pop("principals", frozenset()))
    return verdict([document], asked, **more)


def allow(**members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **members}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "allow"),
        ({"Action": "s3:*"}, "allow"),
        ({"Action": ["s3:Put*", "S3:getobject"]}, "allow"),
        ({"Action": "s3:GetObjectVersion"}, "silent"),
        ({"NotAction": "s3:Put*", "Action": None}, "allow"),
        ({"NotAction": "s3:Get*"}, "silent"),
        ({"Resource": "arn:aws:s3:::data/*"}, "allow"),
        ({"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::data/in/?.csv"]}, "allow"),
        ({"Resource": "arn:aws:s3:::data"}, "silent"),
        ({"Resource": "arn:aws:s3:::data/[a-z]*"}, "silent"),
        ({"NotResource": "arn:aws:s3:::data/*"}, "silent"),
        ({"Resource": "arn:aws:s3:::data/${aws:PrincipalTag/team}/*"}, "allow"),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}, "allow"),
        ({"Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}}, "silent"),
        ({"Condition": {"StringLike": {"aws:RequestedRegion": "eu-*"}}}, "allow"),
        ({"Condition": {"StringEquals": {"aws:Absent": "x"}}}, "silent"),
        ({"Condition": {"StringEqualsIfExists": {"aws:Absent": "x"}}}, "allow"),
        ({"Condition": {"StringNotEquals": {"aws:Absent": "x"}}}, "allow"),
        ({"Condition": {"Null": {"aws:Absent": "true"}}}, "allow"),
        ({"Condition": {"Null": {"aws:RequestedRegion": "true"}}}, "silent"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "allow"),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "silent"),
        ({"Condition": {"NumericLessThan": {"n": "6"}}}, "allow"),
        ({"Condition": {"NumericGreaterThanEquals": {"n": 6}}}, "silent"),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}}, "allow"),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}}, "silent"),
        ({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["b"]}}}, "allow"),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}, "NumericEquals": {"n": "6"}}}, "silent"),
        ({"Condition": {"NoSuchOperator": {"n": "5"}}}, "silent"),
    ],
)  # fmt: skip
def test_a_statement_concerns_what_it_says(members: dict[str, Any], expected: str) -> None:
    assert said(allow(**members)) == expected


def test_a_denial_is_the_last_word_and_nothing_said_is_silence() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::data/in/*"}

    assert said(allow(), deny) == said(deny, allow()) == "deny"
    assert said() == "silent"
    assert verdict(["no json", "[]"], Asked(action="s3:GetObject", resource=OBJECT)) == "silent"


def test_a_resource_that_is_not_known_is_any() -> None:
    assert said(allow(Resource="arn:aws:s3:::other/*"), resource=None) == "allow"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", "allow"),
        ({"AWS": "*"}, "allow"),
        ({"AWS": ["arn:other", "arn:mine"]}, "allow"),
        ({"Service": "sagemaker.amazonaws.com"}, "silent"),
    ],
)
def test_a_resources_policy_knows_its_principals(principal: Any, expected: str) -> None:
    mine = frozenset({"*", "arn:mine"})

    assert said(allow(Principal=principal), principals=mine, resource_based=True) == expected
    assert said(allow(NotPrincipal={"AWS": "arn:mine"}), principals=mine, resource_based=True) == "silent"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Effect": None}, "Effect is one of Allow and Deny"),
        ({"Effect": "deny"}, "Effect is one of Allow and Deny"),
        ({"Action": 5}, "Action is a text"),
        ({"Resource": [5]}, "Resource is a text"),
        ({"Principal": {"AWS": 5}}, "Principal is a text"),
        ({"Condition": "x"}, "Condition is no object"),
        ({"Condition": {"StringEquals": "x"}}, "StringEquals is no object"),
        ({"Condition": {"Null": {"a": []}}}, "Null of a has no values"),
        ({"Condition": {"StringEquals": {"a": {}}}}, "StringEquals of a has no values"),
    ],
)
def test_what_is_no_policy_says_nothing_and_why(members: dict[str, Any], words: str) -> None:
    statement = allow(**members)

    assert said(statement) == "silent"
    with pytest.raises(PolicyError, match=words):
        statements(json.dumps({"Statement": statement}))
