"""Lives of what gives access and of what keeps things: IAM's policies, S3's companions, ECR, DynamoDB."""

from __future__ import annotations

import json

from fogbank.contracts import tokens
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.provider.services import dynamodb, ecr, iam_policies, s3_notification, s3_settings
from fogbank.provider.standin import StandIn
from tests.lives import POLICY, TRUST, WIDER, WIDER_OTHERWISE, Life
from tests.lives_functions import function
from tests.lives_services import made

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def lives_of_access(standin: StandIn, unique: str) -> list[Life]:
    """IAM's managed policies, and a role that lists its own."""
    standin.create(tokens.ROLE, {"name": f"{unique}-a", "assumeRolePolicy": TRUST})
    arn = f"arn:aws:iam::{LOCAL_ACCOUNT}:policy/{unique}"
    attached = {"role": f"{unique}-a", "policyArn": READ_ONLY}
    return [
        Life(
            iam_policies.POLICY,
            {"name": unique, "policy": POLICY, "tags": {"a": "1"}},
            {"policy": WIDER, "tags": {"b": "2"}},
            same={"policy": WIDER_OTHERWISE, "path": "/"},
            by_hand=(
                "iam",
                "create_policy_version",
                {"PolicyArn": arn, "PolicyDocument": POLICY, "SetAsDefault": True},
            ),
        ),
        Life(
            iam_policies.ATTACHMENT,
            attached,
            by_hand=("iam", "detach_role_policy", {"RoleName": attached["role"], "PolicyArn": READ_ONLY}),
        ),
    ]


def lives_of_stores(standin: StandIn, unique: str, bucket: str) -> list[Life]:
    """S3's companions of a bucket; ECR's repositories; a table."""
    return [*settings(standin, unique, bucket), *registry(standin, unique), table(unique)]


