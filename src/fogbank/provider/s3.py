"""S3's types: a bucket, its public access block and an object. S3's API is not shaped like its resources, so this is code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts import tokens
from fogbank.provider.resource import Allowed, Clients, Difference, Failure, Properties, ProvisionError, difference

TAGS = frozenset({"tags", "tagsAll"})
BLOCKS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


class Bucket:
    """aws.s3.Bucket: name, tags and forceDestroy."""

    token = tokens.BUCKET
    _allowed = Allowed(keys=frozenset({"bucket", "bucketPrefix", "forceDestroy", "tags", "region"}))

    def check(self, inputs: Properties) -> list[Failure]:
        """Refuse what is not implemented."""
        return self._allowed.failures(inputs)

    def diff(self, old: Properties, new: Properties) -> Difference:
        """The name and the region force a replacement."""
        return difference(old, new, TAGS | {"forceDestroy"})

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Create, then tag."""
        s3, name = clients("s3"), inputs["bucket"]
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        if _exists(s3, name):
            raise ProvisionError(f"CreateBucket: the bucket {name} already exists; import it, or choose another name")
        s3.create_bucket(Bucket=name, **where)
        _tag_bucket(s3, name, inputs)
        return name, _bucket_state(s3, inputs)

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The bucket and its tags."""
        s3 = clients("s3")
        if not _exists(s3, id_):
            return None
        live = {"bucket": id_, "tags": _bucket_tags(s3, id_)}
        fresh = {**inputs, **{key: value for key, value in live.items() if value or key in inputs}}
        return fresh, _bucket_state(s3, fresh)

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """Tags and forceDestroy."""
        s3 = clients("s3")
        if old.get("tags") != new.get("tags"):
            _tag_bucket(s3, id_, new)
        return _bucket_state(s3, new)

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Delete; what is in it goes too where forceDestroy says so, and is an error otherwise."""
        s3 = clients("s3")
        if not _exists(s3, id_):
            return
        if state.get("forceDestroy"):
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=id_):
                held = [
                    {"Key": item["Key"], "VersionId": item["VersionId"]}
                    for kind in ("Versions", "DeleteMarkers")
                    for item in page.get(kind, [])
                ]
                if held:
                    s3.delete_objects(Bucket=id_, Delete={"Objects": held, "Quiet": True})
        try:
            s3.delete_bucket(Bucket=id_)
        except ClientError as error:
            raise ProvisionError(
                f"DeleteBucket {id_}: {error}; set forceDestroy to delete a bucket with objects in it"
            ) from error


