"""AWS's own forms: S3 URIs and keys, and the one place where a boto3 client is made.

boto3 is imported when a client is made: rooms that only take URIs apart do not carry it.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

SCHEME = "s3://"
LOCAL_ACCOUNT = "123456789012"
LOCAL_ACCESS_KEY = "fogbank-local"
LOCAL_SECRET_KEY = "fogbank-local"  # noqa: S105 - what stands where a secret has to; the cloud's own is random


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://bucket/key` URI; a key may hold any character. Raises ValueError.

    >>> split_uri("s3://b/a/c.csv")
    ('b', 'a/c.csv')
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise ValueError(f"not an S3 URI: {uri!r}")
    return bucket, key


def join_key(*parts: str) -> str:
    """An S3 key of those parts that are not empty; the last part is the key as it is, the others are folders.

    >>> join_key("out/", "", "a/b.csv")
    'out/a/b.csv'
    """
    kept = [part.strip("/") for part in parts[:-1]]
    return "/".join(part for part in (*kept, parts[-1]) if part)


def account_client(service: str, region: str, profile: str = "", url: str = "") -> Any:
    """A boto3 client as a stack says it: its region and profile, else boto3's own defaults, with boto3's retries. Raises BotoCoreError."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(profile_name=profile or None, region_name=region or None)
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, s3={"addressing_style": "auto"})
    return session.client(service, endpoint_url=url or None, config=config)


_MAKING = threading.Lock()
"""A session makes one client at a time."""


@cache
def _session() -> Any:
    """What clients of local clouds are made from: the models of services are read once for all of them, which is nine tenths of the work."""
    import boto3

    return boto3.session.Session()


class LocalClients:
    """boto3 clients of a local cloud at `url`, each made once, safe from many threads. `secret` is the cloud's key.

    `read_timeout_s` is how long an answer may take; `attempts` how often a call is made that finds no answer; `summed` whether bodies get
    checksums of their own.
    """

    def __init__(
        self,
        url: str,
        secret: str = LOCAL_SECRET_KEY,
        *,
        read_timeout_s: float = 70,
        attempts: int = 1,
        connections: int = 10,
        summed: bool = True,
    ) -> None:
        self.url, self._secret = url, secret
        self._read_timeout_s, self._attempts, self._connections = read_timeout_s, attempts, connections
        self._sums = "when_supported" if summed else "when_required"
        self._made: dict[tuple[str, str], Any] = {}

    def __call__(self, service: str, region: str) -> Any:
        """A client of a region's service."""
        with _MAKING:
            if (service, region) not in self._made:
                self._made[service, region] = self._make(service, region)
            return self._made[service, region]

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": self._attempts},
            read_timeout=self._read_timeout_s,
            max_pool_connections=self._connections,
            request_checksum_calculation=self._sums,
            s3={"addressing_style": "path"},
            proxies={},
        )
        return _session().client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=LOCAL_ACCESS_KEY,
            aws_secret_access_key=self._secret,
            config=config,
        )
