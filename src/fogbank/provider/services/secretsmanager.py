"""Secrets Manager: a secret and a version of it. A secret is deleted after days of waiting; one that waits is gone, as it is for Terraform.

What is updated in place: Terraform's aws_secretsmanager_secret (all but name and name_prefix) and aws_secretsmanager_secret_version
(version_stages).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, pairs
from fogbank.provider.shapes import UNKNOWN

SECRET = {"name": "Name", "description": "Description", "kmsKeyId": "KmsKeyId"}
CURRENT = "AWSCURRENT"
STAYING = frozenset({CURRENT, "AWSPREVIOUS"})
WAIT_DAYS = 30
DELETED = ("was deleted", "marked for deletion", "marked deleted")
"""How Secrets Manager, and moto, say that a secret is on its way."""
NO_POLICY = "{}"
"""What a program says where a policy is to go; one that it does not name any more stays."""


def secret_failures(inputs: Properties) -> list[Failure]:
    """A waiting period that Secrets Manager has not."""
    days = inputs.get("recoveryWindowInDays")
    if days in {None, UNKNOWN} or int(days) == 0 or 7 <= int(days) <= WAIT_DAYS:
        return []
    return [Failure("recoveryWindowInDays", f"must be 0 or 7 to {WAIT_DAYS} days, not {int(days)}")]


def create_secret(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateSecret and its policy; the id is the ARN."""
    said = {member: inputs[key] for key, member in SECRET.items() if inputs.get(key)}
    tags = pairs(session.settings.tags(inputs.get("tags")))
    arn = require(session.client("secretsmanager"), "CreateSecret", **said, Tags=tags)["ARN"]
    if not _says_nothing(inputs.get("policy")):
        _put_policy(session, arn, inputs.get("policy"))
    return arn, _secret_state(row, session, arn, inputs)


