"""Lives of the stand-in's resource types, by AWS service, each with what it refers to in place."""

from __future__ import annotations

import json
from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider.standin import StandIn
from tests.lives import Life


def allow(action: str, resource: str = "*") -> str:
    """A resource's policy."""
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def made(standin: StandIn, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The state of a resource that another one refers to."""
    return standin.create(token, standin.check(token, inputs, {}, "logical", b"seed")[0])[1]


def messages(standin: StandIn, unique: str) -> list[Life]:
    """SQS and SNS."""
    queue = made(standin, "aws:sqs/queue:Queue", {"name": f"{unique}-q"})
    topic = made(standin, "aws:sns/topic:Topic", {"name": f"{unique}-t"})
    dead = json.dumps({"deadLetterTargetArn": queue["arn"], "maxReceiveCount": 3})
    wider = {"policy": allow("sqs:*"), "redrivePolicy": None, "visibilityTimeoutSeconds": None, "tags": {"b": "2"}}
    subscribed = {"topic": topic["arn"], "protocol": "sqs", "endpoint": queue["arn"]}
    red = json.dumps({"kind": ["red"]})
    return [
        Life(
            "aws:sqs/queue:Queue",
            {
                "name": unique,
                "visibilityTimeoutSeconds": 60,
                "redrivePolicy": dead,
                "tags": {"a": "1"},
                "policy": allow("sqs:SendMessage"),
            },
            wider,
        ),
        Life(
            "aws:sqs/queuePolicy:QueuePolicy",
            {"queueUrl": queue["url"], "policy": allow("sqs:SendMessage")},
            {"policy": allow("sqs:*")},
        ),
        Life(
            "aws:sqs/redrivePolicy:RedrivePolicy",
            {"queueUrl": queue["url"], "redrivePolicy": dead},
            {"redrivePolicy": dead.replace('Count": 3', 'Count": 5')},
            by_hand=("sqs", "set_queue_attributes", {"QueueUrl": "{id}", "Attributes": {"RedrivePolicy": ""}}),
        ),
        Life(
            "aws:sns/topic:Topic",
            {"name": unique, "displayName": "One", "tags": {"a": "1"}},
            {"displayName": "Two", "tags": {"b": "2"}},
        ),
        Life(
            "aws:sns/topicPolicy:TopicPolicy",
            {"arn": topic["arn"], "policy": allow("sns:Publish")},
            {"policy": allow("sns:Subscribe")},
        ),
        Life(
            "aws:sns/topicSubscription:TopicSubscription",
            {**subscribed, "filterPolicy": red, "rawMessageDelivery": True},
            {"filterPolicy": None, "rawMessageDelivery": False},
        ),
    ]


def watching(standin: StandIn, unique: str) -> list[Life]:
    """CloudWatch Logs and EventBridge."""
    queue = made(standin, "aws:sqs/queue:Queue", {"name": f"{unique}-w"})
    rule = f"{unique}-w"
    pattern = {"source": ["unit"], "detail-type": ["a", "b"]}
    made(standin, "aws:cloudwatch/eventRule:EventRule", {"name": rule, "eventPattern": json.dumps(pattern)})
    told = {"inputPaths": {"who": "$.detail.who"}, "inputTemplate": '"<who>"'}
    return [
        Life(
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": f"/{unique}/g", "retentionInDays": 7, "tags": {"a": "1"}},
            {"retentionInDays": None, "tags": {"b": "2"}},
        ),
        Life(
            "aws:cloudwatch/eventRule:EventRule",
            {"name": unique, "eventPattern": json.dumps(pattern), "description": "One", "tags": {"a": "1"}},
            {
                "eventPattern": json.dumps({"source": ["other"]}),
                "state": "DISABLED",
                "description": None,
                "tags": {"b": "2"},
            },
        ),
        Life(
            "aws:cloudwatch/eventTarget:EventTarget",
            {"rule": rule, "targetId": "t", "arn": queue["arn"], "inputTransformer": told},
            {
                "inputTransformer": None,
                "inputPath": "$.detail",
                "deadLetterConfig": {"arn": queue["arn"]},
                "retryPolicy": {"maximumRetryAttempts": 2, "maximumEventAgeInSeconds": 60},
            },
            f"{rule}/t",
        ),
        Life(
            "aws:cloudwatch/eventBus:EventBus",
            {"name": unique, "tags": {"a": "1"}},
            {"tags": {"b": "2"}},
            by_hand=("events", "delete_event_bus", {"Name": "{id}"}),
        ),
        _machine(unique),
    ]


def _machine(unique: str) -> Life:
    """A state machine."""
    role = f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{unique}"
    one, two = (json.dumps({"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}) for name in ("A", "B"))
    return Life(
        "aws:sfn/stateMachine:StateMachine",
        {"name": unique, "definition": one, "roleArn": role, "tags": {"a": "1"}},
        {"definition": two, "tags": {"b": "2"}},
        same={"type": "STANDARD"},
        by_hand=("stepfunctions", "update_state_machine", {"stateMachineArn": "{id}", "definition": one}),
    )


def keeping(standin: StandIn, unique: str) -> list[Life]:
    """KMS, Systems Manager and Secrets Manager."""
    keys = [made(standin, "aws:kms/key:Key", {"description": name}) for name in ("one", "two")]
    secret = made(standin, "aws:secretsmanager/secret:Secret", {"name": f"{unique}-s"})
    made(standin, "aws:secretsmanager/secretVersion:SecretVersion", {"secretId": secret["arn"], "secretString": "old"})
    return [
        Life(
            "aws:kms/key:Key",
            {"description": "One", "enableKeyRotation": True, "policy": allow("kms:*"), "tags": {"a": "1"}},
            {"description": None, "enableKeyRotation": None, "isEnabled": False, "tags": {"b": "2"}},
        ),
        Life(
            "aws:kms/alias:Alias",
            {"name": f"alias/{unique}", "targetKeyId": keys[0]["keyId"]},
            {"targetKeyId": keys[1]["arn"]},
        ),
        Life(
            "aws:ssm/parameter:Parameter",
            {"name": f"/{unique}/p", "type": "SecureString", "value": "one", "description": "One", "tags": {"a": "1"}},
            {"value": "two", "description": None, "tags": {"b": "2"}},
        ),
        Life(
            "aws:secretsmanager/secret:Secret",
            {
                "name": unique,
                "description": "One",
                "policy": allow("secretsmanager:GetSecretValue"),
                "tags": {"a": "1"},
            },
            {"description": "Two", "policy": "{}", "tags": {"b": "2"}},
        ),
        Life(
            "aws:secretsmanager/secretVersion:SecretVersion",
            {"secretId": secret["arn"], "secretString": "blue", "versionStages": ["blue"]},
            {"versionStages": ["green", "azure"]},
        ),
    ]
