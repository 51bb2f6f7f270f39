"""The bucket of a service: made for it, without public access and for requests over TLS alone, or one that is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account

CAPTURE = "capture"


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A bucket by name and ARN, and what must be there before anything lies in it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    ready: Sequence[pulumi.Resource] = ()


def brought(bucket: pulumi.Input[str], account: Account) -> Storage:
    """A bucket that is there: its access, encryption and lifecycle are its owner's."""
    name = pulumi.Output.from_input(bucket)
    return Storage(name=name, arn=pulumi.Output.format("arn:{0}:s3:::{1}", account.partition, name))


def made(
    name: str, component: pulumi.Resource, *, force_destroy: bool, capture_days: int, kms_key: pulumi.Input[str] | None
) -> Storage:
    """A bucket of the component's own."""
    child = pulumi.ResourceOptions(parent=component)
    bucket = aws.s3.Bucket(f"{name}-bucket", force_destroy=force_destroy, opts=child)
    block = aws.s3.BucketPublicAccessBlock(
        f"{name}-bucket-access",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    aws.s3.BucketPolicy(
        f"{name}-bucket-policy",
        bucket=bucket.bucket,
        policy=bucket.arn.apply(tls_policy),
        opts=pulumi.ResourceOptions(parent=component, depends_on=[block]),
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-bucket-lifecycle", bucket=bucket.bucket, rules=[_expiring(capture_days)], opts=child
    )
    ready: list[pulumi.Resource] = [block]
    if kms_key is not None:
        encryption = {"sse_algorithm": "aws:kms", "kms_master_key_id": kms_key}
        ready.append(
            aws.s3.BucketServerSideEncryptionConfiguration(
                f"{name}-bucket-encryption",
                bucket=bucket.bucket,
                rules=[{"apply_server_side_encryption_by_default": encryption, "bucket_key_enabled": True}],  # type: ignore[list-item]  # a dict of its members
                opts=child,
            )
        )
    return Storage(name=bucket.bucket, arn=bucket.arn, ready=ready)


def tls_policy(bucket_arn: str) -> str:
    """No request without TLS (S3 User Guide, "Security best practices": aws:SecureTransport)."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _expiring(days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": "captured-records",
        "status": "Enabled",
        "filter": {"prefix": f"{CAPTURE}/"},
        "expiration": {"days": days},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
    }
