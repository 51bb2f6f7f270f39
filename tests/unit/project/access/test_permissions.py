"""The least policies for calls: general as a stack's names are, enough for each call, and without a statement that none needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.enforcement.ledger import Call
from fogbank.project.access.permissions import general, least, principal, refused, removals, unused

ROLE = "arn:aws:iam::123456789012:role/churn-role-1a2b3c4"
BUCKET = "arn:aws:s3:::churn-bucket-1a2b3c4"
SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012:"


def call(action: str, resource: str | None, passed_to: str = "", prefix: str = "") -> Call:
    return Call(principal="p", action=action, resource=resource, passed_to=passed_to, prefix=prefix)


CALLS = [
    call("s3:GetObject", f"{BUCKET}/models/{'ab' * 32}/model.tar.gz"),
    call("s3:PutObject", f"{BUCKET}/batch/out/a.csv.out"),
    call("s3:ListBucket", BUCKET, prefix="capture/churn-live/AllTraffic/2026/01/02/03/"),
    call("sagemaker:CreateModel", f"{SAGEMAKER}model/churn-1a2b3c4"),
    call("iam:PassRole", ROLE, "sagemaker.amazonaws.com"),
    call("cloudwatch:PutMetricData", None),
    call("sts:GetCallerIdentity", None),
]


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (f"{BUCKET}/capture/churn-live/AllTraffic/2026/01/02/03/a.jsonl", "arn:aws:s3:::churn-bucket-*/capture/churn-live/*"),
        (f"{BUCKET}/monitor/baseline/{'0' * 64}/constraints.json", "arn:aws:s3:::churn-bucket-*/monitor/baseline/*"),
        (f"{BUCKET}/top.csv", "arn:aws:s3:::churn-bucket-*/*"),
        (BUCKET, "arn:aws:s3:::churn-bucket-*"),
        (f"{SAGEMAKER}transform-job/churn-nightly-8249b6ad-c82a-5404-bd7c-b838b0ae0fb6", f"{SAGEMAKER}transform-job/churn-nightly-*"),
        (f"{SAGEMAKER}endpoint/churn-live", f"{SAGEMAKER}endpoint/churn-live"),
        (f"{SAGEMAKER}endpoint/defaced", f"{SAGEMAKER}endpoint/*"),
        ("arn:aws:logs:us-east-1:123456789012:log-group:/aws/x:log-stream:1a2b3c4", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/x:log-stream:*"),
    ],
)  # fmt: skip
def test_what_is_made_up_in_a_name_is_a_star(resource: str, said: str) -> None:
    """A word of seven letters from a to f is taken for Pulumi's: wider than it need be, and never too narrow."""
    assert general(resource) == said


def test_the_least_policy_allows_each_call_also_of_another_deployment_and_nothing_besides() -> None:
    policy = least(CALLS)
    again = [replace(each, resource=each.resource and each.resource.replace("1a2b3c4", "7654321")) for each in CALLS]
    others = [
        call("s3:PutObject", f"{BUCKET}/models/x"),
        call("s3:GetObject", "arn:aws:s3:::other/models/x"),
        call("s3:ListBucket", BUCKET),
        call("s3:ListBucket", BUCKET, prefix="capture/other/"),
        call("sagemaker:DeleteModel", f"{SAGEMAKER}model/churn-1a2b3c4"),
        call("iam:PassRole", ROLE, "lambda.amazonaws.com"),
    ]

    assert refused(policy, [*CALLS, *again]) == []
    assert refused(policy, others) == others
    assert "sts:GetCallerIdentity" not in str(policy), "nobody needs a permission for it"


def test_each_statement_is_needed_and_one_that_is_not_is_told() -> None:
    policy = least(CALLS)
    assert [proof.refused for proof in removals(policy, CALLS)] == [1] * len(policy["Statement"])

    wide: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    proofs = removals({**policy, "Statement": [*policy["Statement"], wide]}, CALLS)
    assert [proof.statement for proof in proofs if proof.refused] == [
        item for item in policy["Statement"] if not item["Action"][0].startswith("s3:")
    ]


def test_what_no_call_exercised_is_told_by_action_and_resource() -> None:
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"{BUCKET}/models/*", f"{BUCKET}/batch/*"]},
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"{BUCKET}/models/*"},
            {"Effect": "Allow", "Action": "s3:List*", "Resource": "*"},
        ]
    }  # fmt: skip

    assert unused(policy, CALLS) == [
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [f"{BUCKET}/models/*"]},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{BUCKET}/batch/*"]},
        {"Effect": "Deny", "Action": ["s3:PutObject"], "Resource": [f"{BUCKET}/models/*"]},
    ]
    assert principal("churn-role-1a2b3c4") == "churn-role-*"


def test_a_statement_of_all_but_some_is_told_as_a_whole_and_needs_no_list() -> None:
    spare: dict[str, Any] = {"Effect": "Allow", "NotAction": ["s3:*", "sagemaker:*", "iam:*", "cloudwatch:*"], "Resource": "*"}  # fmt: skip
    taken: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::another/*"}

    assert unused({"Statement": spare}, CALLS[:-1]) == [spare]
    assert unused({"Statement": taken}, CALLS) == []
    assert [proof.refused for proof in removals({"Statement": taken}, CALLS[:1])] == [1]
