"""What is said of an object after it was put: tags, grants, locks, a restore. In: calls; out: answers, and facts changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.objects.acl import acl_document, acl_of_document, acl_of_headers
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.conditions import http_date
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.events import Told
from fogbank.cloud.objects.facts import ARCHIVED, checked_retention, checked_tags, moment_of
from fogbank.cloud.objects.reads import version_header
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Version
from fogbank.cloud.objects.xml import MalformedError, document, parse, text

XML = {"Content-Type": "application/xml"}


def _version(shelf: Shelf, call: Call) -> Version:
    return shelf.find(call.bucket, call.key, call.query.get("versionId"), call.request.method)


def _headers(shelf: Shelf, version: Version) -> dict[str, str]:
    return version_header(shelf.bucket(version.bucket), version)


def get_tags(shelf: Shelf, call: Call) -> Answer:
    """GetObjectTagging."""
    version = _version(shelf, call)
    tags = [{"Key": key, "Value": value} for key, value in version.fact("tags", {}).items()]
    body = document("Tagging", {"TagSet": {"Tag": tags}})
    return Answer(headers={**XML, **_headers(shelf, version)}, body=body)


def put_tags(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """PutObjectTagging."""
    try:
        root = parse(call.request.body, "Tagging")
    except MalformedError as error:
        raise S3Error("MalformedXML") from error
    pairs = [(text(tag, "Key") or "", text(tag, "Value") or "") for tag in root.iterfind("TagSet/Tag")]
    version = shelf.describe(_version(shelf, call), tags=checked_tags(pairs) or None)
    tell("ObjectTagging:Put", shelf.bucket(call.bucket), version)
    return Answer(headers=_headers(shelf, version))


def delete_tags(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """DeleteObjectTagging."""
    version = shelf.describe(_version(shelf, call), tags=None)
    tell("ObjectTagging:Delete", shelf.bucket(call.bucket), version)
    return Answer(status=204, headers=_headers(shelf, version))


def get_acl(shelf: Shelf, call: Call) -> Answer:
    """GetObjectAcl."""
    version = _version(shelf, call)
    body = document("AccessControlPolicy", acl_document(version.fact("acl")))
    return Answer(headers={**XML, **_headers(shelf, version)}, body=body)


def put_acl(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """PutObjectAcl."""
    grants = acl_of_headers(call.headers) or acl_of_document(call.request.body)
    version = shelf.describe(_version(shelf, call), acl=grants)
    tell("ObjectAcl:Put", shelf.bucket(call.bucket), version)
    return Answer(headers=_headers(shelf, version))


def _check_lock(shelf: Shelf, call: Call) -> None:
    if not shelf.bucket(call.bucket).lock_enabled:
        raise S3Error("InvalidRequest", "Bucket is missing Object Lock Configuration")


def get_retention(shelf: Shelf, call: Call) -> Answer:
    """GetObjectRetention."""
    _check_lock(shelf, call)
    retention = _version(shelf, call).fact("retention")
    if not retention:
        raise S3Error("NoSuchObjectLockConfiguration")
    return Answer(headers=XML, body=document("Retention", retention))


def put_retention(shelf: Shelf, call: Call) -> Answer:
    """PutObjectRetention: a lock grows; only GOVERNANCE, bypassed, shrinks."""
    _check_lock(shelf, call)
    version = _version(shelf, call)
    try:
        root = parse(call.request.body, "Retention")
    except MalformedError as error:
        raise S3Error("MalformedXML") from error
    mode, until = text(root, "Mode"), text(root, "RetainUntilDate")
    wanted = checked_retention(mode or "", until or "", shelf.now()) if mode or until else None
    existing = version.fact("retention")
    if existing and moment_of(existing["RetainUntilDate"]) > shelf.now():
        shorter = wanted is None or moment_of(wanted["RetainUntilDate"]) < moment_of(existing["RetainUntilDate"])
        weaker = shorter or (existing["Mode"] == "COMPLIANCE" and wanted is not None and wanted["Mode"] != "COMPLIANCE")
        bypass = call.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
        if weaker and not (bypass and existing["Mode"] == "GOVERNANCE"):
            raise S3Error("AccessDenied", "Access Denied because object protected by object lock.")
    shelf.describe(version, retention=wanted)
    return Answer()


def get_hold(shelf: Shelf, call: Call) -> Answer:
    """GetObjectLegalHold."""
    _check_lock(shelf, call)
    hold = _version(shelf, call).fact("hold")
    if not hold:
        raise S3Error("NoSuchObjectLockConfiguration")
    return Answer(headers=XML, body=document("LegalHold", {"Status": hold}))


def put_hold(shelf: Shelf, call: Call) -> Answer:
    """PutObjectLegalHold."""
    _check_lock(shelf, call)
    try:
        status = text(parse(call.request.body, "LegalHold"), "Status")
    except MalformedError as error:
        raise S3Error("MalformedXML") from error
    if status not in {"ON", "OFF"}:
        raise S3Error("MalformedXML")
    shelf.describe(_version(shelf, call), hold=status)
    return Answer()


def restore(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """RestoreObject: at once, for as many days as were asked for."""
    version = _version(shelf, call)
    if version.fact("storage") not in ARCHIVED:
        raise S3Error(
            "InvalidObjectState",
            "Restore is not allowed for the object's current storage class",
            StorageClass=version.fact("storage"),
        )
    try:
        days = int(text(parse(call.request.body, "RestoreRequest"), "Days") or "0")
    except (MalformedError, ValueError) as error:
        raise S3Error("MalformedXML") from error
    if days < 1:
        raise S3Error("InvalidArgument", "restoration days should be at least 1")
    ends = (datetime.fromtimestamp(shelf.now(), UTC) + timedelta(days=days + 1)).replace(hour=0, minute=0, second=0)
    again = version.fact("restored") is not None
    version = shelf.describe(version, restored=http_date(ends.timestamp()))
    bucket = shelf.bucket(call.bucket)
    tell("ObjectRestore:Post", bucket, version)
    tell("ObjectRestore:Completed", bucket, version)
    return Answer(status=200 if again else 202)