class PublicAccessBlock:
    """aws.s3.BucketPublicAccessBlock."""

    token = tokens.BUCKET_PUBLIC_ACCESS_BLOCK
    _allowed = Allowed(keys=frozenset({"bucket", "region", *BLOCKS}), required=frozenset({"bucket"}))

    def check(self, inputs: Properties) -> list[Failure]:
        """Refuse what is not implemented."""
        return self._allowed.failures(inputs)

    def diff(self, old: Properties, new: Properties) -> Difference:
        """The bucket forces a replacement."""
        return difference(old, new, frozenset(BLOCKS))

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Put the configuration."""
        _put_block(clients("s3"), inputs)
        return inputs["bucket"], self._state(clients, inputs)

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The configuration."""
        try:
            found = clients("s3").get_public_access_block(Bucket=id_)["PublicAccessBlockConfiguration"]
        except ClientError:
            return None
        live = {key: found.get(member, False) for key, member in BLOCKS.items()}
        fresh = {**inputs, "bucket": id_, **{key: value for key, value in live.items() if value or key in inputs}}
        return fresh, self._state(clients, fresh)

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """Put the configuration."""
        _put_block(clients("s3"), new)
        return self._state(clients, new)

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Remove the configuration."""
        s3 = clients("s3")
        if _exists(s3, id_):
            s3.delete_public_access_block(Bucket=id_)

    @staticmethod
    def _state(clients: Clients, inputs: Properties) -> Properties:
        return {
            **dict.fromkeys(BLOCKS, False),
            **inputs,
            "region": inputs.get("region") or clients("s3").meta.region_name,
        }


class BucketObject:
    """aws.s3.BucketObjectv2: an object from a file or from text."""

    token = tokens.BUCKET_OBJECT
    _allowed = Allowed(
        keys=frozenset(
            {
                "bucket",
                "key",
                "source",
                "content",
                "contentType",
                "metadata",
                "sourceHash",
                "tags",
                "region",
                "forceDestroy",
            }
        ),
        required=frozenset({"bucket"}),
    )

    def check(self, inputs: Properties) -> list[Failure]:
        """Refuse what is not implemented, and both or neither of source and content."""
        failures = self._allowed.failures(inputs)
        if inputs.get("source") is not None and inputs.get("content") is not None:
            failures.append(Failure("content", "conflicts with source"))
        return failures

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Bucket and key force a replacement."""
        return difference(
            old, new, TAGS | {"source", "content", "contentType", "metadata", "sourceHash", "forceDestroy"}
        )

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Put the object."""
        return inputs["key"], self._put(clients("s3"), inputs)

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The object's head; an import's id is `bucket/key`."""
        s3 = clients("s3")
        bucket, key = (inputs["bucket"], inputs["key"]) if inputs else (id_.removeprefix("s3://").partition("/")[::2])
        try:
            head = s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return None
        fresh = dict(inputs) if inputs else {"bucket": bucket, "key": key, "contentType": head["ContentType"]}
        return fresh, _object_state(s3, fresh, head["ETag"])

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """Put the object again."""
        return self._put(clients("s3"), new)

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Delete the object."""
        s3 = clients("s3")
        if _exists(s3, state["bucket"]):
            s3.delete_object(Bucket=state["bucket"], Key=state["key"])

    @staticmethod
    def _put(s3: Any, inputs: Properties) -> Properties:
        extra: dict[str, Any] = {}
        if inputs.get("contentType"):
            extra["ContentType"] = inputs["contentType"]
        if inputs.get("metadata"):
            extra["Metadata"] = inputs["metadata"]
        if inputs.get("tags"):
            extra["Tagging"] = "&".join(f"{key}={value}" for key, value in inputs["tags"].items())
        try:
            body = _content(inputs)
            found = s3.put_object(Bucket=inputs["bucket"], Key=inputs["key"], Body=body, **extra)
        except (ClientError, OSError) as error:
            raise ProvisionError(f"PutObject s3://{inputs['bucket']}/{inputs['key']}: {error}") from error
        return _object_state(s3, inputs, found["ETag"])


def _content(inputs: Properties) -> bytes:
    source = inputs.get("source")
    if isinstance(source, dict):
        return Path(source["path"]).read_bytes() if "path" in source else str(source.get("text", "")).encode()
    return str(inputs.get("content") or "").encode()


def _object_state(s3: Any, inputs: Properties, etag: str) -> Properties:
    return {
        **inputs,
        "arn": f"arn:aws:s3:::{inputs['bucket']}/{inputs['key']}",
        "etag": etag.strip('"'),
        "tagsAll": inputs.get("tags") or {},
        "region": inputs.get("region") or s3.meta.region_name,
    }


def _exists(s3: Any, name: str) -> bool:
    try:
        s3.head_bucket(Bucket=name)
    except ClientError:
        return False
    return True


def _bucket_tags(s3: Any, name: str) -> dict[str, str]:
    try:
        return {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    except ClientError:
        return {}


def _tag_bucket(s3: Any, name: str, inputs: Properties) -> None:
    tags = [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    else:
        s3.delete_bucket_tagging(Bucket=name)


def _bucket_state(s3: Any, inputs: Properties) -> Properties:
    name, region = inputs["bucket"], s3.meta.region_name
    return {
        "forceDestroy": False,
        **inputs,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "region": region,
        "tagsAll": inputs.get("tags") or {},
    }


def _put_block(s3: Any, inputs: Properties) -> None:
    configuration = {member: bool(inputs.get(key)) for key, member in BLOCKS.items()}
    s3.put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=configuration)
