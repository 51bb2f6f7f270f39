"""What a declared resource is for, and what is done to it by hand: against a real cloud, type by type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fogbank.ground.aws import LocalClients
from fogbank.provider.resource import ProvisionError
from fogbank.provider.settings import Settings
from fogbank.provider.standin import StandIn
from fogbank.testing import CloudProcess
from tests.lives import Life
from tests.lives_services import allow, keeping, made, messages, watching

QUEUE, TOPIC, SUBSCRIPTION = "aws:sqs/queue:Queue", "aws:sns/topic:Topic", "aws:sns/topicSubscription:TopicSubscription"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
KEY, PARAMETER = "aws:kms/key:Key", "aws:ssm/parameter:Parameter"
SECRET, VERSION = "aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretVersion:SecretVersion"
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def standin(shared_cloud: CloudProcess) -> StandIn:
    return StandIn(clients=LocalClients(shared_cloud.url))


@pytest.fixture
def lives(standin: StandIn, unique: str) -> dict[str, Life]:
    return {
        life.token: life for life in (*messages(standin, unique), *watching(standin, unique), *keeping(standin, unique))
    }


def queue_by_hand(client: Client, state: dict[str, Any]) -> None:
    attributes = {"VisibilityTimeout": "90", "Policy": allow("sqs:SendMessage"), "DelaySeconds": "5"}
    client("sqs").set_queue_attributes(QueueUrl=state["url"], Attributes=attributes)
    client("sqs").tag_queue(QueueUrl=state["url"], Tags={"a": "hand"})


def queue_policy_by_hand(client: Client, state: dict[str, Any]) -> None:
    client("sqs").set_queue_attributes(QueueUrl=state["queueUrl"], Attributes={"Policy": allow("sqs:*")})


def topic_by_hand(client: Client, state: dict[str, Any]) -> None:
    client("sns").set_topic_attributes(TopicArn=state["arn"], AttributeName="DisplayName", AttributeValue="Hand")
    client("sns").untag_resource(ResourceArn=state["arn"], TagKeys=["a"])


def topic_policy_by_hand(client: Client, state: dict[str, Any]) -> None:
    client("sns").set_topic_attributes(TopicArn=state["arn"], AttributeName="Policy", AttributeValue=allow("sns:*"))


def subscription_by_hand(client: Client, state: dict[str, Any]) -> None:
    sns, arn = client("sns"), state["arn"]
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"kind": ["blue"]}'
    )


def log_group_by_hand(client: Client, state: dict[str, Any]) -> None:
    client("logs").put_retention_policy(logGroupName=state["name"], retentionInDays=30)
    client("logs").tag_resource(resourceArn=state["arn"], tags={"a": "hand"})


def rule_by_hand(client: Client, state: dict[str, Any]) -> None:
    pattern = json.dumps({"source": ["hand"]})
    client("events").put_rule(Name=state["name"], EventPattern=pattern, Description="One", State="DISABLED")


def target_by_hand(client: Client, state: dict[str, Any]) -> None:
    target = {"Id": state["targetId"], "Arn": state["arn"].replace("-w", "-hand")}
    client("events").put_targets(Rule=state["rule"], Targets=[target])


def key_by_hand(client: Client, state: dict[str, Any]) -> None:
    kms, key = client("kms"), state["keyId"]
    kms.disable_key_rotation(KeyId=key)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=allow("kms:Decrypt"))
    kms.disable_key(KeyId=key)


def alias_by_hand(client: Client, state: dict[str, Any]) -> None:
    other = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").update_alias(AliasName=state["name"], TargetKeyId=other)


def parameter_by_hand(client: Client, state: dict[str, Any]) -> None:
    client("ssm").put_parameter(Name=state["name"], Value="hand", Type="SecureString", Overwrite=True)
    tags = [{"Key": "a", "Value": "hand"}]
    client("ssm").add_tags_to_resource(ResourceType="Parameter", ResourceId=state["name"], Tags=tags)


def secret_by_hand(client: Client, state: dict[str, Any]) -> None:
    client("secretsmanager").update_secret(SecretId=state["arn"], Description="Hand")
    client("secretsmanager").delete_resource_policy(SecretId=state["arn"])


def version_by_hand(client: Client, state: dict[str, Any]) -> None:
    names = {"SecretId": state["secretId"], "MoveToVersionId": state["versionId"]}
    client("secretsmanager").update_secret_version_stage(**names, VersionStage="hand")


BY_HAND: dict[str, tuple[Callable[[Client, dict[str, Any]], None], tuple[str, ...]]] = {
    QUEUE: (queue_by_hand, ("delaySeconds", "tags", "visibilityTimeoutSeconds")),
    "aws:sqs/queuePolicy:QueuePolicy": (queue_policy_by_hand, ("policy",)),
    TOPIC: (topic_by_hand, ("displayName", "tags")),
    "aws:sns/topicPolicy:TopicPolicy": (topic_policy_by_hand, ("policy",)),
    SUBSCRIPTION: (subscription_by_hand, ("filterPolicy",)),
    LOG_GROUP: (log_group_by_hand, ("retentionInDays", "tags")),
    RULE: (rule_by_hand, ("eventPattern", "state")),
    TARGET: (target_by_hand, ("arn", "inputTransformer")),
    KEY: (key_by_hand, ("enableKeyRotation", "isEnabled", "policy")),
    "aws:kms/alias:Alias": (alias_by_hand, ("targetKeyId",)),
    PARAMETER: (parameter_by_hand, ("tags", "value")),
    SECRET: (secret_by_hand, ("description", "policy")),
    VERSION: (version_by_hand, ("versionStages",)),
}


@pytest.mark.parametrize("token", sorted(BY_HAND))
def test_an_import_finds_what_was_declared_and_a_refresh_what_was_done_by_hand(
    standin: StandIn, lives: dict[str, Life], token: str
) -> None:
    life, (by_hand, keys) = lives[token], BY_HAND[token]
    inputs, _ = standin.check(token, life.inputs, {}, "logical", b"seed")
    id_, state = standin.create(token, inputs)

    imported = standin.read(token, life.import_id or id_, {})
    assert imported is not None
    assert standin.diff(token, imported[0], inputs).changed == ()

    by_hand(lambda service: standin.clients(service, "us-east-1"), state)
    drifted = standin.read(token, id_, inputs)
    assert drifted is not None
    assert standin.diff(token, drifted[0], inputs).changed == keys

    standin.update(token, id_, drifted[0], inputs)
    repaired = standin.read(token, id_, inputs)
    assert repaired is not None
    assert standin.diff(token, inputs, repaired[0]).changed == ()
    standin.delete(token, id_, state)


@pytest.mark.parametrize("token", [QUEUE, TOPIC, LOG_GROUP, RULE, KEY, PARAMETER, SECRET])
def test_the_providers_tags_reach_what_is_made(standin: StandIn, lives: dict[str, Life], token: str) -> None:
    blue = replace(standin, settings=Settings(default_tags={"team": "blue"}))
    red = replace(standin, settings=Settings(default_tags={"team": "red"}))
    inputs, _ = blue.check(token, lives[token].inputs, {}, "logical", b"seed")
    id_, state = blue.create(token, inputs)
    assert state["tagsAll"] == {"a": "1", "team": "blue"}

    wanted, _ = red.check(token, lives[token].inputs, inputs, "logical", b"seed")
    assert red.diff(token, inputs, wanted).changed == ("tagsAll",)
    red.update(token, id_, inputs, wanted)

    read = red.read(token, id_, wanted)
    assert read is not None
    assert (read[0]["tags"], read[0]["tagsAll"]) == ({"a": "1"}, {"a": "1", "team": "red"})
    red.delete(token, id_, state)


def test_a_declared_topic_reaches_a_declared_queue_through_its_filter(standin: StandIn, unique: str) -> None:
    queue = made(standin, QUEUE, {"name": unique})
    topic = made(standin, TOPIC, {"name": unique})
    to_queue = {"topic": topic["arn"], "protocol": "sqs", "endpoint": queue["arn"], "rawMessageDelivery": True}
    made(standin, SUBSCRIPTION, {**to_queue, "filterPolicy": json.dumps({"kind": ["red"]})})

    sns, sqs = standin.clients("sns", "us-east-1"), standin.clients("sqs", "us-east-1")
    for kind in ("blue", "red"):
        attribute = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic["arn"], Message=kind, MessageAttributes=attribute)

    answer = sqs.receive_message(QueueUrl=queue["url"], MaxNumberOfMessages=10)
    assert [message["Body"] for message in answer["Messages"]] == ["red"]


def test_an_update_of_a_queue_keeps_the_policy_that_is_another_resource(standin: StandIn, unique: str) -> None:
    url = made(standin, QUEUE, {"name": unique})["url"]
    policy = {"queueUrl": url, "policy": allow("sqs:SendMessage")}
    standin.create("aws:sqs/queuePolicy:QueuePolicy", policy)

    standin.update(QUEUE, url, {"name": unique}, {"name": unique, "delaySeconds": 7})

    read = standin.read("aws:sqs/queuePolicy:QueuePolicy", url, policy)
    assert read is not None
    assert read[0] == policy


def test_a_fifo_queue_is_named_and_made_as_one(standin: StandIn) -> None:
    inputs, failures = standin.check(QUEUE, {"fifoQueue": True, "contentBasedDeduplication": True}, {}, "jobs", b"seed")
    assert failures == []
    assert inputs["name"].startswith("jobs-")
    assert inputs["name"].endswith(".fifo")

    url, state = standin.create(QUEUE, inputs)
    read = standin.read(QUEUE, url, {})
    assert read is not None
    assert (read[0]["fifoQueue"], read[0]["contentBasedDeduplication"]) == (True, True)
    standin.delete(QUEUE, url, state)


def test_a_declared_rule_sends_what_matches_to_its_target_as_it_was_told(standin: StandIn, unique: str) -> None:
    queue = made(standin, QUEUE, {"name": unique})
    made(standin, RULE, {"name": unique, "eventPattern": json.dumps({"source": [unique]})})
    told = {"inputPaths": {"who": "$.detail.who"}, "inputTemplate": '"hello <who>"'}
    made(standin, TARGET, {"rule": unique, "arn": queue["arn"], "inputTransformer": told})

    for source in (unique, "other"):
        entry = {"Source": source, "DetailType": "d", "Detail": json.dumps({"who": source})}
        standin.clients("events", "us-east-1").put_events(Entries=[entry])

    answer = standin.clients("sqs", "us-east-1").receive_message(QueueUrl=queue["url"], MaxNumberOfMessages=10)
    assert [message["Body"] for message in answer["Messages"]] == [f'"hello {unique}"']


def test_a_declared_rule_tells_a_topic_by_its_own_words_while_it_is_enabled(standin: StandIn, unique: str) -> None:
    queue, topic = made(standin, QUEUE, {"name": unique}), made(standin, TOPIC, {"name": unique})
    told = {"topic": topic["arn"], "protocol": "sqs", "endpoint": queue["arn"], "rawMessageDelivery": True}
    made(standin, "aws:sns/topicSubscription:TopicSubscription", told)
    pattern = json.dumps({"source": [unique]})
    rules = [
        made(standin, RULE, {"name": f"{unique}-{state}", "eventPattern": pattern, "state": state})
        for state in ("ENABLED", "DISABLED")
    ]
    for rule in rules:
        made(standin, TARGET, {"rule": rule["name"], "arn": topic["arn"], "input": json.dumps(rule["name"])})

    standin.clients("events", "us-east-1").put_events(Entries=[{"Source": unique, "DetailType": "d", "Detail": "{}"}])

    answer = standin.clients("sqs", "us-east-1").receive_message(QueueUrl=queue["url"], MaxNumberOfMessages=10)
    assert [message["Body"] for message in answer["Messages"]] == [f'"{unique}-ENABLED"']


def test_a_log_group_that_is_to_stay_outlives_its_stack(standin: StandIn, unique: str) -> None:
    state = made(standin, LOG_GROUP, {"name": unique, "skipDestroy": True})

    standin.delete(LOG_GROUP, unique, state)

    assert standin.read(LOG_GROUP, unique, {}) is not None


def test_a_secrets_value_is_rotated_by_a_new_version_and_the_old_one_goes(standin: StandIn, unique: str) -> None:
    secret = made(standin, SECRET, {"name": unique, "description": "One"})["arn"]
    old = {"secretId": secret, "secretString": "old"}
    new = {**old, "secretString": "new"}
    old_id, old_state = standin.create(VERSION, old)
    assert standin.diff(VERSION, old, new).replaces == ("secretString",)

    new_id, _ = standin.create(VERSION, new)
    standin.delete(VERSION, old_id, old_state)
    standin.update(SECRET, secret, {"name": unique, "description": "One"}, {"name": unique, "description": "Two"})

    value = standin.clients("secretsmanager", "us-east-1").get_secret_value(SecretId=unique)
    assert (value["SecretString"], value["VersionStages"]) == ("new", ["AWSCURRENT"])
    assert standin.read(VERSION, old_id, old) is None
    assert standin.read(VERSION, new_id, new) is not None

    standin.delete(SECRET, secret, {"recoveryWindowInDays": 0})
    assert standin.read(VERSION, new_id, new) is None
    standin.delete(VERSION, new_id, new)


def test_what_waits_for_its_deletion_is_gone(standin: StandIn, unique: str) -> None:
    for token, inputs in ((KEY, {"description": unique}), (SECRET, {"name": unique})):
        id_, state = standin.create(token, inputs)
        standin.delete(token, id_, state)

        assert standin.read(token, id_, inputs) is None

    kms, secrets = standin.clients("kms", "us-east-1"), standin.clients("secretsmanager", "us-east-1")
    waiting = [kms.describe_key(KeyId=item["KeyId"])["KeyMetadata"] for item in kms.list_keys()["Keys"]]
    assert [key["KeyState"] for key in waiting if key["Description"] == unique] == ["PendingDeletion"]
    assert secrets.describe_secret(SecretId=unique)["DeletedDate"]


def test_a_secrets_description_that_the_local_cloud_cannot_empty_is_an_error(standin: StandIn, unique: str) -> None:
    inputs = {"name": unique, "description": "One"}
    id_, _ = standin.create(SECRET, inputs)

    with pytest.raises(ProvisionError, match="cannot empty the description"):
        standin.update(SECRET, id_, inputs, {"name": unique})


def test_a_parameter_that_is_there_is_overwritten_only_when_told_so(standin: StandIn, unique: str) -> None:
    inputs = {"name": unique, "type": "String", "value": "one"}
    standin.create(PARAMETER, inputs)

    with pytest.raises(ProvisionError, match="ParameterAlreadyExists"):
        standin.create(PARAMETER, inputs)
    _, state = standin.create(PARAMETER, {**inputs, "value": "two", "overwrite": True})

    assert (state["version"], state["arn"].endswith(f"parameter/{unique}")) == (2, True)


def test_an_aliases_name_is_made_as_kms_has_them(standin: StandIn) -> None:
    key = made(standin, KEY, {})
    inputs, failures = standin.check("aws:kms/alias:Alias", {"targetKeyId": key["arn"]}, {}, "data", b"seed")
    assert failures == []
    assert inputs["name"].startswith("alias/data-")

    id_, state = standin.create("aws:kms/alias:Alias", inputs)
    assert state["targetKeyArn"] == key["arn"]
    standin.delete("aws:kms/alias:Alias", id_, state)


def test_what_is_set_by_hand_is_drift_though_the_program_never_named_it_unless_pulumi_aws_takes_it_for_computed(
    standin: StandIn, unique: str
) -> None:
    queue = made(standin, QUEUE, {"name": unique})
    topic = made(standin, TOPIC, {"name": unique})
    inputs = {"topic": topic["arn"], "protocol": "sqs", "endpoint": queue["arn"]}
    id_, state = standin.create(SUBSCRIPTION, inputs)
    subscription_by_hand(lambda service: standin.clients(service, "us-east-1"), state)
    sqs = standin.clients("sqs", "us-east-1")
    attributes = {"Policy": allow("sqs:*"), "KmsMasterKeyId": "alias/aws/sqs"}
    sqs.set_queue_attributes(QueueUrl=queue["url"], Attributes=attributes)

    filtered, ciphered = standin.read(SUBSCRIPTION, id_, inputs), standin.read(QUEUE, queue["url"], {"name": unique})
    assert filtered is not None
    assert ciphered is not None
    assert standin.diff(SUBSCRIPTION, filtered[0], inputs).changed == ("filterPolicy",)
    assert standin.diff(QUEUE, ciphered[0], {"name": unique}).changed == ("kmsMasterKeyId",)

    standin.update(QUEUE, queue["url"], ciphered[0], {"name": unique})
    standin.update(SUBSCRIPTION, id_, filtered[0], inputs)
    again = standin.read(SUBSCRIPTION, id_, inputs)
    assert again is not None
    assert again[0] == inputs
    live = sqs.get_queue_attributes(QueueUrl=queue["url"], AttributeNames=["All"])["Attributes"]
    assert ("KmsMasterKeyId" in live, json.loads(live["Policy"])) == (False, json.loads(allow("sqs:*")))


def test_an_alarm_on_an_expression_and_what_is_refused(standin: StandIn, unique: str) -> None:
    """Lists of objects come back as they were declared."""
    compared = {"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 2, "threshold": 5}
    rate = {"id": "rate", "expression": "100 * errors / calls", "label": "rate", "returnData": True}
    watched = {"metricName": "m", "namespace": unique, "period": 60, "stat": "Sum", "dimensions": {"a": "b"}}
    stats = [{"id": name, "metric": watched} for name in ("errors", "calls")]
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    inputs = {"name": unique, **compared, "metricQueries": [rate, *stats]}
    assert standin.check(token, inputs, {}, "logical", b"seed")[1] == []
    id_, state = standin.create(token, inputs)
    read = standin.read(token, id_, inputs)
    assert read is not None
    assert standin.diff(token, inputs, read[0]).changed == ()
    imported = standin.read(token, id_, {})
    assert imported is not None
    assert imported[0]["metricQueries"][0]["expression"] == "100 * errors / calls"
    standin.delete(token, id_, state)

    refused = {"name": unique, **compared, "thresholdMetricId": "band"}
    [failure] = standin.check(token, refused, {}, "logical", b"seed")[1]
    assert failure.property == "thresholdMetricId"
    elsewhere = {
        "serviceNamespace": "ecs", "resourceId": "service/a/b", "scalableDimension": "ecs:service:DesiredCount", "minCapacity": 1,
        "maxCapacity": 2,
    }  # fmt: skip
    [failure] = standin.check("aws:appautoscaling/target:Target", elsewhere, {}, "logical", b"seed")[1]
    assert "scales nothing of ecs" in failure.reason
