"""What the stand-in says of Lambda's types without a cloud: what is replaced, what is equal, what is refused, and why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.provider.asking import STANDIN, difference, refused

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
LAYER, PERMISSION = "aws:lambda/layerVersion:LayerVersion", "aws:lambda/permission:Permission"
MAPPING, GROUP = "aws:lambda/eventSourceMapping:EventSourceMapping", "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
REDRIVE = "aws:sqs/redrivePolicy:RedrivePolicy"
GIVEN = {"role": "r", "runtime": "python3.12", "handler": "app.answer", "s3Bucket": "b", "s3Key": "k"}
PERMITTED = {"action": "lambda:InvokeFunction", "function": "f", "principal": "sns.amazonaws.com"}
STEPS = "aws:sagemaker/pipeline:Pipeline"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.mark.parametrize(
    ("token", "key", "replaces"),
    [
        (FUNCTION, "name", True),
        *((FUNCTION, key, False) for key in ("handler", "role", "runtime", "s3Key", "sourceCodeHash", "publish")),
        (ALIAS, "functionVersion", False),
        (ALIAS, "functionName", True),
        (LAYER, "sourceCodeHash", True),
        (LAYER, "skipDestroy", False),
        (PERMISSION, "principal", True),
        (MAPPING, "functionName", False),
        (MAPPING, "eventSourceArn", True),
        (GROUP, "modelPackageGroupDescription", True),
        (STEPS, "pipelineDefinition", False),
        (STEPS, "roleArn", False),
        (STEPS, "pipelineName", True),
        (REDRIVE, "redrivePolicy", False),
        (REDRIVE, "queueUrl", True),
    ],
)
def test_replacements_are_those_of_pulumi_aws(token: str, key: str, replaces: bool) -> None:
    found = STANDIN.diff(token, {key: "one"}, {key: "two"})

    assert found.changed == (key,)
    assert (key in found.replaces) is replaces


@pytest.mark.parametrize(
    ("token", "given", "written"),
    [
        (FUNCTION, GIVEN, {"memorySize": 128, "timeout": 3, "packageType": "Zip", "architectures": ["x86_64"], "publish": False}),
        (FUNCTION, GIVEN, {"reservedConcurrentExecutions": -1, "description": "", "skipDestroy": False}),
        (MAPPING, {"functionName": "f", "eventSourceArn": QUEUE}, {"enabled": True}),
    ],
)  # fmt: skip
def test_what_means_the_same_is_no_change(token: str, given: dict[str, Any], written: dict[str, Any]) -> None:
    assert difference(token, given, {**given, **written}).changed == ()


@pytest.mark.parametrize(
    ("token", "inputs", "key", "reason"),
    [
        (FUNCTION, {**GIVEN, "runtime": "nodejs20.x"}, "runtime", "Python's runtimes, not nodejs20.x"),
        (FUNCTION, {**GIVEN, "handler": None}, "handler", "is required of a function that is a zip"),
        (FUNCTION, {**GIVEN, "code": {"path": "a.zip"}}, "code", "conflicts with s3Bucket"),
        (FUNCTION, {**GIVEN, "s3Key": None}, "s3Key", "is required with s3Bucket"),
        (FUNCTION, {**GIVEN, "timeout": 901}, "timeout", "1 to 900, not 901"),
        (FUNCTION, {**GIVEN, "memorySize": 64}, "memorySize", "128 to 10240, not 64"),
        (FUNCTION, {**GIVEN, "architectures": ["arm64"]}, "architectures", "this machine's processor"),
        (FUNCTION, {**GIVEN, "vpcConfig": {"subnetIds": [], "securityGroupIds": []}}, "vpcConfig", "have its network"),
        (FUNCTION, {**GIVEN, "packageType": "Image"}, "packageType", "zips, not images"),
        (LAYER, {"layerName": "l", "s3Bucket": "b", "s3Key": "k", "s3ObjectVersion": "v"}, "s3ObjectVersion", "newest version"),
        (PERMISSION, {**PERMITTED, "principalOrgId": "o-1"}, "principalOrgId", "no organizations"),
        (MAPPING, {"functionName": "f", "eventSourceArn": QUEUE.replace("sqs", "kinesis")}, "eventSourceArn", "queues alone"),
        (MAPPING, {"functionName": "f"}, "eventSourceArn", "is required"),
        (MAPPING, {"functionName": "f", "eventSourceArn": QUEUE, "filterCriteria": {}}, "filterCriteria", "every message"),
    ],
)  # fmt: skip
def test_what_the_local_cloud_would_not_do_is_refused_with_the_reason(
    token: str, inputs: dict[str, Any], key: str, reason: str
) -> None:
    assert reason in refused(token, inputs)[key]


def test_a_permissions_statement_has_a_name_of_its_own() -> None:
    checked, failures = STANDIN.check(PERMISSION, {**PERMITTED, "statementIdPrefix": "by-"}, {}, "logical", b"seed")

    assert failures == []
    assert checked["statementId"].startswith("by-")
