"""Objects put, found and removed as versions: S3's rules of versioning and of locks, over the index.

In: buckets, keys, bodies; out: versions. Each call is one change: done, or not done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from fogbank.cloud.ground.payload import Payload, Piece
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.bodies import Body
from fogbank.cloud.objects.bucket import ENABLED, SUSPENDED, Bucket, Buckets
from fogbank.cloud.objects.conditions import check_write, cut
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.facts import moment_of
from fogbank.cloud.objects.index import Index
from fogbank.cloud.objects.listing import successor
from fogbank.cloud.objects.version import NULL, Pieces, Version


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """What a DELETE did: `marker` is the one it made, `version` the one it removed, if any."""

    marker: Version | None = None
    version: Version | None = None


class Shelf:
    """All objects of one cloud. `now` is the cloud's time."""

    def __init__(self, index: Index, buckets: Buckets, now: Callable[[], float]) -> None:
        self.index, self.buckets, self.now = index, buckets, now
        self._closing: set[str] = set()

    @property
    def blobs(self) -> Blobs:
        """Where bodies lie."""
        return self.index.blobs

    def bucket(self, name: str) -> Bucket:
        """A bucket. Raises S3Error."""
        bucket = self.buckets.find(name)
        if bucket is None or name in self._closing:
            raise S3Error("NoSuchBucket", BucketName=name)
        return bucket

    def check_owner(self, name: str, account: str | None) -> None:
        """Raises S3Error where a bucket is not of the account that the client expects."""
        if account and (bucket := self.bucket(name)).account and account != bucket.account:
            raise S3Error("AccessDenied")

    @contextmanager
    def closing(self, name: str) -> Iterator[None]:
        """While a bucket is being deleted nothing is put in it. Raises S3Error where something is in it."""
        with self.index.reading():
            if self.index.has_versions(name):
                raise S3Error("BucketNotEmpty", BucketName=name)
            self._closing.add(name)
        try:
            yield
        finally:
            self._closing.discard(name)

    def check_policy(self, name: str, action: str, key: str) -> None:
        """Raises S3Error where the bucket's policy denies everybody this of a key."""
        if self.buckets.denies_everyone(name, f"s3:{action}", key):
            raise S3Error("AccessDenied")

    def find(self, bucket: str, key: str, version: str | None = None, method: str = "GET") -> Version:
        """The object, or one version of it, for what `method` does. Raises S3Error as S3 does at markers and at nothing."""
        versioning = self.bucket(bucket).versioning
        if version is None:
            current = self.index.current(bucket, key)
            if current is None or current.marker:
                headers = {"x-amz-delete-marker": "true", "x-amz-version-id": current.id} if current else {}
                raise S3Error("NoSuchKey", "", headers, Key=key)
            return current
        found = self.index.version(bucket, key, version)
        if found is None and not versioning and version != NULL:
            message = "Invalid version id specified"
            raise S3Error("InvalidArgument", message, ArgumentName="versionId", ArgumentValue=version)
        if found is None:
            raise S3Error("NoSuchVersion", Key=key, VersionId=version)
        if found.marker:
            headers = {"x-amz-delete-marker": "true", "x-amz-version-id": found.id, "Allow": "DELETE"}
            raise S3Error("MethodNotAllowed", "", headers, Method=method, ResourceType="DeleteMarker")
        return found

    def open(self, version: Version, chosen: tuple[int, int] | None = None) -> Payload:
        """A version's bytes, or (first, length) of them; they stay until the payload is closed. Raises S3Error."""
        with self.index.reading():
            pieces = self.index.pieces(version.seq)
            if not pieces and version.size:
                raise S3Error("NoSuchKey", Key=version.key)
            release = self.blobs.hold([name for name, _ in pieces])
        files = tuple(Piece(self.blobs.file(name), 0, size) for name, size in pieces)
        return Payload(pieces=cut(files, *chosen) if chosen else files, closing=release)

    def put(self, version: Version, body: Body, conditions: Mapping[str, str]) -> Version:
        """Keep a body as an object's latest version. Raises S3Error, OSError."""
        with self.index.change():
            self.blobs.place(body.draft, body.digests.sha256)
            return self.write(version, [(body.digests.sha256, body.digests.size)], conditions)

    def write(self, version: Version, pieces: Pieces, conditions: Mapping[str, str]) -> Version:
        """Let files that are there be an object's latest version. Within a change. Raises S3Error."""
        bucket = self.bucket(version.bucket)
        if "if-match" in conditions or "if-none-match" in conditions:
            current = self.index.current(version.bucket, version.key)
            check_write(conditions, current.etag if current and not current.marker else None)
        named = replace(version, id=new_id() if bucket.versioning == ENABLED else NULL)
        return replace(named, seq=self.index.add(named, pieces))

    def delete(self, bucket: Bucket, key: str, version: str | None, *, bypass: bool = False) -> Deleted:
        """Remove a version, or lay a marker over the object. Raises S3Error for one that is locked."""
        with self.index.change():
            if version is not None:
                existing = self.index.version(bucket.name, key, version)
                if existing is None:
                    return Deleted()
                self.check_unlocked(existing, bypass=bypass)
                self.index.drop(existing)
                return Deleted(version=existing)
            if bucket.versioning not in {ENABLED, SUSPENDED}:
                existing = self.index.version(bucket.name, key, NULL)
                if existing:
                    self.index.drop(existing)
                return Deleted(version=existing)
            name = new_id() if bucket.versioning == ENABLED else NULL
            marker = Version(bucket=bucket.name, key=key, id=name, modified=self.now(), marker=True)
            return Deleted(marker=replace(marker, seq=self.index.add(marker, ())))

    def check_unlocked(self, version: Version, *, bypass: bool) -> None:
        """Raises S3Error where a lock keeps a version."""
        retention = version.fact("retention")
        kept = version.fact("hold") == "ON"
        if retention and moment_of(retention["RetainUntilDate"]) > self.now():
            kept = kept or retention["Mode"] == "COMPLIANCE" or not bypass
        if kept:
            raise S3Error("AccessDenied", "Access Denied because object protected by object lock.")

    def describe(self, version: Version, **changes: Any) -> Version:
        """Change facts of a version; one that is None goes. Raises S3Error where the version went meanwhile."""
        with self.index.change():
            current = self.index.version(version.bucket, version.key, version.id)
            if current is None or current.seq != version.seq:
                raise S3Error("NoSuchKey", Key=version.key)
            facts = {name: value for name, value in {**current.facts, **changes}.items() if value is not None}
            self.index.describe(current, facts)
            return replace(current, facts=facts)

    def keys(self, bucket: str, prefix: str, start: str, limit: int) -> Sequence[Version]:
        """Objects under a prefix after a key."""
        lower = max(prefix, start)
        return self.index.latest(bucket, lower, successor(prefix), limit, after=lower == start and bool(start))


def new_id() -> str:
    """An id of a version, 32 characters as S3's are."""
    return secrets.token_urlsafe(24)
