"""What happened to objects, told to whom their bucket says: queues, topics, functions and EventBridge.

In: an event's name and a version; out: the records that S3 writes, sent by requests to the cloud's own SQS, SNS and Lambda, which are in its journal
like anybody's.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from fogbank.cloud.api.bus import Bus
from fogbank.cloud.objects.bucket import Bucket, Target
from fogbank.cloud.objects.version import NULL, Version

log = logging.getLogger("fogbank.cloud")
Told = Callable[[str, Bucket, Version], None]
"""Told (event, bucket, version), such as "ObjectCreated:Put"."""
DETAIL_TYPES: Mapping[str, str] = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "LifecycleExpiration": "Object Deleted",
    "ObjectRestore:Post": "Object Restore Initiated",
    "ObjectRestore:Completed": "Object Restore Completed",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectAcl": "Object ACL Updated",
}
REASONS: Mapping[str, str] = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
    "Delete": "DeleteObject",
    "DeleteMarkerCreated": "DeleteObject",
}


class Events:
    """Sends events of an account's buckets by its bus."""

    def __init__(self, bus: Bus, account: str) -> None:
        self._bus, self._account = bus, account

    def tell(self, event: str, bucket: Bucket, version: Version) -> None:
        """Send an event to whoever wants it. What cannot be sent is logged: the object is there all the same."""
        for target in bucket.targets:
            if wants(target, event, version.key):
                self._bus.send(target.arn, json.dumps({"Records": [self._record(event, bucket, version, target.id)]}))
        if bucket.event_bridge:
            self._bus.put(bucket.region, self._event(event, bucket, version))

    def _event(self, event: str, bucket: Bucket, version: Version) -> dict[str, Any]:
        """As EventBridge has it."""
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": next((name for start, name in DETAIL_TYPES.items() if event.startswith(start)), event),
            "source": "aws.s3",
            "account": self._account,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": bucket.region,
            "resources": [bucket.arn],
            "detail": self._detail(event, bucket, version),
        }

    def _record(self, event: str, bucket: Bucket, version: Version, name: str) -> dict[str, Any]:
        thing: dict[str, Any] = {"key": quote_plus(version.key, safe="/"), "sequencer": f"{version.seq:018X}"}
        if not event.startswith("ObjectRemoved"):
            thing |= {"size": version.size, "eTag": version.etag.strip('"')}
        if version.id != NULL:
            thing["versionId"] = version.id
        return {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": bucket.region,
            "eventTime": datetime.fromtimestamp(version.modified, UTC).isoformat(timespec="milliseconds")[:23] + "Z",
            "eventName": event,
            "userIdentity": {"principalId": f"AWS:{self._account}"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": f"{version.seq:016X}", "x-amz-id-2": f"{version.seq:016X}"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": name,
                "bucket": {
                    "name": bucket.name,
                    "ownerIdentity": {"principalId": self._account},
                    "arn": bucket.arn,
                },
                "object": thing,
            },
        }

    def _detail(self, event: str, bucket: Bucket, version: Version) -> dict[str, Any]:
        thing: dict[str, Any] = {"key": version.key, "sequencer": f"{version.seq:018X}"}
        if not event.startswith(("ObjectRemoved", "LifecycleExpiration")):
            thing |= {"size": version.size, "etag": version.etag.strip('"')}
        if version.id != NULL:
            thing["version-id"] = version.id
        kind = event.partition(":")[2]
        reason = "Lifecycle Expiration" if event.startswith("Lifecycle") else REASONS.get(kind)
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": thing,
            "request-id": f"{version.seq:016X}",
            "requester": self._account,
            "source-ip-address": "127.0.0.1",
        }
        if reason and event.startswith(("ObjectCreated", "ObjectRemoved", "Lifecycle")):
            detail["reason"] = reason
        if event.endswith(("Delete", "DeleteMarkerCreated")) and "Tagging" not in event:
            detail["deletion-type"] = "Delete Marker Created" if version.marker else "Permanently Deleted"
        return detail


def wants(target: Target, event: str, key: str) -> bool:
    """Whether a target asks for the event of a key."""
    kinds = {name.removeprefix("s3:") for name in target.events}
    named = event in kinds or f"{event.partition(':')[0]}:*" in kinds
    return named and key.startswith(target.prefix) and key.endswith(target.suffix)
