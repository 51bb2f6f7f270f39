"""S3: a bucket, its public access block and an object. S3's API is not shaped like its resources, so these rows have verbs of their own.

What is updated in place: Terraform's aws_s3_bucket, aws_s3_bucket_public_access_block and aws_s3_object.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from fogbank.contracts import tokens
from fogbank.ground.aws import split_uri
from fogbank.provider.assets import asset_bytes
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, pairs, with_tags
from fogbank.provider.shapes import UNKNOWN

BLOCKS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}
OBJECT_KEYS = frozenset({"bucket", "key", "source", "content", "contentType", "metadata", "sourceHash", "forceDestroy"})
BUCKET_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)")
"""S3 User Guide, "General purpose bucket naming rules"."""


def exists(s3: Any, bucket: str) -> bool:
    """Whether a bucket is there. Raises ProvisionError."""
    try:
        call(s3, "HeadBucket", Bucket=bucket)
    except GoneError:
        return False
    return True


def bucket_failures(inputs: Properties) -> list[Failure]:
    """A name that S3 does not take."""
    name = inputs.get("bucket")
    if not isinstance(name, str) or name == UNKNOWN or BUCKET_NAME.fullmatch(name):
        return []
    return [
        Failure("bucket", f"InvalidBucketName: {name!r} is not valid: 3-63 lower-case letters, digits, dots, hyphens")
    ]


def create_bucket(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateBucket, then its tags."""
    s3, name = session.client("s3"), inputs["bucket"]
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    if exists(s3, name):
        raise ProvisionError(f"CreateBucket: the bucket {name} already exists; import it, or choose another name")
    require(s3, "CreateBucket", Bucket=name, **where)
    _tag_bucket(session, name, inputs)
    return name, _bucket_state(row, session, inputs)


