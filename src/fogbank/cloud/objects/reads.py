"""GET and HEAD of an object, and its attributes. In: a call; out: an answer whose body streams from its files."""

from __future__ import annotations

import re
from typing import Any

from fogbank.cloud.ground.wire import Answer
from fogbank.cloud.objects.bucket import Bucket
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.checksums import FULL_OBJECT
from fogbank.cloud.objects.conditions import check_read, http_date, range_of
from fogbank.cloud.objects.customer_keys import check_key
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.facts import ARCHIVED, checksum_headers, headers_of
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import NULL, Version
from fogbank.cloud.objects.xml import document

OVERRIDES = {
    "response-content-type": "Content-Type",
    "response-content-language": "Content-Language",
    "response-expires": "Expires",
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
}
LATIN_1 = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What a header can say."""
MOST, MOST_PARTS = 1000, 10_000
"""Parts of one page, and of an object."""
ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


def get(shelf: Shelf, call: Call) -> Answer:
    """GetObject and HeadObject."""
    version = shelf.find(call.bucket, call.key, call.query.get("versionId"))
    headers = _headers(shelf.bucket(call.bucket), version)
    check_key(version.facts, call.headers)
    check_read(call.headers, version.etag, version.modified)
    head = call.operation == "HeadObject"
    if not head and version.fact("storage") in ARCHIVED and not version.fact("restored"):
        raise S3Error("InvalidObjectState", StorageClass=version.fact("storage"))
    chosen = _part(version, call, headers) or range_of(call.headers.get("range"), version.size)
    if call.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED" and (
        chosen is None or "partNumber" in call.query
    ):
        headers |= _part_checksums(version, call) or checksum_headers(version.facts)
    headers |= {header: _said(call, name) for name, header in OVERRIDES.items() if name in call.query}
    if chosen is not None:
        headers["Content-Range"] = f"bytes {chosen[0]}-{chosen[0] + chosen[1] - 1}/{version.size}"
    headers["Content-Length"] = str(version.size if chosen is None else chosen[1])
    status = 200 if chosen is None else 206
    if head:
        return Answer(status=status, headers=headers)
    return Answer(status=status, headers=headers, payload=shelf.open(version, chosen))


def _said(call: Call, name: str) -> str:
    """What a header is to say instead. Raises S3Error for what no header can say."""
    value = call.query[name]
    if not LATIN_1.fullmatch(value):
        message = "Header value cannot be represented using ISO-8859-1."
        raise S3Error("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)
    return value


def _headers(bucket: Bucket, version: Version) -> dict[str, str]:
    headers = {
        "ETag": version.etag,
        "Last-Modified": http_date(version.modified),
        "Accept-Ranges": "bytes",
        **headers_of(version.facts),
    }
    return headers | version_header(bucket, version)


def version_header(bucket: Bucket, version: Version) -> dict[str, str]:
    """The version's id, said of buckets that have, or had, versions."""
    return {"x-amz-version-id": version.id} if bucket.versioning or version.id != NULL else {}


def _part(version: Version, call: Call, headers: dict[str, str]) -> tuple[int, int] | None:
    """The range of the part that is asked for. Raises S3Error."""
    if "partNumber" not in call.query:
        return None
    number, parts = call.number("partNumber", 1, MOST_PARTS), version.fact("parts", [])
    if "range" in call.headers:
        raise S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    if not 1 <= number <= max(1, len(parts)):
        raise S3Error("InvalidPartNumber", "The requested partnumber is not satisfiable")
    if not parts:
        return (0, version.size) if version.size else None
    headers["x-amz-mp-parts-count"] = str(len(parts))
    return sum(part["Size"] for part in parts[: number - 1]), parts[number - 1]["Size"]


def _part_checksums(version: Version, call: Call) -> dict[str, str]:
    """The checksums of the part that is asked for, where the object has parts; how they make the whole's goes with them."""
    parts = version.fact("parts", [])
    if "partNumber" not in call.query or not parts:
        return {}
    part = parts[call.number("partNumber", 1, MOST_PARTS) - 1]
    own = {name.removeprefix("Checksum"): value for name, value in part.items() if name.startswith("Checksum")}
    return checksum_headers({"checksums": own, "checksum-type": version.fact("checksum-type", FULL_OBJECT)})


def _parts(version: Version, call: Call) -> dict[str, Any] | None:
    """The parts of an object that has any, a page of them."""
    parts = version.fact("parts", [])
    after = call.number("x-amz-part-number-marker", 0, MOST_PARTS)
    most = call.number("x-amz-max-parts", MOST)
    if not parts:
        return None
    left = [part for part in parts if part["PartNumber"] > after]
    return {
        "PartsCount": len(parts),
        "PartNumberMarker": after,
        "NextPartNumberMarker": left[:most][-1]["PartNumber"] if left[:most] else 0,
        "MaxParts": most,
        "IsTruncated": len(left) > most,
        "Part": left[:most],
    }


def attributes(shelf: Shelf, call: Call) -> Answer:
    """GetObjectAttributes."""
    asked = {name.strip() for name in call.headers.get("x-amz-object-attributes", "").split(",")} - {""}
    if not asked or not asked <= ATTRIBUTES:
        raise S3Error("InvalidArgument", "Invalid attribute name specified.")
    version = shelf.find(call.bucket, call.key, call.query.get("versionId"))
    check_key(version.facts, call.headers)
    check_read(call.headers, version.etag, version.modified)
    checksums = {f"Checksum{name}": value.partition("-")[0] for name, value in version.fact("checksums", {}).items()}
    if checksums:
        checksums["ChecksumType"] = version.fact("checksum-type", FULL_OBJECT)
    members: dict[str, Any] = {
        "ETag": version.etag.strip('"'),
        "Checksum": checksums or None,
        "ObjectParts": _parts(version, call),
        "StorageClass": version.fact("storage", "STANDARD"),
        "ObjectSize": version.size,
    }
    headers = {"Content-Type": "application/xml", "Last-Modified": http_date(version.modified)}
    headers |= version_header(shelf.bucket(call.bucket), version)
    body = document("GetObjectAttributesResponse", {name: members[name] for name in members if name in asked})
    return Answer(headers=headers, body=body)
