"""What SNS, CloudWatch Logs and S3 refuse and moto takes, by plain boto3: nothing is kept that AWS would not have kept."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import code_of

ACCOUNT = "123456789012"


def test_a_message_without_words_is_refused(shared_cloud: CloudProcess, unique: str) -> None:
    sns = shared_cloud.client("sns")
    topic = sns.create_topic(Name=unique)["TopicArn"]

    assert code_of(lambda: sns.publish(TopicArn=topic, Message="")) == (
        "InvalidParameter",
        "Invalid parameter: Empty message",
    )
    assert sns.publish(TopicArn=topic, Message=" ")["MessageId"]


def test_lines_are_kept_for_days_that_there_are(shared_cloud: CloudProcess, unique: str) -> None:
    logs = shared_cloud.client("logs")
    logs.create_log_group(logGroupName=unique)
    code, message = code_of(lambda: logs.put_retention_policy(logGroupName=unique, retentionInDays=2))
    [group] = logs.describe_log_groups(logGroupNamePrefix=unique)["logGroups"]

    assert code == "InvalidParameterException"
    assert (
        "Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5"
        in message
    )
    assert "retentionInDays" not in group
    logs.put_retention_policy(logGroupName=unique, retentionInDays=3653)
    assert logs.describe_log_groups(logGroupNamePrefix=unique)["logGroups"][0]["retentionInDays"] == 3653


@pytest.mark.parametrize(
    ("kind", "member", "service"),
    [
        ("QueueConfigurations", "QueueArn", "sqs"),
        ("TopicConfigurations", "TopicArn", "sns"),
        ("LambdaFunctionConfigurations", "LambdaFunctionArn", "lambda"),
    ],
)
def test_a_bucket_tells_nobody_who_is_not_there(
    shared_cloud: CloudProcess, unique: str, kind: str, member: str, service: str
) -> None:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    name = f"function:{unique}" if service == "lambda" else unique

    def notify(account: str = ACCOUNT, **extra: Any) -> None:
        rule = {member: f"arn:aws:{service}:us-east-1:{account}:{name}", "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(Bucket=unique, NotificationConfiguration={kind: [rule]}, **extra)

    assert code_of(notify) == ("InvalidArgument", "Unable to validate the following destination configurations")
    assert kind not in s3.get_bucket_notification_configuration(Bucket=unique)
    notify(SkipDestinationValidation=True)
    assert kind in s3.get_bucket_notification_configuration(Bucket=unique)
    notify(account="210987654321")
