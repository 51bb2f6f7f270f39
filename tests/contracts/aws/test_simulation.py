"""IAM's policy simulator by plain boto3, as SageMaker's SDK asks it before it deploys. Source: IAM's API reference, SimulatePrincipalPolicy."""

from __future__ import annotations

import json
from typing import Any

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
    for call, code, words in (
        (lambda: simulate(PolicySourceArn=nobody, ActionNames=["a:B"]), "NoSuchEntity", "cannot be found"),
        (lambda: simulate(PolicySourceArn=nobody.replace("role", "user"), ActionNames=["a:B"]), "InvalidInput", "policies of roles"),
        (lambda: simulate(PolicySourceArn=nobody, ActionNames=["a:B"], ResourcePolicy=given), "InvalidInput", "ResourcePolicy"),
        (lambda: iam.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["a:B"]), "InvalidInput", "is no policy"),
    ):  # fmt: skip
        told, message = code_of(call)
        assert (told, words in message) == (code, True), message
