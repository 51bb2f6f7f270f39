from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.provider.standin import TABLE
from tests.unit.provider.asking import STANDIN, complete, difference, refused

QUEUE, TOPIC, SUBSCRIPTION = "aws:sqs/queue:Queue", "aws:sns/topic:Topic", "aws:sns/topicSubscription:TopicSubscription"
QUEUE_POLICY, TOPIC_POLICY = "aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
AT = {"rule": "r", "arn": "arn:aws:sqs:us-east-1:123456789012:q"}
KEY, ALIAS, PARAMETER = "aws:kms/key:Key", "aws:kms/alias:Alias", "aws:ssm/parameter:Parameter"
SECRET, VERSION = "aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretVersion:SecretVersion"
SAID = {"type": "String", "value": "v"}
SUBSCRIBED = {"topic": "t", "protocol": "sqs", "endpoint": "q"}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a", "b"], "Resource": "*"}]}
SAME = {"Statement": {"Resource": ["*"], "Action": ["b", "a"], "Effect": "Allow"}, "Version": "2012-10-17"}


@pytest.mark.parametrize(
    ("token", "key", "replaces"),
    [
        (QUEUE, "visibilityTimeoutSeconds", False),
        (QUEUE, "redrivePolicy", False),
        (QUEUE, "fifoQueue", True),
        (QUEUE, "name", True),
        (QUEUE_POLICY, "policy", False),
        (QUEUE_POLICY, "queueUrl", True),
        (TOPIC, "displayName", False),
        (TOPIC, "fifoTopic", True),
        (TOPIC_POLICY, "policy", False),
        (TOPIC_POLICY, "arn", True),
        (SUBSCRIPTION, "filterPolicy", False),
        (SUBSCRIPTION, "endpoint", True),
        (SUBSCRIPTION, "protocol", True),
        (LOG_GROUP, "retentionInDays", False),
        (LOG_GROUP, "kmsKeyId", False),
        (LOG_GROUP, "name", True),
        (LOG_GROUP, "logGroupClass", True),
        (RULE, "eventPattern", False),
        (RULE, "description", False),
        (RULE, "name", True),
        (RULE, "eventBusName", True),
        (TARGET, "arn", False),
        (TARGET, "sqsTarget", False),
        (TARGET, "rule", True),
        (TARGET, "targetId", True),
        (KEY, "description", False),
        (KEY, "enableKeyRotation", False),
        (KEY, "keyUsage", True),
        (KEY, "customerMasterKeySpec", True),
        (KEY, "multiRegion", True),
        (ALIAS, "targetKeyId", False),
        (ALIAS, "name", True),
        (PARAMETER, "value", False),
        (PARAMETER, "type", False),
        (PARAMETER, "dataType", True),
        (PARAMETER, "name", True),
        (SECRET, "description", False),
        (SECRET, "recoveryWindowInDays", False),
        (SECRET, "name", True),
        (VERSION, "versionStages", False),
        (VERSION, "secretString", True),
        (VERSION, "secretId", True),
    ],
)
def test_replacements_are_those_of_pulumi_aws(token: str, key: str, replaces: bool) -> None:
    found = STANDIN.diff(token, {key: "one"}, {key: "two"})

    assert found.changed == (key,)
    assert (key in found.replaces) is replaces


@pytest.mark.parametrize(
    ("token", "given", "written"),
    [
        (QUEUE, {"policy": json.dumps(POLICY)}, {"policy": json.dumps(SAME), "delaySeconds": 0, "fifoQueue": False}),
        (TOPIC, {"policy": json.dumps(POLICY)}, {"policy": json.dumps(SAME), "displayName": ""}),
        (QUEUE_POLICY, {"queueUrl": "q", "policy": json.dumps(POLICY)}, {"policy": json.dumps(SAME)}),
        (TOPIC_POLICY, {"arn": "t", "policy": json.dumps(POLICY)}, {"policy": json.dumps(SAME)}),
        (SUBSCRIPTION, SUBSCRIBED, {"filterPolicyScope": "MessageAttributes", "rawMessageDelivery": False}),
        (LOG_GROUP, {}, {"retentionInDays": 0, "logGroupClass": "STANDARD", "skipDestroy": False}),
        (
            RULE,
            {"eventPattern": '{"source": ["a", "b"]}'},
            {"eventPattern": '{"source":["b","a"]}', "state": "ENABLED", "isEnabled": True, "eventBusName": "default"},
        ),
        (TARGET, AT, {"eventBusName": "default", "forceDestroy": False}),
        (
            KEY,
            {"policy": json.dumps(POLICY)},
            {"policy": json.dumps(SAME), "isEnabled": True, "enableKeyRotation": False, "deletionWindowInDays": 30},
        ),
        (PARAMETER, SAID, {"tier": "Standard", "dataType": "text", "description": ""}),
        (SECRET, {"policy": json.dumps(POLICY)}, {"policy": json.dumps(SAME), "recoveryWindowInDays": 30}),
        (
            VERSION,
            {"secretId": "s", "secretString": "v", "versionStages": ["a", "b"]},
            {"versionStages": ["b", "a"]},
        ),
    ],
)
def test_what_means_the_same_is_no_change(token: str, given: dict[str, Any], written: dict[str, Any]) -> None:
    assert difference(token, given, {**given, **written}).changed == ()


