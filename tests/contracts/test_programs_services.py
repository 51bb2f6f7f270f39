"""A program of what stands around models, by the real engine: nothing changes when nothing changed, and nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess, deploy_with_engine
from tests.stacks import team_stack

PROGRAM = """
import json
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
name, days = config.require("name"), config.get_int("days") or 7
SAID = {"path": "$.detail.path"}


def allow(action, arn, service):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": arn}]})


key = aws.kms.Key("data", deletion_window_in_days=7, enable_key_rotation=True)
alias = aws.kms.Alias("data-alias", target_key_id=key.key_id)
dead = aws.sqs.Queue("dead", name=f"{name}-dead", message_retention_seconds=days * 86400)
jobs = aws.sqs.Queue("jobs", kms_master_key_id=key.key_id, redrive_policy=dead.arn.apply(
    lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 4})))
aws.sqs.QueuePolicy("jobs-policy", queue_url=jobs.id,
                    policy=jobs.arn.apply(lambda arn: allow("sqs:SendMessage", arn, "events.amazonaws.com")))
news = aws.sns.Topic("news", display_name="News", tags={"own": "1"})
aws.sns.TopicPolicy("news-policy", arn=news.arn,
                    policy=news.arn.apply(lambda arn: allow("sns:Publish", arn, "cloudwatch.amazonaws.com")))
aws.sns.TopicSubscription("to-jobs", topic=news.arn, protocol="sqs", endpoint=jobs.arn, raw_message_delivery=True)
aws.sns.TopicSubscription("mail", topic=news.arn, protocol="email", endpoint="ml@example.com")
rule = aws.cloudwatch.EventRule("came", event_pattern=json.dumps({"source": ["fraud"]}))
aws.cloudwatch.EventTarget("came-jobs", rule=rule.name, arn=jobs.arn,
                           input_transformer={"input_paths": SAID, "input_template": '"<path>"'})
logs = aws.cloudwatch.LogGroup("logs", name=f"/{name}/logs", retention_in_days=days)
aws.ssm.Parameter("threshold", name=f"/{name}/threshold", type="String", value=str(days / 10))
token = aws.secretsmanager.Secret("token", name=name, recovery_window_in_days=0)
version = aws.secretsmanager.SecretVersion("token-value", secret_id=token.id, secret_string=f"hidden-{days}")
pulumi.export("queue", jobs.url)
pulumi.export("topic", news.tags_all)
pulumi.export("alias", alias.name)
pulumi.export("key", alias.target_key_arn)
pulumi.export("version", version.version_id)
"""


def test_queues_topics_rules_logs_keys_and_secrets_live_and_go(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text(team_stack(shared_cloud.url, name=unique))
    (folder / "__main__.py").write_text(PROGRAM)
    deployed = deploy_with_engine(folder, shared_cloud, tmp_path / "state")
    driver, outputs = deployed.driver, deployed.outputs
    assert driver is not None
    assert outputs["topic"] == {"own": "1", "team": "fraud"}
    assert outputs["alias"].startswith("alias/data-alias-")

    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False

    entry = {"Source": "fraud", "DetailType": "d", "Detail": '{"path": "s3://b/new.csv"}'}
    shared_cloud.client("events").put_events(Entries=[entry])
    received = shared_cloud.client("sqs").receive_message(QueueUrl=outputs["queue"])
    assert [message["Body"] for message in received["Messages"]] == ['"s3://b/new.csv"']

    driver.set_config({"p:days": "14"})
    summary = driver.up(lambda _: None)
    assert (summary.changes["update"], summary.changes["replace"]) == (3, 1)
    secrets = shared_cloud.client("secretsmanager")
    assert secrets.get_secret_value(SecretId=unique)["SecretString"] == "hidden-14"
    assert driver.refresh(lambda _: None).changed is False

    kept = (tmp_path / "state/.pulumi/stacks/p/local.json").read_text()
    assert ("token-value" in kept, "hidden-" in kept) == (True, False), "a secret's value is in the state as a secret"

    driver.destroy(lambda _: None)
    assert shared_cloud.client("kms").describe_key(KeyId=outputs["key"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    with pytest.raises(ClientError, match="NonExistentQueue"):
        shared_cloud.client("sqs").get_queue_attributes(QueueUrl=outputs["queue"])
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secrets.describe_secret(SecretId=unique)
