"""Targets as API calls, and the words in which AWS, or the local cloud, refuses them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.time.calls import api_call, check

ROLE = "arn:aws:iam::123456789012:role/r"
SDK = "arn:aws:scheduler:::aws-sdk:"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
JOB = {
    "TransformJobName": "j-<aws.scheduler.execution-id>",
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/out"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}


def target(arn: str, text: object = None, **more: Any) -> dict[str, Any]:
    given = {} if text is None else {"Input": text if isinstance(text, str) else json.dumps(text)}
    return {"Arn": arn, "RoleArn": ROLE, **given, **more}


@pytest.mark.parametrize(
    ("given", "service", "operation", "params"),
    [
        (target(f"{SDK}sagemaker:createTransformJob", JOB), "sagemaker", "CreateTransformJob", JOB),
        (target(f"{SDK}sqs:sendMessage", {"QueueUrl": "u", "MessageBody": "b"}), "sqs", "SendMessage", {"QueueUrl": "u", "MessageBody": "b"}),
        (
            target(f"{SDK}sfn:startExecution", {"StateMachineArn": "arn:x", "Input": "{}"}),
            "stepfunctions", "StartExecution", {"stateMachineArn": "arn:x", "input": "{}"},
        ),
        (
            target(f"{SDK}eks:updateNodegroupConfig", {"ClusterName": "c", "NodegroupName": "n", "ScalingConfig": {"DesiredSize": 0}}),
            "eks", "UpdateNodegroupConfig", {"clusterName": "c", "nodegroupName": "n", "scalingConfig": {"desiredSize": 0}},
        ),
        (target(f"{SDK}rds:startDBInstance", {"DBInstanceIdentifier": "d"}), "rds", "StartDBInstance", {"DBInstanceIdentifier": "d"}),
        (
            target(QUEUE, "hello"), "sqs", "SendMessage",
            {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "MessageBody": "hello"},
        ),
        (
            target("arn:aws:sns:eu-west-1:123456789012:t", "hello"), "sns", "Publish",
            {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "hello"},
        ),
    ],
)  # fmt: skip
def test_a_target_is_one_call(given: dict[str, Any], service: str, operation: str, params: dict[str, Any]) -> None:
    check(given)
    call = api_call(given, given["Input"])

    assert (call.service, call.operation, call.params) == (service, operation, params)


def test_an_event_bus_and_a_stream_have_parameters_of_their_own() -> None:
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    entry = api_call(target(bus, {"a": 1}, EventBridgeParameters={"Source": "s", "DetailType": "d"}), '{"a": 1}')
    assert entry.params["Entries"][0] == {
        "EventBusName": "default",
        "Source": "s",
        "DetailType": "d",
        "Detail": '{"a": 1}',
    }

    stream = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
    record = api_call(target(stream, KinesisParameters={"PartitionKey": "k"}), "x")
    assert record.params == {"StreamARN": stream, "Data": "x", "PartitionKey": "k"}


def test_a_fifo_queue_needs_a_group() -> None:
    assert api_call(target(QUEUE + ".fifo", SqsParameters={"MessageGroupId": "g"}), "x").params["MessageGroupId"] == "g"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (target("not supported yet"), "Provided Arn is not in correct format: "),
        (target("arn:aws:events:us-east-1:123:api-destination"), "Provided Arn is not in correct format: "),
        (target("arn:aws:backup:us-east-1:123456789012:vault:x"), "backup is not a supported service for a target."),
        (target(f"{SDK}nosuch:doThing", {}), "nosuch is not a supported service for a target."),
        (target(f"{SDK}sqs:doThing", {}), "doThing is not a supported action of sqs"),
        (target(f"{SDK}sqs:getQueueUrl", {"QueueName": "q"}), "getQueueUrl is not a supported action"),
        (target(f"{SDK}mq:listBrokers", {}), "listBrokers is not a supported action"),
        (target(f"{SDK}sqs:"), "Provided Arn is not in correct format"),
        (target(f"{SDK}sagemaker:createTransformJob", "{not json"), "Invalid RequestJson provided. Reason Input is not well-formed JSON"),
        (target(f"{SDK}sagemaker:createTransformJob", "[]"), "Input is not a JSON object"),
        (target(f"{SDK}sqs:sendMessage"), "Request payload is missing the following field(s): QueueUrl, MessageBody."),
        (target(f"{SDK}eks:updateNodegroupConfig", {"NodegroupName": "n"}), "missing the following field(s): ClusterName."),
        (target(f"{SDK}sqs:sendMessage", {"QueueUrl": "u", "MessageBody": "b", "Mood": 1}), 'Unknown parameter in input: "Mood"'),
        (target(f"{SDK}sqs:sendMessage", {"QueueUrl": "u", "MessageBody": 3}), "Invalid type for parameter MessageBody"),
        (target(f"{SDK}sqs:sendMessage", {"QueueUrl": "u", "MessageBody": "b"}, SqsParameters={}), "does not have SqsParameters"),
        (target(QUEUE, EcsParameters={}), "does not have EcsParameters"),
        (target(QUEUE + ".fifo"), "needs SqsParameters with a MessageGroupId"),
        (target("arn:aws:events:us-east-1:123456789012:event-bus/d"), "needs EventBridgeParameters"),
        (
            target("arn:aws:events:us-east-1:123456789012:event-bus/d", "text", EventBridgeParameters={"Source": "s", "DetailType": "d"}),
            "not well-formed JSON",
        ),
        (target("arn:aws:kinesis:us-east-1:123456789012:stream/s"), "needs KinesisParameters"),
    ],
)  # fmt: skip
def test_what_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as caught:
        check(given)

    assert (caught.value.code, words in caught.value.message) == ("ValidationException", True), caught.value.message


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("arn:aws:ecs:us-east-1:123456789012:cluster/c", "does not have the templated target ecs yet"),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:s", "does not have the templated target states yet"),
        ("arn:aws:sqs:us-east-1:999999999999:q", "does not have the account 999999999999"),
    ],
)
def test_what_the_local_cloud_lacks_is_named(arn: str, words: str) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        check(target(arn))

    assert (caught.value.code, caught.value.status) == ("NotImplemented", 501)
