"""S3's types under their former names, which pulumi-aws still has: the same inputs, and the same life.

Source: the pinned package, which has both names of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fogbank.contracts import tokens
from fogbank.provider.services import s3, s3_rules, s3_settings

FORMER: Mapping[str, str] = {
    "aws:s3/bucketV2:BucketV2": tokens.BUCKET,
    "aws:s3/bucketObject:BucketObject": tokens.BUCKET_OBJECT,
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": tokens.BUCKET_LIFECYCLE,
    "aws:s3/bucketVersioningV2:BucketVersioningV2": s3_settings.VERSIONING,
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": s3_settings.ENCRYPTION,
    "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2": s3_settings.CORS,
}
"""The former name of each type, and the name that it has now."""

_NOW = {row.token: row for row in (*s3.ROWS, *s3_rules.ROWS, *s3_settings.ROWS)}
ROWS = tuple(replace(_NOW[now], token=former) for former, now in FORMER.items())
