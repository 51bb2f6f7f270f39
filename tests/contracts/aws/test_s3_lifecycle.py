"""The AWS API wire: a bucket's lifecycle is answered and applied as it was put, after a kill as well.

Sources: S3 API reference (PutBucketLifecycleConfiguration, LifecycleRuleAndOperator, NoncurrentVersionExpiration).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess

SIZED: dict[str, Any] = {
    "ID": "big-logs",
    "Status": "Enabled",
    "Filter": {"And": {"Prefix": "log/", "ObjectSizeGreaterThan": 1000}},
    "Expiration": {"Days": 1},
}
KEPT: dict[str, Any] = {
    "ID": "versions",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2},
}


def test_sizes_and_kept_versions_are_answered_and_a_bucket_made_again_has_none(s3: Any, unique: str) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=unique, LifecycleConfiguration={"Rules": [SIZED, KEPT]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=unique)["Rules"] == [SIZED, KEPT]
    s3.delete_bucket(Bucket=unique)
    s3.create_bucket(Bucket=unique)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=unique)
    s3.put_bucket_lifecycle_configuration(Bucket=unique, LifecycleConfiguration={"Rules": [KEPT]})
    s3.delete_bucket_lifecycle(Bucket=unique)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=unique)


def test_a_lifecycle_lives_through_a_kill_and_takes_only_what_it_names(tmp_path: Path) -> None:
    cloud = CloudProcess(tmp_path)
    cloud.start()
    try:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_bucket_lifecycle_configuration(Bucket="kept", LifecycleConfiguration={"Rules": [SIZED]})
        for key, size in (("log/small", 1), ("log/big", 2000), ("other", 2000)):
            s3.put_object(Bucket="kept", Key=key, Body=b"x" * size)
        cloud.kill()
        cloud.start()
        s3 = cloud.client("s3")
        assert s3.get_bucket_lifecycle_configuration(Bucket="kept")["Rules"] == [SIZED]
        cloud.advance(3 * 86_400)
        assert [item["Key"] for item in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["log/small", "other"]
        cloud.admin.call("reset")
        s3.create_bucket(Bucket="kept")
        with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
            s3.get_bucket_lifecycle_configuration(Bucket="kept")
    finally:
        cloud.stop()
