"""Policies of roles: what is needed, on the prefixes that it is needed on, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.enforcement.policy import Asked, verdict
from fogbank.components import batch, scheduled_monitor
from fogbank.components.endpoint import watching
from fogbank.components.execution import DEPLOYED, IN_A_VPC, data_policy, execution_policy, keys_policy, shadow_policy

ACCOUNT = "210987654321"
BUCKET = "arn:aws:s3:::b"
IMAGE = "109876543210.dkr.ecr.eu-west-1.amazonaws.com/team/churn@sha256:ab"
REPOSITORY = "arn:aws:ecr:eu-west-1:109876543210:repository/team/churn"
LOGS = f"arn:aws:logs:*:{ACCOUNT}:log-group:/aws/sagemaker/*"


def grants(policy: str) -> set[tuple[str, str]]:
    """Every (action, resource) that a policy allows; it must say nothing else, and list by prefixes alone."""
    document = json.loads(policy)
    assert set(document) == {"Version", "Statement"}
    allowed = set()
    for statement in document["Statement"]:
        condition = {"Condition"} if statement["Action"] == "s3:ListBucket" else set()
        assert set(statement) == {"Effect", "Action", "Resource"} | condition
        assert statement["Effect"] == "Allow"
        allowed |= {
            (action, place) for action in listed(statement["Action"]) for place in listed(statement["Resource"])
        }
    return allowed


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def execution(**given: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(execution_policy(BUCKET, "aws", ACCOUNT, **{"images": [IMAGE], **given}))
    return document


def test_an_execution_role_has_its_prefixes_and_its_repository() -> None:
    said = execution()
    [denied] = [item for item in said["Statement"] if item["Effect"] == "Deny"]
    said["Statement"].remove(denied)

    assert denied["Action"] == ["s3:PutObject", "s3:AbortMultipartUpload"]
    assert denied["Resource"] == [f"{BUCKET}/{prefix}*" for prefix in DEPLOYED]
    assert grants(json.dumps(said)) == {
        *(("s3:GetObject", f"{BUCKET}/{prefix}/*") for prefix in ("models", "capture", "monitor")),
        *((action, f"{BUCKET}/{prefix}/*") for action in denied["Action"] for prefix in ("capture", "monitor/results")),
        ("s3:ListBucket", BUCKET),
        ("s3:GetBucketLocation", BUCKET),
        *((f"logs:{action}", LOGS) for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogStreams")),
        ("cloudwatch:PutMetricData", "*"),
        ("ecr:GetAuthorizationToken", "*"),
        *((f"ecr:{action}", REPOSITORY) for action in ("BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "prefixes"),
    [
        (execution_policy(BUCKET, "aws", ACCOUNT, []), ["capture", "capture/*", "models", "models/*", "monitor", "monitor/*"]),
        (data_policy(BUCKET, "aws", ["batch/in/"], ["out/"]), ["batch/in", "batch/in/*"]),
    ],
)  # fmt: skip
def test_keys_are_listed_by_the_prefixes_that_are_read(document: str, prefixes: list[str]) -> None:
    [listing] = [item for item in json.loads(document)["Statement"] if item["Action"] == "s3:ListBucket"]

    assert listing["Condition"] == {"StringLike": {"s3:prefix": prefixes}}
    for prefix, said in (("batch/in", "allow"), ("", "silent"), ("private/", "silent")):
        asked = Asked(action="s3:ListBucket", resource=BUCKET, context={"s3:prefix": [prefix]})
        assert verdict([data_policy(BUCKET, "aws", ["batch/in/"])], asked) == said


def test_a_pipeline_pulls_from_each_of_its_repositories() -> None:
    other = IMAGE.replace("churn", "words")
    allowed = {place for action, place in pulled(execution(images=[IMAGE, other, IMAGE]))}

    assert allowed == {REPOSITORY, REPOSITORY.replace("churn", "words")}


def pulled(document: dict[str, Any]) -> set[tuple[str, str]]:
    allowing = [item for item in document["Statement"] if item["Effect"] == "Allow"]
    return {each for each in grants(json.dumps({**document, "Statement": allowing})) if each[0] == "ecr:BatchGetImage"}


@pytest.mark.parametrize("image", ["local/churn", "oci:/home/me/image@sha256:ab", "ghcr.io/team/churn:1"])
def test_an_image_that_is_not_in_ecr_asks_nothing_of_it(image: str) -> None:
    assert "ecr:" not in json.dumps(execution(images=[image]))


def test_a_vpc_and_a_key_ask_for_theirs() -> None:
    """Developer Guide, "Give SageMaker Hosted Endpoints Access to Resources in Your Amazon VPC": network interfaces have no resource."""
    said = execution(kms_key="arn:key", in_a_vpc=True)["Statement"]

    assert {"Effect": "Allow", "Action": [*IN_A_VPC], "Resource": "*"} in said
    assert {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "arn:key"} in said
    assert len(IN_A_VPC) == len({*IN_A_VPC}) == 9


def test_a_job_has_its_own_prefixes_besides() -> None:
    said = grants(data_policy(BUCKET, "aws", ["batch/in/", "batch/in-once/"], ["out/"], IMAGE))

    assert {resource for action, resource in said if action == "s3:GetObject"} == {
        f"{BUCKET}/batch/in/*",
        f"{BUCKET}/batch/in-once/*",
    }
    assert {resource for action, resource in said if action == "s3:PutObject"} == {f"{BUCKET}/out/*"}
    assert ("ecr:BatchGetImage", REPOSITORY) in said
    read = grants(data_policy(BUCKET, "aws", ["truth/"]))
    assert read == {("s3:GetObject", f"{BUCKET}/truth/*"), ("s3:ListBucket", BUCKET)}


def test_keys_are_known_by_their_arn_their_id_or_an_alias() -> None:
    arn, key = "arn:aws:kms:eu-west-1:1:key/2b", "1a"
    by_id, by_alias, by_arn = json.loads(keys_policy("aws", ACCOUNT, arn, "alias/records", key, key))["Statement"]

    assert by_id["Resource"] == f"arn:aws:kms:*:{ACCOUNT}:key/{key}"
    assert (by_arn["Resource"], "Condition" in by_arn) == (arn, False)
    assert by_alias["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/records"}}
    [full] = json.loads(keys_policy("aws", ACCOUNT, f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/records"))["Statement"]
    assert full["Condition"] == by_alias["Condition"]
    assert full["Resource"] == f"arn:aws:kms:*:{ACCOUNT}:key/*"


def test_explaining_describes_its_model_by_the_name_that_arns_have() -> None:
    places = {
        resource
        for action, resource in grants(shadow_policy("aws", ACCOUNT, "Churn-1a"))
        if action == "sagemaker:DescribeModel"
    }

    assert places == {f"arn:aws:sagemaker:*:{ACCOUNT}:model/churn-1a"}


def test_a_schedule_may_start_its_own_jobs_alone() -> None:
    assert grants(batch.start_policy("aws", ACCOUNT, prefix="Churn-nightly-")) == {
        ("sagemaker:CreateTransformJob", f"arn:aws:sagemaker:*:{ACCOUNT}:transform-job/churn-nightly-*"),
        ("sagemaker:AddTags", f"arn:aws:sagemaker:*:{ACCOUNT}:transform-job/churn-nightly-*"),
    }
    assert ("sqs:SendMessage", "arn:q") in grants(batch.start_policy("aws", ACCOUNT, "arn:q", prefix="n-"))


def test_a_monitors_schedule_may_start_its_own_jobs_under_one_role() -> None:
    role = "arn:aws-cn:iam::1:role/r"
    jobs, passing = json.loads(scheduled_monitor.start_policy("aws-cn", "1", role, prefix="churn-quality-"))[
        "Statement"
    ]

    assert jobs["Resource"] == "arn:aws-cn:sagemaker:*:1:processing-job/churn-quality-*"
    assert jobs["Action"] == ["sagemaker:CreateProcessingJob", "sagemaker:AddTags"]
    assert (passing["Action"], passing["Resource"]) == ("iam:PassRole", role)
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_a_deployments_alarms_are_described_and_no_other() -> None:
    said = watching("aws-cn", ACCOUNT, "live-v-errors", "own")

    places = {f"arn:aws-cn:cloudwatch:*:{ACCOUNT}:alarm:{name}" for name in ("live-v-errors", "own")}
    assert grants(said) == {("cloudwatch:DescribeAlarms", place) for place in places}
