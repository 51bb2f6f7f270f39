"""Functions of pulumi-aws that find what is there by its name: parameters, secrets, keys, repositories, topics, queues, policies, groups, tags.

In: a function's arguments by pulumi-aws's names; out: its answer. What is not there is an error, as in Terraform's data sources, and so is an
argument that is not implemented.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from fogbank.provider.calls import GoneError, call, require
from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.row import Session
from fogbank.provider.services.iam_document import refuse_unknown

Lookup = Callable[[Session, Properties], Properties]


def parameter(session: Session, arguments: Properties) -> Properties:
    """GetParameter, deciphered unless told otherwise."""
    refuse_unknown(arguments, frozenset({"name", "withDecryption", "region"}), "")
    deciphered = arguments.get("withDecryption") is not False
    name = _named(arguments, "name")
    found = _found(session, "ssm", "GetParameter", name, Name=name, WithDecryption=deciphered)["Parameter"]
    plain = {"insecureValue": found["Value"]} if found["Type"] != "SecureString" else {}
    return {
        "id": name, "name": name, "arn": found["ARN"], "type": found["Type"], "value": found["Value"], "version": found["Version"],
        "withDecryption": deciphered, "region": _region(session), **plain,
    }  # fmt: skip


def secret(session: Session, arguments: Properties) -> Properties:
    """DescribeSecret, and its policy; by its ARN or its name."""
    refuse_unknown(arguments, frozenset({"arn", "name", "tags", "region"}), "")
    which = arguments.get("arn") or _named(arguments, "name")
    found = _found(session, "secretsmanager", "DescribeSecret", which, SecretId=which)
    policy = _found(session, "secretsmanager", "GetResourcePolicy", which, SecretId=which).get("ResourcePolicy")
    return {
        "id": found["ARN"], "arn": found["ARN"], "name": found["Name"], "description": found.get("Description") or "",
        "kmsKeyId": found.get("KmsKeyId") or "", "policy": policy or "", "tags": _tags(found.get("Tags")), "region": _region(session),
    }  # fmt: skip


def secret_version(session: Session, arguments: Properties) -> Properties:
    """GetSecretValue: the version that is named, or that of a stage, AWSCURRENT unless told otherwise."""
    refuse_unknown(arguments, frozenset({"secretId", "versionId", "versionStage", "region"}), "")
    which = _named(arguments, "secretId")
    version, stage = arguments.get("versionId"), arguments.get("versionStage") or "AWSCURRENT"
    named = {"VersionId": version} if version else {"VersionStage": stage}
    found = _found(session, "secretsmanager", "GetSecretValue", which, SecretId=which, **named)
    return {
        "id": f"{which}|{version or stage}", "secretId": which, "arn": found["ARN"], "secretArn": found["ARN"],
        "secretString": found.get("SecretString", ""), "versionId": found["VersionId"], "versionStage": stage,
        "versionStages": found["VersionStages"], "region": _region(session),
    }  # fmt: skip


def alias(session: Session, arguments: Properties) -> Properties:
    """ListAliases, of which one has that name."""
    refuse_unknown(arguments, frozenset({"name", "region"}), "")
    kms, name = session.client("kms"), _named(arguments, "name")
    pages = kms.get_paginator("list_aliases").paginate()
    found = next((item for page in pages for item in page["Aliases"] if item["AliasName"] == name), None)
    if found is None or "TargetKeyId" not in found:
        raise ProvisionError(f"ListAliases: there is no {name}")
    target = require(kms, "DescribeKey", KeyId=found["TargetKeyId"])["KeyMetadata"]
    return {
        "id": found["AliasArn"], "arn": found["AliasArn"], "name": name, "targetKeyId": target["KeyId"], "targetKeyArn": target["Arn"],
        "region": _region(session),
    }  # fmt: skip


def key(session: Session, arguments: Properties) -> Properties:
    """DescribeKey, by its id, its ARN or an alias."""
    refuse_unknown(arguments, frozenset({"keyId", "region"}), "")
    which = _named(arguments, "keyId")
    found = _found(session, "kms", "DescribeKey", which, KeyId=which)["KeyMetadata"]
    same = (
        "KeyManager",
        "KeyState",
        "KeyUsage",
        "Origin",
        "CustomerMasterKeySpec",
        "KeySpec",
        "MultiRegion",
        "Enabled",
    )
    return {
        "id": found["KeyId"], "keyId": which, "arn": found["Arn"], "awsAccountId": found["AWSAccountId"],
        "description": found.get("Description", ""), "creationDate": found["CreationDate"].isoformat(), "region": _region(session),
        **{member[0].lower() + member[1:]: found[member] for member in same if member in found},
    }  # fmt: skip


def repository(session: Session, arguments: Properties) -> Properties:
    """DescribeRepositories, and DescribeImages for the tags of the image that was pushed last, of those that have any."""
    refuse_unknown(arguments, frozenset({"name", "registryId", "tags", "region"}), "")
    name = _named(arguments, "name")
    found = _found(session, "ecr", "DescribeRepositories", name, repositoryNames=[name])["repositories"][0]
    tags = require(session.client("ecr"), "ListTagsForResource", resourceArn=found["repositoryArn"])["tags"]
    return {
        "id": name, "name": name, "arn": found["repositoryArn"], "registryId": found["registryId"], "repositoryUrl": found["repositoryUri"],
        "imageTagMutability": found["imageTagMutability"],
        "imageScanningConfigurations": [{"scanOnPush": bool(found.get("imageScanningConfiguration", {}).get("scanOnPush"))}],
        "mostRecentImageTags": _latest(session, name), "tags": _tags(tags), "region": _region(session),
    }  # fmt: skip


def _latest(session: Session, name: str) -> list[str]:
    pages = session.client("ecr").get_paginator("describe_images").paginate(repositoryName=name)
    tagged = [image for page in pages for image in page["imageDetails"] if image.get("imageTags")]
    pushed = sorted(tagged, key=lambda image: image["imagePushedAt"])
    return list(pushed[-1]["imageTags"]) if pushed else []


def topic(session: Session, arguments: Properties) -> Properties:
    """ListTopics, of which one has that name."""
    refuse_unknown(arguments, frozenset({"name", "tags", "region"}), "")
    sns, name = session.client("sns"), _named(arguments, "name")
    pages = sns.get_paginator("list_topics").paginate()
    arn = next(
        (item["TopicArn"] for page in pages for item in page["Topics"] if item["TopicArn"].endswith(f":{name}")), None
    )
    if arn is None:
        raise ProvisionError(f"ListTopics: there is no {name}")
    tags = _tags(require(sns, "ListTagsForResource", ResourceArn=arn)["Tags"])
    return {"id": arn, "arn": arn, "name": name, "tags": tags, "region": _region(session)}


def queue(session: Session, arguments: Properties) -> Properties:
    """GetQueueUrl and GetQueueAttributes."""
    refuse_unknown(arguments, frozenset({"name", "tags", "region"}), "")
    name = _named(arguments, "name")
    url = _found(session, "sqs", "GetQueueUrl", name, QueueName=name)["QueueUrl"]
    sqs = session.client("sqs")
    arn = require(sqs, "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    tags = require(sqs, "ListQueueTags", QueueUrl=url).get("Tags", {})
    return {"id": url, "url": url, "arn": arn, "name": name, "tags": tags, "region": _region(session)}


def policy(session: Session, arguments: Properties) -> Properties:
    """GetPolicy and its default version; by its ARN, or by its name, of the account's own and of AWS's."""
    refuse_unknown(arguments, frozenset({"arn", "name"}), "")
    iam, arn = session.client("iam"), arguments.get("arn")
    if not arn:
        name = _named(arguments, "name")
        pages = iam.get_paginator("list_policies").paginate()
        arn = next((item["Arn"] for page in pages for item in page["Policies"] if item["PolicyName"] == name), None)
        if arn is None:
            raise ProvisionError(f"ListPolicies: there is no {name}")
    found = _found(session, "iam", "GetPolicy", arn, PolicyArn=arn)["Policy"]
    version = require(iam, "GetPolicyVersion", PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    document = version["Document"]
    return {
        "id": arn, "arn": arn, "name": found["PolicyName"], "path": found["Path"], "policyId": found["PolicyId"],
        "description": found.get("Description", ""), "attachmentCount": found.get("AttachmentCount", 0),
        "policy": unquote(document) if isinstance(document, str) else json.dumps(document, separators=(",", ":")),
        "tags": _tags(found.get("Tags")),
    }  # fmt: skip


def log_group(session: Session, arguments: Properties) -> Properties:
    """DescribeLogGroups, of which one has just that name."""
    refuse_unknown(arguments, frozenset({"name", "tags", "region"}), "")
    logs, name = session.client("logs"), _named(arguments, "name")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    found = next((item for page in pages for item in page["logGroups"] if item["logGroupName"] == name), None)
    if found is None:
        raise ProvisionError(f"DescribeLogGroups: there is no {name}")
    arn = str(found["arn"]).removesuffix(":*")
    return {
        "id": name, "name": name, "arn": arn, "creationTime": found["creationTime"], "kmsKeyId": found.get("kmsKeyId", ""),
        "retentionInDays": found.get("retentionInDays", 0), "logGroupClass": "STANDARD", "deletionProtectionEnabled": False,
        "tags": require(logs, "ListTagsForResource", resourceArn=arn)["tags"], "region": _region(session),
    }  # fmt: skip


def default_tags(session: Session, arguments: Properties) -> Properties:
    """The provider's own."""
    del arguments
    return {"id": "aws", "tags": dict(session.settings.default_tags)}


def _found(session: Session, service: str, operation: str, what: Any, **arguments: Any) -> Any:
    try:
        return call(session.client(service), operation, **arguments)
    except GoneError as error:
        raise ProvisionError(f"{operation}: there is no {what}: {error}") from error


def _named(arguments: Properties, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise ProvisionError(f"{name} is required")
    return value


def _region(session: Session) -> str:
    return str(session.client("sts").meta.region_name)


def _tags(pairs: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in pairs or []}


LOOKUPS: Mapping[str, Lookup] = {
    "aws:ssm/getParameter:getParameter": parameter,
    "aws:secretsmanager/getSecret:getSecret": secret,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": secret_version,
    "aws:kms/getAlias:getAlias": alias,
    "aws:kms/getKey:getKey": key,
    "aws:ecr/getRepository:getRepository": repository,
    "aws:sns/getTopic:getTopic": topic,
    "aws:sqs/getQueue:getQueue": queue,
    "aws:iam/getPolicy:getPolicy": policy,
    "aws:cloudwatch/getLogGroup:getLogGroup": log_group,
    "aws:index/getDefaultTags:getDefaultTags": default_tags,
}
