"""What a bucket is told besides: its policy, and how long objects live. Both are the whole of their kind, and updated in place.

Terraform's aws_s3_bucket_policy and aws_s3_bucket_lifecycle_configuration. Of lifecycle rules these have what a prefix and days say.
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.contracts import tokens
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state

RULE = frozenset({"id", "status", "filter", "expiration", "abortIncompleteMultipartUpload"})


def put_policy(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutBucketPolicy; the id is the bucket."""
    require(session.client("s3"), "PutBucketPolicy", Bucket=inputs["bucket"], Policy=inputs["policy"])
    return inputs["bucket"], {**inputs, **common_state(session, row, inputs)}


def read_policy(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetBucketPolicy; one that means the same is no drift."""
    answer = found(session, "GetBucketPolicy", id_, "NoSuchBucketPolicy")
    if answer is None:
        return None
    own = inputs.get("policy")
    live = answer["Policy"]
    same = isinstance(own, str) and json.loads(own) == json.loads(live)
    fresh = {**inputs, "bucket": id_, "policy": own if same else live}
    return fresh, {**fresh, **common_state(session, row, fresh)}


def delete_policy(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteBucketPolicy."""
    del row, state
    ensure_gone(session.client("s3"), "DeleteBucketPolicy", Bucket=id_)


def put_lifecycle(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutBucketLifecycleConfiguration; the id is the bucket."""
    rules = [_member(rule) for rule in inputs["rules"]]
    require(
        session.client("s3"),
        "PutBucketLifecycleConfiguration",
        Bucket=inputs["bucket"],
        LifecycleConfiguration={"Rules": rules},
    )
    return inputs["bucket"], {**inputs, **common_state(session, row, inputs)}


def read_lifecycle(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetBucketLifecycleConfiguration; rules that say the same are no drift."""
    answer = found(session, "GetBucketLifecycleConfiguration", id_, "NoSuchLifecycleConfiguration")
    if answer is None:
        return None
    own = inputs.get("rules") or []
    same = [_member(rule) for rule in own] == answer["Rules"]
    fresh = {**inputs, "bucket": id_, "rules": own if same else [_property(rule) for rule in answer["Rules"]]}
    return fresh, {**fresh, **common_state(session, row, fresh)}


def delete_lifecycle(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteBucketLifecycle."""
    del row, state
    ensure_gone(session.client("s3"), "DeleteBucketLifecycle", Bucket=id_)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Put again."""
    del id_, old
    put = put_policy if row.token == tokens.BUCKET_POLICY else put_lifecycle
    return put(row, session, new)[1]


def lifecycle_failures(inputs: Properties) -> list[Failure]:
    """Members of rules that this lacks, by name."""
    rules = inputs.get("rules")
    return [
        Failure(
            f"rules[{number}].{key}", "is not implemented by the local cloud's stand-in yet; it is refused, not ignored"
        )
        for number, rule in enumerate(rules if isinstance(rules, list) else [])
        for key in (sorted(rule.keys() - RULE) if isinstance(rule, dict) else [])
    ]


def _member(rule: Properties) -> dict[str, Any]:
    """A rule as S3's API has it."""
    aborted = rule.get("abortIncompleteMultipartUpload")
    expiration = rule.get("expiration")
    return {
        **({"Expiration": {"Days": int(expiration["days"])}} if expiration else {}),
        "ID": rule["id"],
        "Filter": {"Prefix": (rule.get("filter") or {}).get("prefix") or ""},
        "Status": rule["status"],
        **(
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": int(aborted["daysAfterInitiation"])}}
            if aborted
            else {}
        ),
    }


def _property(rule: dict[str, Any]) -> Properties:
    """A rule as pulumi-aws has it."""
    aborted, expiration = rule.get("AbortIncompleteMultipartUpload"), rule.get("Expiration")
    return {
        "id": rule["ID"],
        "status": rule["Status"],
        "filter": {"prefix": rule.get("Filter", {}).get("Prefix", "")},
        **({"expiration": {"days": expiration["Days"]}} if expiration else {}),
        **(
            {"abortIncompleteMultipartUpload": {"daysAfterInitiation": aborted["DaysAfterInitiation"]}}
            if aborted
            else {}
        ),
    }


def found(session: Session, operation: str, bucket: str, absent: str) -> Any:
    """The answer; None where the bucket, or what is asked of it, is not there."""
    try:
        return call(session.client("s3"), operation, Bucket=bucket)
    except GoneError:
        return None
    except ProvisionError as error:
        if absent and absent in str(error):
            return None
        raise


ROWS = (
    Row(
        token=tokens.BUCKET_POLICY,
        service="s3",
        outputs={},
        policies=frozenset({"policy"}),
        in_place=frozenset({"policy"}),
        only=frozenset({"bucket", "policy"}),
        creates=put_policy,
        reads=read_policy,
        updates=update,
        deletes=delete_policy,
    ),
    Row(
        token=tokens.BUCKET_LIFECYCLE,
        service="s3",
        outputs={},
        in_place=frozenset({"rules"}),
        only=frozenset({"bucket", "rules"}),
        checks=lifecycle_failures,
        creates=put_lifecycle,
        reads=read_lifecycle,
        updates=update,
        deletes=delete_lifecycle,
    ),
)