def read_bucket(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The bucket and its tags."""
    s3 = session.client("s3")
    if not exists(s3, id_):
        return None
    try:
        live = {tag["Key"]: tag["Value"] for tag in call(s3, "GetBucketTagging", Bucket=id_)["TagSet"]}
    except ProvisionError as error:
        if "NoSuchTagSet" not in str(error):
            raise
        live = {}
    others = {key: value for key, value in inputs.items() if key not in {"tags", "tagsAll"}}
    fresh = with_tags(session, inputs, {**others, "bucket": id_}, live)
    return fresh, _bucket_state(row, session, fresh)


def update_bucket(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Tags and forceDestroy."""
    if (old.get("tags"), old.get("tagsAll")) != (new.get("tags"), new.get("tagsAll")):
        _tag_bucket(session, id_, new)
    return _bucket_state(row, session, new)


def delete_bucket(row: Row, session: Session, id_: str, state: Properties) -> None:
    """Delete; what is in it goes too where forceDestroy says so, and is an error otherwise."""
    del row
    s3 = session.client("s3")
    if not exists(s3, id_):
        return
    if state.get("forceDestroy"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=id_):
            held = [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for kind in ("Versions", "DeleteMarkers")
                for item in page.get(kind, [])
            ]
            if held:
                require(s3, "DeleteObjects", Bucket=id_, Delete={"Objects": held, "Quiet": True})
    try:
        ensure_gone(s3, "DeleteBucket", Bucket=id_)
    except ProvisionError as error:
        raise ProvisionError(f"{error}; set forceDestroy to delete a bucket with objects in it") from error


def _tag_bucket(session: Session, name: str, inputs: Properties) -> None:
    s3 = session.client("s3")
    if tags := session.settings.tags(inputs.get("tags")):
        require(s3, "PutBucketTagging", Bucket=name, Tagging={"TagSet": pairs(tags)})
    else:
        ensure_gone(s3, "DeleteBucketTagging", Bucket=name)


def _bucket_state(row: Row, session: Session, inputs: Properties) -> Properties:
    name, region = inputs["bucket"], session.client("s3").meta.region_name
    return {
        "forceDestroy": False,
        **inputs,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        **common_state(session, row, inputs),
    }


def put_block(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutPublicAccessBlock."""
    configuration = {member: bool(inputs.get(key)) for key, member in BLOCKS.items()}
    require(
        session.client("s3"),
        "PutPublicAccessBlock",
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration=configuration,
    )
    return inputs["bucket"], _block_state(row, session, inputs)


def read_block(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetPublicAccessBlock."""
    try:
        answer = call(session.client("s3"), "GetPublicAccessBlock", Bucket=id_)
    except GoneError:
        return None
    except ProvisionError as error:
        if "NoSuchPublicAccessBlockConfiguration" in str(error):
            return None
        raise
    configuration = answer["PublicAccessBlockConfiguration"]
    live = {key: configuration.get(member, False) for key, member in BLOCKS.items()}
    fresh = {**inputs, "bucket": id_, **{key: value for key, value in live.items() if value or key in inputs}}
    return fresh, _block_state(row, session, fresh)


def update_block(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """PutPublicAccessBlock again."""
    del id_, old
    return put_block(row, session, new)[1]


def delete_block(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeletePublicAccessBlock."""
    del row, state
    ensure_gone(session.client("s3"), "DeletePublicAccessBlock", Bucket=id_)


def _block_state(row: Row, session: Session, inputs: Properties) -> Properties:
    return {**dict.fromkeys(BLOCKS, False), **inputs, **common_state(session, row, inputs)}


def object_failures(inputs: Properties) -> list[Failure]:
    """Source and content are two ways to say the same; neither of them is an empty object."""
    if inputs.get("source") is not None and inputs.get("content") is not None:
        return [Failure("content", "conflicts with source")]
    return []


def put_object(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutObject."""
    source = inputs.get("source")
    content = str(inputs.get("content") or "").encode()
    extra: dict[str, Any] = {"ContentType": inputs.get("contentType"), "Metadata": inputs.get("metadata")}
    if tags := session.settings.tags(inputs.get("tags")):
        extra["Tagging"] = urlencode(tags)
    answer = require(
        session.client("s3"),
        "PutObject",
        Bucket=inputs["bucket"],
        Key=inputs["key"],
        Body=asset_bytes(source, session.settings.program) if isinstance(source, dict) else content,
        **{key: value for key, value in extra.items() if value},
    )
    return inputs["key"], _object_state(row, session, inputs, answer["ETag"])


def read_object(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The object's head and tags; an import's id is `bucket/key` or its URI."""
    s3 = session.client("s3")
    uri = id_ if id_.startswith("s3://") else f"s3://{id_}"
    bucket, key = (inputs["bucket"], inputs["key"]) if inputs else split_uri(uri)
    try:
        head = call(s3, "HeadObject", Bucket=bucket, Key=key)
        tags = {tag["Key"]: tag["Value"] for tag in call(s3, "GetObjectTagging", Bucket=bucket, Key=key)["TagSet"]}
    except GoneError:
        return None
    live = {"bucket": bucket, "key": key, "contentType": head["ContentType"], "metadata": head.get("Metadata") or None}
    kept = {
        name: value
        for name, value in live.items()
        if name in inputs or (value is not None and (name != "contentType" or not inputs))
    }
    others = {name: value for name, value in inputs.items() if name not in {*live, "tags", "tagsAll"}}
    fresh = with_tags(session, inputs, {**others, **kept}, tags)
    return fresh, _object_state(row, session, fresh, head["ETag"])


def update_object(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """PutObject again."""
    del id_, old
    return put_object(row, session, new)[1]


def delete_object(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteObject."""
    del row, id_
    ensure_gone(session.client("s3"), "DeleteObject", Bucket=state["bucket"], Key=state["key"])


def _object_state(row: Row, session: Session, inputs: Properties, etag: str) -> Properties:
    return {
        **inputs,
        "arn": f"arn:aws:s3:::{inputs['bucket']}/{inputs['key']}",
        "etag": etag.strip('"'),
        **common_state(session, row, inputs),
    }


ROWS = (
    Row(
        token=tokens.BUCKET,
        service="s3",
        computed=("bucketDomainName", "bucketRegionalDomainName"),
        auto_name=AutoName(key="bucket", prefix_key="bucketPrefix", lower=True),
        defaults={"forceDestroy": False},
        in_place=frozenset({"forceDestroy"}),
        only=frozenset({"bucket", "bucketPrefix", "forceDestroy"}),
        checks=bucket_failures,
        creates=create_bucket,
        reads=read_bucket,
        updates=update_bucket,
        deletes=delete_bucket,
    ),
    Row(
        token=tokens.BUCKET_PUBLIC_ACCESS_BLOCK,
        service="s3",
        outputs={},
        in_place=frozenset(BLOCKS),
        only=frozenset({"bucket", *BLOCKS}),
        creates=put_block,
        reads=read_block,
        updates=update_block,
        deletes=delete_block,
    ),
    Row(
        token=tokens.BUCKET_OBJECT,
        service="s3",
        computed=("etag",),
        auto_name=AutoName(key="key", prefix_key=None, longest=1024, digits=0),
        in_place=frozenset({"source", "content", "contentType", "metadata", "sourceHash", "forceDestroy"}),
        only=OBJECT_KEYS,
        checks=object_failures,
        creates=put_object,
        reads=read_object,
        updates=update_object,
        deletes=delete_object,
    ),
)
