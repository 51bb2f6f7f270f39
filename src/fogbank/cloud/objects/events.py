"""What happened to objects, told to whom their bucket says: queues, topics and EventBridge.

In: an event's name and a version; out: the records that S3 writes, sent by requests to the cloud's own SQS and SNS, which are in its journal
like anybody's.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.bucket import Bucket, Target
from fogbank.cloud.objects.version import NULL, Version

log = logging.getLogger("fogbank.cloud")
Told = Callable[[str, Bucket, Version], None]
"""Told (event, bucket, version), such as "ObjectCreated:Put"."""
Rules = Callable[[str, Mapping[str, Any]], tuple[Sequence[str], bool]]
"""Given a region and an event: the ARNs of the targets of every rule that it matches, and whether PutEvents reaches just those."""
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
    """Sends events by `ask`, which answers a request to the cloud; `rules` are the targets that EventBridge has for an event."""

    def __init__(self, ask: Callable[[Request], Answer], rules: Rules, account: str) -> None:
        self._ask, self._rules, self._account = ask, rules, account

    def tell(self, event: str, bucket: Bucket, version: Version) -> None:
        """Send an event to whoever wants it. What cannot be sent is logged: the object is there all the same."""
        for target in bucket.targets:
            if wants(target, event, version.key):
                self._send(target.arn, json.dumps({"Records": [self._record(event, bucket, version, target.id)]}))
        if bucket.event_bridge:
            self._put_on_bus(bucket.region, self._event(event, bucket, version))

    def _put_on_bus(self, region: str, event: Mapping[str, Any]) -> None:
        """Let EventBridge send the event; where one of the targets is none that it reaches, each gets it from here."""
        arns, reached = self._rules(region, event)
        if not reached:
            for arn in arns:
                self._send(arn, json.dumps(event))
        elif arns:
            entry = {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
                "Resources": event["resources"],
                "Time": int(datetime.fromisoformat(event["time"]).timestamp()),
            }
            self._json("events", region, "AWSEvents.PutEvents", {"Entries": [entry]})

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

    def _send(self, arn: str, message: str) -> None:
        _, _, service, region, _, name = arn.split(":", 5)
        if service == "sqs":
            url = f"http://127.0.0.1/{self._account}/{name}"
            self._json("sqs", region, "AmazonSQS.SendMessage", {"QueueUrl": url, "MessageBody": message})
        elif service == "sns":
            form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": arn, "Message": message}
            kind = {"content-type": "application/x-www-form-urlencoded", "host": "127.0.0.1"}
            self._answered(_request("sns", region, kind, urlencode(form).encode()))
        elif service == "logs":
            stream = {
                "logGroupName": name.removeprefix("log-group:").removesuffix(":*"),
                "logStreamName": str(uuid.uuid4()),
            }
            entry = {"timestamp": int(time.time() * 1000), "message": message}
            self._json("logs", region, "Logs_20140328.CreateLogStream", stream)
            self._json("logs", region, "Logs_20140328.PutLogEvents", {**stream, "logEvents": [entry]})
        else:
            log.warning("the local cloud sends no events of S3 to %s yet", arn)

    def _json(self, service: str, region: str, operation: str, body: Mapping[str, Any]) -> None:
        headers = {"x-amz-target": operation, "content-type": "application/x-amz-json-1.0", "host": "127.0.0.1"}
        self._answered(_request(service, region, headers, json.dumps(body).encode()))

    def _answered(self, request: Request) -> None:
        answer = self._ask(request)
        if answer.status >= 400:
            log.warning("an event of S3 was refused: %s", answer.body[:500].decode(errors="replace"))

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


def _request(service: str, region: str, headers: Mapping[str, str], body: bytes) -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=fogbank/20200101/{region}/{service}/aws4_request"
    return Request(method="POST", path="/", query="", headers={**headers, "authorization": scope}, body=body)