def settings(standin: StandIn, unique: str, bucket: str) -> list[Life]:
    """What a bucket is set to."""
    sqs = standin.clients("sqs", "us-east-1")
    queue = sqs.get_queue_attributes(
        QueueUrl=sqs.create_queue(QueueName=f"{unique}-n")["QueueUrl"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    topic = standin.clients("sns", "us-east-1").create_topic(Name=f"{unique}-n")["TopicArn"]
    on, off = ({"versioningConfiguration": {"status": status}} for status in ("Enabled", "Suspended"))
    plain, key = {"sseAlgorithm": "AES256"}, {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/aws/s3"}
    encrypted = {"rules": [{"applyServerSideEncryptionByDefault": key, "bucketKeyEnabled": True}]}
    cors = {"allowedMethods": ["GET", "PUT"], "allowedOrigins": ["http://a", "http://b"]}
    told = {
        "queueArn": queue,
        "events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
        "filterPrefix": "a/",
        "filterSuffix": ".x",
    }
    standin.create(tokens.ROLE, {"name": f"{unique}-told-f", "assumeRolePolicy": TRUST})
    called = made(standin, "aws:lambda/function:Function", function(standin, f"{unique}-told"))
    invoked = {"lambdaFunctionArn": called["arn"], "events": ["s3:ObjectCreated:*"]}
    place, role = {"bucket": bucket}, f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{unique}"
    versioned, _ = standin.create(tokens.BUCKET, {"bucket": f"{unique}-v"})
    standin.create(s3_settings.VERSIONING, {"bucket": versioned, **on})
    copied = {
        "id": "all", "status": "Enabled", "priority": 1, "filter": {"prefix": ""}, "deleteMarkerReplication": {"status": "Disabled"},
        "destination": {"bucket": "arn:aws:s3:::elsewhere", "storageClass": "STANDARD_IA"},
    }  # fmt: skip
    return [
        Life(
            s3_settings.VERSIONING, {**place, **on}, off, leaves={**place, **off},
            by_hand=("s3", "put_bucket_versioning", {"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}}),
        ),
        Life(
            s3_settings.ENCRYPTION, {**place, "rules": [{"applyServerSideEncryptionByDefault": plain}]}, encrypted,
            by_hand=("s3", "delete_bucket_encryption", {"Bucket": bucket}),
        ),
        Life(
            s3_settings.OWNERSHIP, {**place, "rule": {"objectOwnership": "BucketOwnerPreferred"}}, {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
            by_hand=("s3", "put_bucket_ownership_controls", {"Bucket": bucket, "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}),
        ),
        Life(
            s3_settings.CORS, {**place, "corsRules": [cors]}, {"corsRules": [cors, {**cors, "maxAgeSeconds": 60, "id": "x"}]},
            same={"corsRules": [{**cors, "maxAgeSeconds": 60, "id": "x"}, {key: value[::-1] for key, value in cors.items()}]},
            by_hand=("s3", "put_bucket_cors", {"Bucket": bucket, "CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}}),
        ),
        Life(
            s3_notification.NOTIFICATION, {**place, "queues": [told]},
            {
                "queues": [{**told, "filterPrefix": "b/"}], "topics": [{"topicArn": topic, "events": ["s3:ObjectCreated:*"]}],
                "lambdaFunctions": [{**invoked, "filterSuffix": ".y"}], "eventbridge": True,
            },
            same={"queues": [{**told, "filterPrefix": "b/", "events": told["events"][::-1]}]},
            by_hand=("s3", "put_bucket_notification_configuration", {"Bucket": bucket, "NotificationConfiguration": {"EventBridgeConfiguration": {}}}),
        ),
        Life(
            s3_settings.REPLICATION, {"bucket": versioned, "role": role, "rules": [copied]}, {"rules": [{**copied, "status": "Disabled"}]},
            by_hand=("s3", "delete_bucket_replication", {"Bucket": versioned}),
        ),
    ]  # fmt: skip


def registry(standin: StandIn, unique: str) -> list[Life]:
    """ECR's repository and its policies."""
    place = {"repository": f"{unique}/other"}
    standin.create(ecr.REPOSITORY, {"name": place["repository"]})
    rule = {
        "rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 10},
    }  # fmt: skip
    pull = {
        "Sid": "a",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    policy = {"Version": "2012-10-17", "Statement": [pull]}
    first = json.dumps({**policy, "Statement": [{**pull, "Sid": "b"}]})
    other = {"Statement": {**pull, "Action": pull["Action"][::-1]}, "Version": "2012-10-17"}
    name = {"repositoryName": place["repository"]}
    return [
        Life(
            ecr.REPOSITORY, {"name": unique, "imageScanningConfiguration": {"scanOnPush": True}, "forceDelete": True, "tags": {"a": "1"}},
            {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": False}, "tags": {"b": "2"}},
            same={"encryptionConfigurations": None},
            by_hand=("ecr", "put_image_tag_mutability", {"repositoryName": unique, "imageTagMutability": "MUTABLE"}),
        ),
        Life(
            ecr.LIFECYCLE, {**place, "policy": json.dumps({"rules": [rule]})}, same={"policy": json.dumps({"rules": [dict(reversed(rule.items()))]})},
            by_hand=("ecr", "delete_lifecycle_policy", name),
        ),
        Life(
            ecr.POLICY, {**place, "policy": first}, {"policy": json.dumps(policy)},
            same={"policy": json.dumps(other)}, by_hand=("ecr", "set_repository_policy", {**name, "policyText": first}),
        ),
    ]  # fmt: skip


def table(unique: str) -> Life:
    """DynamoDB's table, with an index, a stream and items that live for a time."""
    keys = [{"name": "id", "type": "S"}, {"name": "at", "type": "N"}, {"name": "who", "type": "S"}]
    by_who = {"name": "by-who", "hashKey": "who", "projectionType": "ALL"}
    by_time = {"name": "by-time", "hashKey": "at", "projectionType": "KEYS_ONLY"}
    return Life(
        dynamodb.TABLE,
        {
            "name": unique, "attributes": [keys[0], keys[2]], "hashKey": "id", "billingMode": "PAY_PER_REQUEST",
            "globalSecondaryIndexes": [by_who], "ttl": {"attributeName": "until", "enabled": True}, "tags": {"a": "1"},
        },
        {
            "attributes": keys, "globalSecondaryIndexes": [by_time, by_who], "streamEnabled": True, "streamViewType": "NEW_IMAGE",
            "pointInTimeRecovery": {"enabled": True}, "ttl": None, "tags": {"b": "2"},
        },
        same={"attributes": keys[::-1], "globalSecondaryIndexes": [by_who, by_time], "deletionProtectionEnabled": False},
        by_hand=("dynamodb", "update_table", {"TableName": unique, "StreamSpecification": {"StreamEnabled": False}}),
    )  # fmt: skip