def read_secret(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeSecret and GetResourcePolicy."""
    secret = _secret(session, id_)
    if secret is None:
        return None
    policy = require(session.client("secretsmanager"), "GetResourcePolicy", SecretId=id_).get("ResourcePolicy")
    none = inputs.get("policy") if _says_nothing(inputs.get("policy")) else None
    live = {**{key: secret.get(member) for key, member in SECRET.items()}, "policy": policy or none}
    tags = {tag["Key"]: tag["Value"] for tag in secret.get("Tags", [])}
    fresh = row.found(session, inputs, live, tags)
    return fresh, _secret_state(row, session, secret["ARN"], fresh)


def update_secret(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateSecret, its policy and its tags."""
    client, changed = session.client("secretsmanager"), set(row.diff(old, new).changed)
    if "description" in changed and not new.get("description"):  # moto takes an empty one for the one that is
        raise ProvisionError(f"UpdateSecret: the local cloud cannot empty the description of {id_}; give another one")
    if changed & {"description", "kmsKeyId"}:
        about = {"Description": new["description"]} if new.get("description") else {}
        key = {"KmsKeyId": new["kmsKeyId"]} if new.get("kmsKeyId") else {}
        require(client, "UpdateSecret", SecretId=id_, **about, **key)
    if "policy" in changed:
        _put_policy(session, id_, new.get("policy"))
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(client, "UntagResource", SecretId=id_, TagKeys=gone)
    if come:
        require(client, "TagResource", SecretId=id_, Tags=pairs(come))
    return _secret_state(row, session, id_, new)


def delete_secret(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteSecret, at once where the window is 0; one that waits for it already is left alone."""
    del row
    if _secret(session, id_) is None:
        return
    days = state.get("recoveryWindowInDays")
    days = WAIT_DAYS if days is None else int(days)
    when: dict[str, Any] = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    ensure_gone(session.client("secretsmanager"), "DeleteSecret", SecretId=id_, **when)


def _says_nothing(policy: Any) -> bool:
    return isinstance(policy, str) and policy.strip() == NO_POLICY


def _put_policy(session: Session, arn: str, policy: str | None) -> None:
    client = session.client("secretsmanager")
    if _says_nothing(policy):
        ensure_gone(client, "DeleteResourcePolicy", SecretId=arn)
    elif policy:
        require(client, "PutResourcePolicy", SecretId=arn, ResourcePolicy=policy)


def _secret(session: Session, id_: str) -> dict[str, Any] | None:
    try:
        secret: dict[str, Any] = call(session.client("secretsmanager"), "DescribeSecret", SecretId=id_)
    except GoneError:
        return None
    return None if secret.get("DeletedDate") else secret


def _secret_state(row: Row, session: Session, arn: str, inputs: Properties) -> Properties:
    return {"recoveryWindowInDays": WAIT_DAYS, **inputs, "arn": arn, **common_state(session, row, inputs)}


def version_failures(inputs: Properties) -> list[Failure]:
    """One value."""
    given = [key for key in ("secretString", "secretBinary") if inputs.get(key) is not None]
    if not given:
        return [Failure("secretString", "is required, or secretBinary")]
    return [Failure("secretBinary", "conflicts with secretString")] if len(given) > 1 else []


def create_version(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutSecretValue; the id is `secret|version`."""
    text, binary, stages = inputs.get("secretString"), inputs.get("secretBinary"), inputs.get("versionStages")
    answer = require(
        session.client("secretsmanager"),
        "PutSecretValue",
        SecretId=inputs["secretId"],
        **({"SecretString": text} if text is not None else {"SecretBinary": b64decode(str(binary))}),
        **({"VersionStages": stages} if stages else {}),
    )
    id_ = f"{inputs['secretId']}|{answer['VersionId']}"
    return id_, _version_state(row, session, inputs, answer)


def read_version(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetSecretValue; a version without a label is one that Secrets Manager may remove: it is gone."""
    version = _version(session, id_)
    if version is None or not version.get("VersionStages"):
        return None
    binary = version.get("SecretBinary")
    stages = sorted(version["VersionStages"])
    live = {
        "secretId": id_.rpartition("|")[0],
        "secretString": version.get("SecretString"),
        "secretBinary": b64encode(binary).decode() if binary is not None else None,
        "versionStages": stages if inputs or set(stages) - STAYING else None,
    }
    fresh = row.found(session, inputs, live)
    return fresh, _version_state(row, session, fresh, version)


def update_version(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateSecretVersionStage, label by label. Without declared ones the labels are Secrets Manager's own business."""
    del old
    version = _version(session, id_)
    if version is None:
        raise ProvisionError(f"GetSecretValue: there is no version {id_}")
    wanted, live = set(new.get("versionStages") or version["VersionStages"]), set(version["VersionStages"])
    for stage in sorted(wanted - live):
        _move(session, id_, stage, onto=True)
    for stage in sorted(live - wanted - {CURRENT}):
        _move(session, id_, stage, onto=False)
    return _version_state(row, session, new, _version(session, id_) or version)


def delete_version(row: Row, session: Session, id_: str, state: Properties) -> None:
    """Its labels go, but the one that says which version is current: Secrets Manager has no deletion of a version."""
    del row, state
    version = _version(session, id_)
    for stage in sorted(set(version["VersionStages"] if version else ()) - {CURRENT}):
        _move(session, id_, stage, onto=False)


def _move(session: Session, id_: str, stage: str, *, onto: bool) -> None:
    """A label onto this version, from the one that has it, or off it."""
    client = session.client("secretsmanager")
    secret, _, version = id_.rpartition("|")
    if not onto:
        require(client, "UpdateSecretVersionStage", SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)
        return
    held = require(client, "DescribeSecret", SecretId=secret).get("VersionIdsToStages", {})
    holder = next((other for other, stages in held.items() if stage in stages), None)
    off = {"RemoveFromVersionId": holder} if holder else {}
    require(client, "UpdateSecretVersionStage", SecretId=secret, VersionStage=stage, MoveToVersionId=version, **off)


def _version(session: Session, id_: str) -> dict[str, Any] | None:
    """The version; None where it, its secret, or a secret that is to be deleted is not there."""
    secret, _, version = id_.rpartition("|")
    try:
        answer: dict[str, Any] = call(
            session.client("secretsmanager"), "GetSecretValue", SecretId=secret, VersionId=version
        )
    except GoneError:
        return None
    except ProvisionError as error:
        if "InvalidRequestException" in str(error) and any(words in str(error) for words in DELETED):
            return None
        raise
    return answer


def _version_state(row: Row, session: Session, inputs: Properties, version: dict[str, Any]) -> Properties:
    return {
        "versionStages": sorted(version.get("VersionStages", [])),
        **inputs,
        "arn": version["ARN"],
        "secretArn": version["ARN"],
        "versionId": version["VersionId"],
        **common_state(session, row, inputs),
    }


ROWS = (
    Row(
        token="aws:secretsmanager/secret:Secret",
        service="secretsmanager",
        auto_name=AutoName(longest=512),
        defaults={"description": "", "recoveryWindowInDays": WAIT_DAYS},
        policies=frozenset({"policy"}),
        unasked=frozenset({"policy"}),
        in_place=frozenset(
            {"description", "forceOverwriteReplicaSecret", "kmsKeyId", "policy", "recoveryWindowInDays", "replicas"}
        ),
        only=frozenset({"policy", "recoveryWindowInDays", *SECRET}),
        checks=secret_failures,
        creates=create_secret,
        reads=read_secret,
        updates=update_secret,
        deletes=delete_secret,
    ),
    Row(
        token="aws:secretsmanager/secretVersion:SecretVersion",
        service="secretsmanager",
        computed=("secretArn", "versionId"),
        sets=frozenset({"versionStages"}),
        unasked=frozenset({"versionStages"}),
        in_place=frozenset({"versionStages"}),
        only=frozenset({"secretId", "secretString", "secretBinary", "versionStages"}),
        lacks={
            "secretStringWo": "the local cloud's stand-in keeps no values apart from its state",
            "secretStringWoVersion": "the local cloud's stand-in keeps no values apart from its state",
        },
        checks=version_failures,
        creates=create_version,
        reads=read_version,
        updates=update_version,
        deletes=delete_version,
    ),
)
