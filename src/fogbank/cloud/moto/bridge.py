"""moto's S3 for moto's other services: its buckets, and objects that lie elsewhere.

In: calls of moto's own (CloudFormation's templates, Lambda's code, exports of logs and tables); out: moto's keys, made when they are asked
for. It is moto's backend under another class, given to moto's own registry: nothing of moto is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from moto.s3.models import FakeKey, S3Backend, s3_backends


@dataclass(frozen=True, kw_only=True)
class Held:
    """An object as moto is told of it."""

    key: str
    version: str
    body: bytes
    etag: str
    modified: float
    storage: str = "STANDARD"
    metadata: Mapping[str, str] = field(default_factory=dict)


class Objects(Protocol):
    """Where objects are."""

    def read(self, bucket: str, key: str, version: str | None) -> Held | None:
        """An object, or nothing."""

    def write(self, bucket: str, key: str, body: bytes) -> Held:
        """Keep an object."""

    def remove(self, bucket: str, key: str, version: str | None) -> None:
        """Remove one."""

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        """The keys under a prefix."""

    def has_any(self, bucket: str) -> bool:
        """Whether anything is in a bucket."""


class Key(FakeKey):
    """A key for one look: what it holds goes with it."""

    def __del__(self) -> None:
        self.dispose()


class Bridge(S3Backend):
    """moto's backend whose objects are not its own."""

    objects: Objects
    replaying: Callable[[], bool]

    def get_object(self, bucket_name: str, key_name: str, version_id: str | None = None, *_: Any, **__: Any) -> Any:
        """A key, or None."""
        bucket = self.get_bucket(bucket_name)
        held = type(self).objects.read(bucket_name, key_name, version_id)
        return None if held is None else self._key(bucket, held)

    head_object = get_object

    def put_object(self, bucket_name: str, key_name: str, value: bytes | str, *_: Any, **__: Any) -> Any:
        """Keep what a service of moto's writes; what it wrote before the cloud was started is there already."""
        bucket = self.get_bucket(bucket_name)
        if type(self).replaying():
            return self.get_object(bucket_name, key_name)
        body = value.encode() if isinstance(value, str) else value
        return self._key(bucket, type(self).objects.write(bucket_name, key_name, body))

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, *_: Any, **__: Any
    ) -> tuple[bool, dict[str, Any]]:
        """Remove an object."""
        if not type(self).replaying():
            type(self).objects.remove(bucket_name, key_name, version_id)
        return True, {}

    def list_objects(
        self, bucket: Any, prefix: str | None, *_: Any, **__: Any
    ) -> tuple[Any, set[str], bool, str | None]:
        """Every key under a prefix."""
        keys = [self.get_object(bucket.name, key) for key in type(self).objects.keys(bucket.name, prefix or "")]
        return [key for key in keys if key is not None], set(), False, None

    def delete_bucket(self, bucket_name: str) -> Any:
        """Delete an empty bucket; None where it is not empty."""
        if not type(self).replaying() and type(self).objects.has_any(bucket_name):
            return None
        return super().delete_bucket(bucket_name)

    def _key(self, bucket: Any, held: Held) -> Any:
        key = Key(
            held.key,
            held.body,
            account_id=self.account_id,
            region_name=bucket.region_name,
            storage=held.storage,
            etag=held.etag.strip('"'),
            is_versioned=bool(bucket.versioning_status),
            version_id=held.version,
            bucket_name=bucket.name,
        )
        key.set_metadata(dict(held.metadata))
        key.last_modified = datetime.fromtimestamp(held.modified, UTC).replace(tzinfo=None)
        return key


def install(objects: Objects, replaying: Callable[[], bool]) -> None:
    """Let moto's registry make bridges to these objects from now on."""
    Bridge.objects, Bridge.replaying = objects, staticmethod(replaying)
    s3_backends.backend = Bridge
    s3_backends.clear()
    s3_backends.bucket_accounts.clear()


def uninstall() -> None:
    """Let moto's registry make moto's own backends."""
    s3_backends.backend = S3Backend
    s3_backends.clear()
    s3_backends.bucket_accounts.clear()
