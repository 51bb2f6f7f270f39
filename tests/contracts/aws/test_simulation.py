"""IAM's policy simulator by plain boto3, as SageMaker's SDK asks it before it deploys. Source: IAM's API reference, SimulatePrincipalPolicy."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import code_of

BUCKET = "arn:aws:s3:::data/x"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def decided(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (each["EvalActionName"], each["EvalResourceName"], each["EvalDecision"]) for each in answer["EvaluationResults"]
    ]


def test_a_roles_policies_are_simulated(shared_cloud: CloudProcess, unique: str) -> None:
    iam = shared_cloud.client("iam")
    trusts = document({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"})  # fmt: skip
    arn = iam.create_role(RoleName=unique, AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=unique, PolicyName="p",
        PolicyDocument=document(
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": BUCKET},
            {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}},
        ),
    )  # fmt: skip
    asked = ["s3:GetObject", "s3:DeleteObject", "logs:PutLogEvents", "sqs:SendMessage"]
    everywhere = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=asked)
    assert decided(everywhere) == [
        ("s3:GetObject", "*", "implicitDeny"),
        ("s3:DeleteObject", "*", "explicitDeny"),
        ("logs:PutLogEvents", "*", "allowed"),
        ("sqs:SendMessage", "*", "implicitDeny"),
    ]
    assert not everywhere["IsTruncated"]
    here = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": ["eu-west-1"], "ContextKeyType": "string"}
    bounded = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject", "sqs:SendMessage"], ResourceArns=[BUCKET], ContextEntries=[here],
        PermissionsBoundaryPolicyInputList=[document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})],
    )  # fmt: skip
    within = [
        each["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"]
        for each in bounded["EvaluationResults"]
    ]
    assert ([decision for *_, decision in decided(bounded)], within) == (["allowed", "implicitDeny"], [True, False])
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn, ActionNames=asked, PaginationConfig={"PageSize": 3}
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [3, 1]


def test_policies_that_are_given_are_simulated_and_the_rest_is_refused(shared_cloud: CloudProcess, unique: str) -> None:
    iam = shared_cloud.client("iam")
    given = document({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})
    answer = iam.simulate_custom_policy(PolicyInputList=[given], ActionNames=["s3:GetObject", "s3:PutObject"])
    assert [decision for *_, decision in decided(answer)] == ["allowed", "implicitDeny"]
    nobody = f"arn:aws:iam::123456789012:role/{unique}"
    simulate = iam.simulate_principal_policy
    arn = iam.create_role(RoleName=f"{unique}-here", AssumeRolePolicyDocument=given)["Role"]["Arn"]
    unchecked = boto3.client(
        "iam", endpoint_url=shared_cloud.url, region_name="us-east-1", aws_access_key_id=LOCAL_ACCESS_KEY,
        aws_secret_access_key=shared_cloud.secret, config=Config(parameter_validation=False),
    )  # fmt: skip

    def custom(policy: str) -> object:
        return iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=["a:B"])

    for call, code, words in (
        (lambda: simulate(PolicySourceArn=nobody, ActionNames=["a:B"]), "NoSuchEntity", "cannot be found"),
        (lambda: simulate(PolicySourceArn=nobody.replace("role", "user"), ActionNames=["a:B"]), "InvalidInput", "policies of roles"),
        (lambda: simulate(PolicySourceArn=nobody, ActionNames=["a:B"], ResourcePolicy=given), "InvalidInput", "ResourcePolicy"),
        (lambda: iam.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["a:B"]), "InvalidInput", "is no policy"),
        (lambda: custom(given.replace("Allow", "deny")), "InvalidInput", "Effect is one of Allow and Deny"),
        (lambda: custom(given.replace('"Effect": "Allow", ', "")), "InvalidInput", "Effect is one of Allow and Deny"),
        (lambda: custom(document({"Effect": "Allow", "Action": 5})), "InvalidInput", "Action is a text"),
        (lambda: custom(document({"Effect": "Allow", "Action": "a:B", "Condition": "x"})), "InvalidInput", "Condition is no object"),
        (lambda: simulate(PolicySourceArn=arn.replace("123456789012", "210987654321"), ActionNames=["a:B"]), "NoSuchEntity", "cannot be found"),
        (lambda: unchecked.simulate_custom_policy(PolicyInputList=[given], ActionNames=["a:B"], MaxItems="abc"), "InvalidInput", "'abc'"),
        (lambda: unchecked.simulate_custom_policy(PolicyInputList=[given], ActionNames=["a:B"], MaxItems=0), "InvalidInput", "from 1 to 1000"),
    ):  # fmt: skip
        told, message = code_of(call)
        assert (told, words in message) == (code, True), message
