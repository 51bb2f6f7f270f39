"""S3 as jobs and monitors see it: objects that are read, written and listed.

In: buckets and keys; out: bytes and names, or an ObjectError with S3's own words.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError


class ObjectError(Exception):
    """S3 refused, or did not answer."""


class Objects(Protocol):
    """Objects in buckets. Each call raises ObjectError."""

    def get(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object; nobody ever sees a part of it."""

    def list(self, bucket: str, prefix: str) -> list[str]:
        """The keys under a prefix, in S3's order."""

    def download(self, bucket: str, key: str, file: Path) -> None:
        """An object as a file."""


class S3Objects:
    """Objects of an S3; `client` makes a boto3 client of it."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def get(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""
        body: bytes = _call(lambda s3: s3.get_object(Bucket=bucket, Key=key)["Body"].read(), self._client)
        return body

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object in one piece."""
        _call(lambda s3: s3.put_object(Bucket=bucket, Key=key, Body=body), self._client)

    def list(self, bucket: str, prefix: str) -> list[str]:
        """The keys under a prefix, page by page."""

        def keys(s3: Any) -> list[str]:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

        listed: list[str] = _call(keys, self._client)
        return listed

    def download(self, bucket: str, key: str, file: Path) -> None:
        """An object as a file."""
        _call(lambda s3: s3.download_file(bucket, key, str(file)), self._client)


def _call(what: Callable[[Any], Any], client: Callable[[], Any]) -> Any:
    try:
        return what(client())
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise ObjectError(str(error)) from error
