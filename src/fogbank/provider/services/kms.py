"""KMS: a key and an alias. A key is deleted after days of waiting; one that waits is gone here, as it is for Terraform.

What is updated in place: Terraform's aws_kms_key (all but custom_key_store_id, customer_master_key_spec, key_usage, multi_region and
xks_key_id) and aws_kms_alias (target_key_id).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.shapes import UNKNOWN

MEMBERS = {
    "customerMasterKeySpec": "KeySpec",
    "description": "Description",
    "keyUsage": "KeyUsage",
    "multiRegion": "MultiRegion",
    "policy": "Policy",
}
SYMMETRIC = "SYMMETRIC_DEFAULT"
WAIT_DAYS = 30


def key_failures(inputs: Properties) -> list[Failure]:
    """A waiting period that KMS has not, and a rotation of keys that do not rotate."""
    days = inputs.get("deletionWindowInDays")
    failures = []
    if days not in {None, UNKNOWN} and not 7 <= int(days) <= WAIT_DAYS:
        failures.append(Failure("deletionWindowInDays", f"must be 7 to {WAIT_DAYS} days, not {int(days)}"))
    if inputs.get("enableKeyRotation") is True and inputs.get("customerMasterKeySpec") not in {
        None,
        UNKNOWN,
        SYMMETRIC,
    }:
        failures.append(Failure("enableKeyRotation", f"is for keys of {SYMMETRIC} alone"))
    return failures


def create_key(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateKey, its rotation, and whether it is enabled; the id is the key's."""
    said = {member: inputs[key] for key, member in MEMBERS.items() if inputs.get(key)}
    tags = _pairs(session.settings.tags(inputs.get("tags")))
    key = require(session.client("kms"), "CreateKey", **said, **({"Tags": tags} if tags else {}))["KeyMetadata"]
    _switch(row, session, key["KeyId"], {}, inputs)
    return key["KeyId"], _key_state(row, session, key, inputs)


