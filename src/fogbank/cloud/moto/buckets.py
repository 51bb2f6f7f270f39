"""moto's buckets, as the objects' room sees them: their settings as frozen values, read from moto's memory.

In: a name; out: what the bucket is set to, in a form of this room's own that whoever asks turns into words of theirs.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fogbank.cloud.moto.internals import bucket

EVERYONE: tuple[Any, ...] = ("*", {"AWS": "*"}, {"AWS": ["*"]})
"""A statement's principals that are everybody."""
GRANTED = {
    **dict.fromkeys(("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"), "READ"),
    **dict.fromkeys(("s3:PutObject", "s3:DeleteObject"), "WRITE"),
}
"""What a bucket's grants let anybody do: READ is for its listing, not for what is in it."""
Settings = dict[str, Any]
"""Arguments of a bucket's words: name, region, account, versioning, lock_enabled, default_lock, encryption, rules, targets, event_bridge."""


def names() -> list[str]:
    """Every bucket."""
    from moto.s3.models import s3_backends

    return sorted(s3_backends.bucket_accounts)


def settings(name: str) -> Settings | None:
    """What a bucket is set to; None where there is none."""
    known = bucket(name)
    if known is None:
        return None
    notified = known.notification_configuration
    default = (known.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
    return {
        "name": known.name,
        "region": known.region_name,
        "account": known.account_id,
        "versioning": known.versioning_status or "",
        "lock_enabled": bool(known.object_lock_enabled),
        "default_lock": _default_lock(known),
        "encryption": {key: str(value) for key, value in default.items() if value},
        "rules": [_rule(rule) for rule in known.rules if rule.status == "Enabled"],
        "targets": [_target(kind) for kind in (*notified.queue, *notified.topic, *notified.cloud_function)]
        if notified
        else [],
        "event_bridge": bool(notified and notified.event_bridge is not None),
    }


def allows_everyone(name: str, action: str, key: str) -> bool:
    """Whether a bucket's policy, or its grants, let anybody do this to a key, or, where it is empty, to the bucket itself."""
    from moto.iam.access_control import PermissionResult

    known = bucket(name)
    if known is None:
        return True
    permission = known.get_permission(action, f"{known.arn}/{key}" if key else known.arn)
    granted = GRANTED.get(action)
    return bool(permission == PermissionResult.PERMITTED) or (
        permission != PermissionResult.DENIED and granted is not None and _grants_everyone(known.acl, granted)
    )


def denies_everyone(name: str, action: str, key: str) -> bool:
    """Whether a bucket's policy denies everybody this; a Deny of some principals, or under a condition, is not looked at."""
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    known = bucket(name)
    if known is None or not known.policy:
        return False
    written = json.loads(known.policy)["Statement"]
    statements = written if isinstance(written, list) else [written]
    return any(
        IAMPolicyStatement(statement).is_action_permitted(action, f"{known.arn}/{key}") == PermissionResult.DENIED
        for statement in statements
        if statement["Effect"] == "Deny" and statement.get("Principal") in EVERYONE and not statement.get("Condition")
    )


def _grants_everyone(acl: Any, permission: str) -> bool:
    return any(
        grantee.uri.endswith("/AllUsers") and {permission, "FULL_CONTROL"} & set(grant.permissions)
        for grant in (acl.grants if acl else ())
        for grantee in grant.grantees
    )


def _default_lock(known: Any) -> tuple[str, int] | None:
    if not known.has_default_lock:
        return None
    return known.default_lock_mode, int(known.default_lock_days or 0) + 365 * int(known.default_lock_years or 0)


def _rule(rule: Any) -> Settings:
    chosen = rule.filter
    both = chosen.and_filter if chosen else None
    tags = dict(both.tags or {}) if both else {}
    if chosen and chosen.tag_key:
        tags[chosen.tag_key] = chosen.tag_value or ""
    prefix = rule.prefix or (chosen.prefix if chosen else None) or (both.prefix if both else None) or ""
    return {
        "id": rule.id or "",
        "prefix": prefix,
        "tags": tags,
        "days": _number(rule.expiration_days),
        "date": _moment(rule.expiration_date),
        "noncurrent_days": _number(rule.nve_noncurrent_days),
        "abort_days": _number(rule.aimu_days),
        "markers": str(rule.expired_object_delete_marker).lower() == "true",
    }


def _number(text: Any) -> int | None:
    return int(text) if text not in {None, ""} else None


def _moment(text: Any) -> float | None:
    with contextlib.suppress(ValueError, TypeError):
        return datetime.fromisoformat(text).timestamp()
    return None


def _target(notification: Any) -> Settings:
    rules: Iterable[Any] = notification.filters.get("S3Key", {}).get("FilterRule", [])
    parts = {rule["Name"].lower(): rule["Value"] or "" for rule in ([rules] if isinstance(rules, dict) else rules)}
    return {
        "id": notification.id,
        "arn": notification.arn,
        "events": list(notification.events),
        "prefix": parts.get("prefix", ""),
        "suffix": parts.get("suffix", ""),
    }
