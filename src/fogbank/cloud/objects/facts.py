"""What a client says of an object in headers, kept as it is and said again.

In: headers of a PUT, a copy or an upload; out: facts, a JSON object; and facts as the headers of a GET.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fogbank.cloud.objects.acl import acl_of_headers
from fogbank.cloud.objects.bucket import Bucket
from fogbank.cloud.objects.conditions import iso
from fogbank.cloud.objects.customer_keys import FACT, key_headers, key_of
from fogbank.cloud.objects.errors import S3Error

META = "x-amz-meta-"
KEPT = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")
DEFAULT_TYPE = "binary/octet-stream"
CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
    }
)
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
ENCRYPTION = {
    "x-amz-server-side-encryption": "SSEAlgorithm",
    "x-amz-server-side-encryption-aws-kms-key-id": "KMSMasterKeyID",
    "x-amz-server-side-encryption-bucket-key-enabled": "BucketKeyEnabled",
}
ALGORITHMS = frozenset({"AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"})
"""Ways in which S3 encrypts."""
LARGEST_METADATA = 2048
MODES = frozenset({"GOVERNANCE", "COMPLIANCE"})
TAG = re.compile(r"[\w\s+\-=.:/@]*")


def facts_of(headers: Mapping[str, str], bucket: Bucket, now: float) -> dict[str, Any]:
    """Everything that the headers of a new object say of it. Raises S3Error."""
    facts: dict[str, Any] = described(headers)
    storage = headers.get("x-amz-storage-class", "STANDARD")
    if storage not in CLASSES:
        raise S3Error("InvalidStorageClass", StorageClassRequested=storage)
    facts["storage"] = storage
    facts["tags"] = tags_of(headers.get("x-amz-tagging", ""))
    facts["acl"] = acl_of_headers(headers)
    facts["encryption"] = {name: headers[header] for header, name in ENCRYPTION.items() if header in headers} or dict(
        bucket.encryption
    )
    algorithm = headers.get("x-amz-server-side-encryption", "AES256")
    if algorithm not in ALGORITHMS:
        raise S3Error(
            "InvalidArgument",
            "The encryption method specified is not supported",
            ArgumentName="x-amz-server-side-encryption",
            ArgumentValue=algorithm,
        )
    if key := key_of(headers):
        facts |= {FACT: key, "encryption": {}}
    facts |= lock_of(headers, bucket, now)
    return {name: value for name, value in facts.items() if value}


def described(headers: Mapping[str, str]) -> dict[str, Any]:
    """What a copy with REPLACE says anew: metadata and the content's headers. Raises S3Error."""
    metadata = {name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)}
    if sum(len(name) + len(value.encode()) for name, value in metadata.items()) > LARGEST_METADATA:
        raise S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    content = {name: headers[name] for name in KEPT if headers.get(name)}
    encodings = [item.strip() for item in content.pop("content-encoding", "").split(",")]
    if encoding := ",".join(item for item in encodings if item and item != "aws-chunked"):
        content["content-encoding"] = encoding
    facts: dict[str, Any] = {"metadata": metadata, "content": {"content-type": DEFAULT_TYPE, **content}}
    if redirect := headers.get("x-amz-website-redirect-location"):
        facts["redirect"] = redirect
    return facts


def tags_of(query: str) -> dict[str, str]:
    """The tags of an x-amz-tagging header. Raises S3Error."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return checked_tags(pairs)


def checked_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """At most ten tags, each once, of AWS's letters. Raises S3Error."""
    tags = dict(pairs)
    if len(pairs) > 10:
        raise S3Error("BadRequest", "Object tags cannot be greater than 10")
    if len(tags) < len(pairs):
        raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key")
    for key, value in pairs:
        if key.startswith("aws:"):
            raise S3Error("InvalidTag", "Your TagKey cannot be prefixed with aws:")
        if not 0 < len(key) <= 128 or not TAG.fullmatch(key):
            raise S3Error("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > 256 or not TAG.fullmatch(value):
            raise S3Error("InvalidTag", "The TagValue you have provided is invalid")
    return tags


def lock_of(headers: Mapping[str, str], bucket: Bucket, now: float) -> dict[str, Any]:
    """The words of a lock, from the headers or from the bucket's default. Raises S3Error."""
    mode, until = headers.get("x-amz-object-lock-mode"), headers.get("x-amz-object-lock-retain-until-date")
    hold = headers.get("x-amz-object-lock-legal-hold")
    if (mode or until or hold) and not bucket.lock_enabled:
        raise S3Error("InvalidRequest", "Bucket is missing ObjectLockConfiguration")
    if (mode is None) != (until is None):
        raise S3Error(
            "InvalidArgument", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        )
    facts: dict[str, Any] = {}
    if hold:
        facts["hold"] = hold
    if mode and until:
        facts["retention"] = checked_retention(mode, until, now)
    elif bucket.default_lock:
        mode, days = bucket.default_lock
        facts["retention"] = {"Mode": mode, "RetainUntilDate": iso(now + days * 86400)}
    return facts


def checked_retention(mode: str, until: str, now: float) -> dict[str, str]:
    """A retention that S3 takes. Raises S3Error."""
    if mode not in MODES:
        raise S3Error("InvalidArgument", "Unknown wormMode directive.")
    try:
        ends = moment_of(until)
    except ValueError as error:
        raise S3Error("InvalidArgument", "The retain until date must be provided in ISO 8601 format") from error
    if ends <= now:
        raise S3Error("InvalidArgument", "The retain until date must be in the future!")
    return {"Mode": mode, "RetainUntilDate": until}


def moment_of(text: str) -> float:
    """An ISO date as seconds. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()


def headers_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """The facts that a GET and a HEAD say in headers."""
    headers = {_title(name): str(value) for name, value in facts.get("content", {}).items()}
    headers |= {META + name: value for name, value in facts.get("metadata", {}).items()}
    if facts.get("storage", "STANDARD") != "STANDARD":
        headers["x-amz-storage-class"] = facts["storage"]
    headers |= encryption_headers(facts)
    if tags := facts.get("tags"):
        headers["x-amz-tagging-count"] = str(len(tags))
    if redirect := facts.get("redirect"):
        headers["x-amz-website-redirect-location"] = redirect
    if hold := facts.get("hold"):
        headers["x-amz-object-lock-legal-hold"] = hold
    if retention := facts.get("retention"):
        headers["x-amz-object-lock-mode"] = retention["Mode"]
        headers["x-amz-object-lock-retain-until-date"] = retention["RetainUntilDate"]
    if restored := facts.get("restored"):
        headers["x-amz-restore"] = f'ongoing-request="false", expiry-date="{restored}"'
    return headers


def encryption_headers(facts: Mapping[str, Any]) -> dict[str, str]:
    """What is said of encryption."""
    encryption = facts.get("encryption", {})
    said = {header: str(encryption[name]) for header, name in ENCRYPTION.items() if name in encryption}
    return said | key_headers(facts)


def checksum_headers(facts: Mapping[str, Any]) -> dict[str, str]:
    """What is said of checksums, when it is asked for."""
    checksums = facts.get("checksums", {})
    headers = {f"x-amz-checksum-{name.lower()}": value for name, value in checksums.items()}
    if checksums:
        headers["x-amz-checksum-type"] = facts.get("checksum-type", "FULL_OBJECT")
    return headers


def _title(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))
