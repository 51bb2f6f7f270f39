"""DELETE of one object, of many, of a bucket. In: a call; out: an answer, after what goes is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.bucket import Bucket
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.conditions import matches
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.events import Told
from fogbank.cloud.objects.shelf import Deleted, Shelf
from fogbank.cloud.objects.xml import MalformedError, document, parse, text

MOST = 1000


def one(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """DeleteObject."""
    bucket, version = shelf.bucket(call.bucket), call.query.get("versionId")
    if condition := call.headers.get("if-match"):
        current = shelf.index.current(bucket.name, call.key)
        if current is None or current.marker:
            raise S3Error("NoSuchKey", Key=call.key)
        if not matches(condition, current.etag):
            raise S3Error("PreconditionFailed", Condition="If-Match")
    deleted = _delete(shelf, bucket, call.key, version, bypass=_bypasses(call), tell=tell)
    headers = {}
    if deleted.marker or (deleted.version and deleted.version.marker):
        headers["x-amz-delete-marker"] = "true"
    if deleted.marker or version is not None:
        headers["x-amz-version-id"] = deleted.marker.id if deleted.marker else version or ""
    return Answer(status=204, headers=headers)


def _delete(shelf: Shelf, bucket: Bucket, key: str, version: str | None, *, bypass: bool, tell: Told) -> Deleted:
    deleted = shelf.delete(bucket, key, version, bypass=bypass)
    if deleted.marker:
        tell("ObjectRemoved:DeleteMarkerCreated", bucket, deleted.marker)
    elif deleted.version:
        tell("ObjectRemoved:Delete", bucket, deleted.version)
    return deleted


def _bypasses(call: Call) -> bool:
    return call.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"


def many(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """DeleteObjects: each by itself, in order."""
    try:
        root = parse(call.request.body, "Delete")
    except MalformedError as error:
        raise S3Error("MalformedXML") from error
    objects = [(text(item, "Key"), text(item, "VersionId") or None) for item in root.iterfind("Object")]
    if not 0 < len(objects) <= MOST:
        raise S3Error("MalformedXML")
    bucket = shelf.bucket(call.bucket)
    quiet = (text(root, "Quiet") or "").strip().lower() == "true"
    deleted, errors = [], []
    for key, version in objects:
        if not key:
            raise S3Error("UserKeyMustBeSpecified", "User key must be specified.")
        try:
            shelf.check_policy(bucket.name, "DeleteObjectVersion" if version else "DeleteObject", key)
            result = _delete(shelf, bucket, key, version, bypass=_bypasses(call), tell=tell)
        except S3Error as error:
            errors.append({"Key": key, "VersionId": version, "Code": error.code, "Message": error.message})
            continue
        deleted.append(_member(key, version, result))
    members = {"Deleted": [] if quiet else deleted, "Error": errors}
    return Answer(headers={"Content-Type": "application/xml"}, body=document("DeleteResult", members))


def _member(key: str, version: str | None, result: Deleted) -> dict[str, Any]:
    marker = result.marker or (result.version if result.version and result.version.marker else None)
    return {
        "Key": key,
        "VersionId": version,
        "DeleteMarker": True if marker else None,
        "DeleteMarkerVersionId": marker.id if marker else None,
    }


def bucket(shelf: Shelf, call: Call, ask: Callable[[Request], Answer]) -> Answer:
    """DeleteBucket: its owner's, once nothing is in it."""
    shelf.bucket(call.bucket)
    with shelf.closing(call.bucket):
        answer = ask(call.request)
        if answer.status < 300:
            shelf.index.drop_uploads(shelf.index.uploads(call.bucket))
            shelf.index.put_lifecycle(call.bucket, None)
        return answer