@pytest.mark.parametrize(
    ("token", "inputs", "key", "reason"),
    [
        (QUEUE, {"redriveAllowPolicy": "{}"}, "redriveAllowPolicy", "any queue"),
        (QUEUE, {"deduplicationScope": "messageGroup"}, "deduplicationScope", "whole queue"),
        (TOPIC, {"tracingConfig": "Active"}, "tracingConfig", "no traces"),
        (TOPIC, {"httpFailureFeedbackRoleArn": "r"}, "httpFailureFeedbackRoleArn", "not implemented"),
        (SUBSCRIPTION, {**SUBSCRIBED, "redrivePolicy": "{}"}, "redrivePolicy", "could not deliver"),
        (SUBSCRIPTION, {**SUBSCRIBED, "protocol": "firehose"}, "protocol", "none that the local cloud sends by"),
        (LOG_GROUP, {"logGroupClass": "DELIVERY"}, "logGroupClass", "STANDARD alone"),
        (RULE, {"description": "d"}, "eventPattern", "is required where there is no scheduleExpression"),
        (RULE, {"eventPattern": "{"}, "eventPattern", "is not JSON"),
        (
            RULE,
            {"eventPattern": "{}", "state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"},
            "state",
            "no calls of CloudTrail",
        ),
        (KEY, {"rotationPeriodInDays": 90}, "rotationPeriodInDays", "no period"),
        (KEY, {"deletionWindowInDays": 3}, "deletionWindowInDays", "7 to 30"),
        (KEY, {"customerMasterKeySpec": "RSA_2048", "enableKeyRotation": True}, "enableKeyRotation", "alone"),
        (PARAMETER, {"type": "String"}, "value", "is required"),
        (PARAMETER, {**SAID, "insecureValue": "v"}, "insecureValue", "conflicts"),
        (PARAMETER, {"type": "SecureString", "insecureValue": "v"}, "insecureValue", "not for a SecureString"),
        (PARAMETER, {**SAID, "keyId": "k"}, "keyId", "SecureString alone"),
        (PARAMETER, {**SAID, "tier": "Advanced"}, "tier", "Standard alone"),
        (SECRET, {"recoveryWindowInDays": 3}, "recoveryWindowInDays", "0 or 7 to 30"),
        (SECRET, {"replicas": [{"region": "us-west-2"}]}, "replicas", "not implemented"),
        (VERSION, {"secretId": "s"}, "secretString", "is required"),
        (VERSION, {"secretId": "s", "secretString": "a", "secretBinary": "Yg=="}, "secretBinary", "conflicts"),
        (
            VERSION,
            {"secretId": "s", "secretString": "a", "secretStringWo": "b"},
            "secretStringWo",
            "apart from its state",
        ),
        (TARGET, {**AT, "arn": "arn:aws:kinesis:us-east-1:123456789012:stream/s"}, "arn", "no events to kinesis"),
        (TARGET, {**AT, "sqsTarget": {"group": "g"}}, "sqsTarget.group", "not implemented"),
    ],
)
def test_what_the_local_cloud_would_not_do_is_refused_by_name(
    token: str, inputs: dict[str, Any], key: str, reason: str
) -> None:
    assert reason in refused(token, inputs)[key]


@pytest.mark.parametrize(("token", "key"), [(QUEUE, "fifoQueue"), (TOPIC, "fifoTopic")])
def test_a_named_one_that_is_replaced_goes_first(token: str, key: str) -> None:
    assert difference(token, {"name": "n.fifo"}, {"name": "n.fifo", key: True}).delete_first
    assert not STANDIN.diff(token, complete(token, {}), complete(token, {key: True})).delete_first


@pytest.mark.parametrize(
    ("token", "key", "rest"),
    [
        (QUEUE, "policy", {}),
        (QUEUE, "redrivePolicy", {}),
        (TOPIC, "policy", {}),
        (KEY, "policy", {}),
        (SECRET, "policy", {}),
        (VERSION, "versionStages", {"secretId": "s", "secretString": "v"}),
    ],
)
def test_what_pulumi_aws_takes_for_computed_may_go_from_a_program_without_a_change(
    token: str, key: str, rest: dict[str, Any]
) -> None:
    said = ["blue"] if key == "versionStages" else json.dumps(POLICY)

    assert difference(token, {**rest, key: said}, rest).changed == ()
    assert difference(token, rest, {**rest, key: said}).changed == (key,)


@pytest.mark.parametrize("token", [QUEUE_POLICY, TOPIC_POLICY])
def test_an_imported_policy_is_written_as_the_text_that_it_is(token: str) -> None:
    assert STANDIN.schema()["resources"][token]["inputProperties"]["policy"] == {"type": "string"}


def test_the_documentation_says_how_many_types_there_are() -> None:
    page = Path(__file__).parents[3] / "docs" / "12-resource-types.md"

    assert f"The table has {len(TABLE)} types" in page.read_text()
