"""Where the rooms of objects and of moto meet: moto's buckets in the words of the one, objects in the words of the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.store import OBJECTS_IN_JOURNAL, Store
from fogbank.cloud.moto import buckets
from fogbank.cloud.moto.bridge import Held, install, uninstall
from fogbank.cloud.moto.gateway import MotoGateway
from fogbank.cloud.moto.legacy import remembered, uploads
from fogbank.cloud.objects.adopt import adopt
from fogbank.cloud.objects.bodies import Body
from fogbank.cloud.objects.bucket import Bucket, Rule, Target
from fogbank.cloud.objects.checksums import digest
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.room import ObjectsRoom
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Version

PAGE = 1000


class MotoBuckets:
    """moto's buckets, for the objects' room."""

    def find(self, name: str) -> Bucket | None:
        """A bucket."""
        settings: dict[str, Any] | None = buckets.settings(name)
        if settings is None:
            return None
        rules = [Rule(**rule) for rule in settings.pop("rules")]
        targets = [Target(**target) for target in settings.pop("targets")]
        return Bucket(**settings, rules=rules, targets=targets)

    def names(self) -> Sequence[str]:
        """Every bucket."""
        return buckets.names()

    def allows_everyone(self, name: str, action: str, key: str) -> bool:
        """Whether anybody may."""
        return buckets.allows_everyone(name, action, key)

    def denies_everyone(self, name: str, action: str, key: str) -> bool:
        """See Buckets."""
        return buckets.denies_everyone(name, action, key)


class ObjectsInside:
    """Objects, for moto's other services."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def read(self, bucket: str, key: str, version: str | None) -> Held | None:
        """An object with its body, or nothing."""
        try:
            version_ = self._shelf.find(bucket, key, version)
        except S3Error:
            return None
        payload = self._shelf.open(version_)
        try:
            return _held(version_, payload.read())
        finally:
            payload.close()

    def write(self, bucket: str, key: str, body: bytes) -> Held:
        """Keep an object."""
        digests = digest([body])
        draft = self._shelf.blobs.draft(Payload.of(body))
        kept = Body(draft=draft, digests=digests)
        facts = {"content": {"content-type": "binary/octet-stream"}}
        version = Version(
            bucket=bucket, key=key, id="", modified=self._shelf.now(), size=len(body), etag=kept.etag, facts=facts
        )
        try:
            return _held(self._shelf.put(version, kept, {}), body)
        finally:
            draft.close()

    def remove(self, bucket: str, key: str, version: str | None) -> None:
        """Remove an object."""
        self._shelf.delete(self._shelf.bucket(bucket), key, version)

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        """Every key under a prefix."""
        keys: list[str] = []
        while rows := self._shelf.keys(bucket, prefix, keys[-1] if keys else "", PAGE):
            keys += [row.key for row in rows]
        return keys

    def has_any(self, bucket: str) -> bool:
        """Whether anything is in a bucket."""
        return self._shelf.index.has_versions(bucket)


def with_sizes(items: Iterable[Mapping[str, Any]], shelf: Shelf) -> Iterator[Mapping[str, Any]]:
    """Metrics that moto knows, S3's daily ones of buckets with what is in them here; counted when somebody reads them."""
    for item in items:
        if item["namespace"] == "AWS/S3":
            which = ("NumberOfObjects", "BucketSizeBytes").index(item["name"])
            yield {**item, "values": partial(_one_value, shelf, dict(item["dimensions"])["BucketName"], which)}
        else:
            yield item


def _one_value(shelf: Shelf, bucket: str, which: int) -> tuple[float, float, float, float]:
    value = float(shelf.index.totals(bucket)[which])
    return 1.0, value, value, value


def bring_back(moto: MotoGateway, store: Store, room: ObjectsRoom) -> None:
    """Play moto's journal back; first, once, take the objects out of one of a version in which moto kept them."""
    if store.setting(OBJECTS_IN_JOURNAL, ""):
        uninstall()
        moto.replay()
        adopt(room.shelf, remembered(), uploads())
        store.leave_objects(moto.entries_of(room.keeps))
        moto.reset()
    install(ObjectsInside(room.shelf), moto.replaying)
    moto.replay()


def _held(version: Version, body: bytes) -> Held:
    return Held(
        key=version.key,
        version=version.id,
        body=body,
        etag=version.etag,
        modified=version.modified,
        storage=version.fact("storage", "STANDARD"),
        metadata={**version.fact("content", {}), **version.fact("metadata", {})},
    )