def read_key(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeKey, its policy, rotation and tags."""
    key = _key(session, id_)
    if key is None:
        return None
    kms, asked = session.client("kms"), {"KeyId": key["KeyId"]}
    turns = key["KeySpec"] == SYMMETRIC and require(kms, "GetKeyRotationStatus", **asked)["KeyRotationEnabled"]
    live = {
        **{name: key.get(member) for name, member in MEMBERS.items()},
        "policy": require(kms, "GetKeyPolicy", **asked, PolicyName="default")["Policy"],
        "enableKeyRotation": turns,
        "isEnabled": key["Enabled"],
    }
    tags = require(kms, "ListResourceTags", **asked).get("Tags", [])
    fresh = row.found(session, inputs, live, {tag["TagKey"]: tag["TagValue"] for tag in tags})
    return fresh, _key_state(row, session, key, fresh)


def update_key(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Description, policy, rotation, whether it is enabled, tags: each by a call of its own."""
    kms, changed = session.client("kms"), row.diff(old, new).changed
    if "description" in changed:
        require(kms, "UpdateKeyDescription", KeyId=id_, Description=new.get("description") or "")
    if "policy" in changed:
        require(kms, "PutKeyPolicy", KeyId=id_, PolicyName="default", Policy=new["policy"])
    _switch(row, session, id_, old, new)
    gone, come = session.settings.tag_changes(old, new)
    if gone:
        require(kms, "UntagResource", KeyId=id_, TagKeys=gone)
    if come:
        require(kms, "TagResource", KeyId=id_, Tags=_pairs(come))
    return _key_state(row, session, require(kms, "DescribeKey", KeyId=id_)["KeyMetadata"], new)


def delete_key(row: Row, session: Session, id_: str, state: Properties) -> None:
    """ScheduleKeyDeletion; one that waits for it already is left alone."""
    del row
    if _key(session, id_) is not None:
        days = int(state.get("deletionWindowInDays") or WAIT_DAYS)
        ensure_gone(session.client("kms"), "ScheduleKeyDeletion", KeyId=id_, PendingWindowInDays=days)


def _switch(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> None:
    """Rotation and whether it is enabled. Only a key that is enabled can be told of rotation."""
    kms, changed = session.client("kms"), set(row.diff(old, new).changed)
    enabled = new.get("isEnabled") is not False
    if "isEnabled" in changed and enabled:
        require(kms, "EnableKey", KeyId=id_)
    if "enableKeyRotation" in changed:
        require(kms, "EnableKeyRotation" if new.get("enableKeyRotation") else "DisableKeyRotation", KeyId=id_)
    if "isEnabled" in changed and not enabled:
        require(kms, "DisableKey", KeyId=id_)


def _key(session: Session, id_: str) -> dict[str, Any] | None:
    try:
        key: dict[str, Any] = call(session.client("kms"), "DescribeKey", KeyId=id_)["KeyMetadata"]
    except GoneError:
        return None
    return None if key["KeyState"] == "PendingDeletion" else key


def _key_state(row: Row, session: Session, key: dict[str, Any], inputs: Properties) -> Properties:
    return {**inputs, "arn": key["Arn"], "keyId": key["KeyId"], **common_state(session, row, inputs)}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def create_alias(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateAlias; the id is the name."""
    require(session.client("kms"), "CreateAlias", AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return inputs["name"], _alias_state(row, session, inputs)


def read_alias(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """ListAliases; the key may have been declared by its ARN."""
    alias = _alias(session, id_)
    if alias is None:
        return None
    key, given = alias["TargetKeyId"], str(inputs.get("targetKeyId") or "")
    fresh = row.found(session, inputs, {"name": id_, "targetKeyId": given if given.endswith(f"/{key}") else key})
    return fresh, _alias_state(row, session, fresh)


def update_alias(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """UpdateAlias."""
    del old
    require(session.client("kms"), "UpdateAlias", AliasName=id_, TargetKeyId=new["targetKeyId"])
    return _alias_state(row, session, new)


def delete_alias(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteAlias."""
    del row, state
    ensure_gone(session.client("kms"), "DeleteAlias", AliasName=id_)


def _alias(session: Session, name: str) -> dict[str, Any] | None:
    pages = session.client("kms").get_paginator("list_aliases").paginate()
    return next((alias for page in pages for alias in page["Aliases"] if alias["AliasName"] == name), None)


def _alias_state(row: Row, session: Session, inputs: Properties) -> Properties:
    alias = _alias(session, inputs["name"])
    if alias is None:
        raise ProvisionError(f"ListAliases: there is no {inputs['name']}")
    arn = str(alias["AliasArn"])
    key_arn = f"{arn.rpartition(':')[0]}:key/{alias['TargetKeyId']}"
    return {**inputs, "arn": arn, "targetKeyArn": key_arn, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token="aws:kms/key:Key",
        service="kms",
        computed=("keyId",),
        defaults={"description": "", "deletionWindowInDays": WAIT_DAYS},
        policies=frozenset({"policy"}),
        unasked=frozenset({"policy"}),
        in_place=frozenset({"deletionWindowInDays", "description", "enableKeyRotation", "isEnabled", "policy"}),
        only=frozenset({"deletionWindowInDays", "enableKeyRotation", "isEnabled", *MEMBERS}),
        lacks={
            "bypassPolicyLockoutSafetyCheck": "the local cloud has no such check",
            "customKeyStoreId": "the local cloud keeps all keys itself",
            "rotationPeriodInDays": "the local cloud knows no period of rotation",
            "xksKeyId": "the local cloud keeps all keys itself",
        },
        checks=key_failures,
        creates=create_key,
        reads=read_key,
        updates=update_key,
        deletes=delete_key,
    ),
    Row(
        token="aws:kms/alias:Alias",
        service="kms",
        computed=("targetKeyArn",),
        auto_name=AutoName(longest=256, start="alias/"),
        in_place=frozenset({"targetKeyId"}),
        only=frozenset({"name", "targetKeyId"}),
        creates=create_alias,
        reads=read_alias,
        updates=update_alias,
        deletes=delete_alias,
    ),
)
