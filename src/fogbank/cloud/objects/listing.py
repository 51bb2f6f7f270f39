"""Listings: pages of objects, of versions and of uploads, folded at a delimiter.

In: a bucket and a call's parameters; out: the members of S3's documents. A folded prefix is jumped over by its successor, so a page
costs what it shows and not what lies under it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fogbank.cloud.objects.acl import owner
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.conditions import iso
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.index import Index
from fogbank.cloud.objects.version import Version
from fogbank.cloud.objects.xml import Raw, inner, plain

LAST = "\U0010ffff"
MOST = 1000


def successor(prefix: str) -> str | None:
    """The first string that is after everything that begins with the prefix; None where there is none."""
    prefix = prefix.rstrip(LAST)
    if not prefix:
        return None
    last = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if 0xD800 <= last < 0xE000 else last)


def folded(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that a key is folded into; empty where it stands for itself."""
    if not delimiter:
        return ""
    end = key.find(delimiter, len(prefix))
    return key[: end + len(delimiter)] if end >= 0 else ""


@dataclass
class Page:
    """What one answer shows: versions, prefixes, and where the next begins (the last thing shown)."""

    shown: list[Version] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: str = ""

    def __len__(self) -> int:
        return len(self.shown) + len(self.prefixes)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What every listing is asked."""

    bucket: str
    prefix: str
    delimiter: str
    most: int
    encode: Callable[[str], str]

    @classmethod
    def of(cls, call: Call, most: str = "max-keys") -> Asked:
        """From a call. Raises S3Error."""
        encoding = call.query.get("encoding-type", "")
        if encoding not in {"", "url"}:
            raise S3Error(
                "InvalidArgument", "Invalid Encoding Method specified in Request", ArgumentName="encoding-type"
            )
        return cls(
            bucket=call.bucket,
            prefix=call.query.get("prefix", ""),
            delimiter=call.query.get("delimiter", ""),
            most=call.number(most, MOST),
            encode=(lambda key: quote(key, safe="/")) if encoding else str,
        )

    def members(self, call: Call) -> dict[str, Any]:
        """What the document repeats of the question."""
        return {
            "Prefix": self.encode(self.prefix),
            "Delimiter": self.encode(self.delimiter) if self.delimiter else None,
            "EncodingType": call.query.get("encoding-type") or None,
        }


def page(index: Index, asked: Asked, after: str) -> Page:
    """Objects after a key or a common prefix."""
    result = Page()
    if not asked.most:
        return result
    end, start, exclusive = successor(asked.prefix), max(asked.prefix, after), bool(after) and after >= asked.prefix
    if after and folded(after, asked.prefix, asked.delimiter) == after:
        start, exclusive = successor(after) or after, False
    while True:
        rows = index.latest(asked.bucket, start, end, asked.most - len(result) + 1, after=exclusive)
        jump = None
        for version in rows:
            if len(result) == asked.most:
                result.truncated = True
                return result
            common = folded(version.key, asked.prefix, asked.delimiter)
            result.last = common or version.key
            if common:
                result.prefixes.append(common)
                jump = successor(common)
                break
            result.shown.append(version)
        if jump is None:
            return result
        start, exclusive = jump, False


def objects_v1(index: Index, call: Call) -> dict[str, Any]:
    """ListObjects."""
    asked, marker = Asked.of(call), call.query.get("marker", "")
    result = page(index, asked, marker)
    return {
        "Name": call.bucket,
        **asked.members(call),
        "Marker": asked.encode(marker),
        "MaxKeys": asked.most,
        "IsTruncated": result.truncated,
        "NextMarker": asked.encode(result.last) if result.truncated and asked.delimiter else None,
        "Contents": [_content(version, asked, with_owner=True) for version in result.shown],
        "CommonPrefixes": [{"Prefix": asked.encode(prefix)} for prefix in result.prefixes],
    }


def objects_v2(index: Index, call: Call) -> dict[str, Any]:
    """ListObjectsV2."""
    asked, token = Asked.of(call), call.query.get("continuation-token")
    start_after = call.query.get("start-after", "")
    result = page(index, asked, start_after if token is None else _key_of(token))
    with_owner = call.query.get("fetch-owner", "").lower() == "true"
    return {
        "Name": call.bucket,
        **asked.members(call),
        "MaxKeys": asked.most,
        "KeyCount": len(result),
        "IsTruncated": result.truncated,
        "ContinuationToken": token,
        "NextContinuationToken": _token(result.last) if result.truncated else None,
        "StartAfter": asked.encode(start_after) if start_after and token is None else None,
        "Contents": [_content(version, asked, with_owner=with_owner) for version in result.shown],
        "CommonPrefixes": [{"Prefix": asked.encode(prefix)} for prefix in result.prefixes],
    }


def _content(version: Version, asked: Asked, *, with_owner: bool) -> Raw:
    """One object: written out, since a page has a thousand."""
    checksums = version.fact("checksums")
    kind = version.fact("checksum-type", "FULL_OBJECT")
    listed = "".join(f"<ChecksumAlgorithm>{name}</ChecksumAlgorithm>" for name in checksums or ())
    return Raw(
        f"<Key>{plain(asked.encode(version.key))}</Key><LastModified>{iso(version.modified)}</LastModified>"
        f"<ETag>{plain(version.etag)}</ETag>{listed}{f'<ChecksumType>{kind}</ChecksumType>' if checksums else ''}"
        f"<Size>{version.size}</Size>{inner({'Owner': owner()}) if with_owner else ''}"
        f"<StorageClass>{version.fact('storage', 'STANDARD')}</StorageClass>"
    )


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _key_of(token: str) -> str:
    try:
        key = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise S3Error(
            "InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token"
        ) from error
    if not key:
        raise S3Error(
            "InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token"
        )
    return key


def versions(index: Index, call: Call) -> dict[str, Any]:
    """ListObjectVersions."""
    asked, key, name = Asked.of(call), call.query.get("key-marker", ""), call.query.get("version-id-marker", "")
    if name and not key:
        raise S3Error("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
    result = Page()
    for version in _history(index, asked, key, name) if asked.most else ():
        common = folded(version.key, asked.prefix, asked.delimiter)
        if common and common in result.prefixes[-1:]:
            continue
        if len(result) == asked.most:
            result.truncated = True
            break
        if common:
            result.prefixes.append(common)
        else:
            result.shown.append(version)
    last = result.shown[-1] if result.shown else None
    ends_folded = bool(result.prefixes) and (last is None or result.prefixes[-1] > last.key)
    after = result.prefixes[-1] if ends_folded else last.key if last else ""
    return {
        "Name": call.bucket,
        **asked.members(call),
        "KeyMarker": asked.encode(key),
        "VersionIdMarker": name,
        "MaxKeys": asked.most,
        "IsTruncated": result.truncated,
        "NextKeyMarker": asked.encode(after) if result.truncated else None,
        "NextVersionIdMarker": last.id if result.truncated and last and not ends_folded else None,
        "": Raw("".join(_version(version, asked) for version in result.shown)),
        "CommonPrefixes": [{"Prefix": asked.encode(prefix)} for prefix in result.prefixes],
    }


def _history(index: Index, asked: Asked, key: str, name: str) -> Iterator[Version]:
    """Versions after a marker, in pages of their own."""
    end, start, before = successor(asked.prefix), max(asked.prefix, key), None
    if key and key >= asked.prefix:
        if folded(key, asked.prefix, asked.delimiter) == key:
            start = successor(key) or key
        else:
            marked = index.version(asked.bucket, key, name) if name else None
            before = marked.seq if marked else 0
    while rows := index.history(asked.bucket, start, before, end, MOST + 1):
        yield from rows
        if len(rows) <= MOST:
            return
        start, before = rows[-1].key, rows[-1].seq


def _version(version: Version, asked: Asked) -> str:
    """A Version or DeleteMarker element: they come in one order, newest first, which clients rely on."""
    own = f"<VersionId>{version.id}</VersionId><IsLatest>{'true' if version.latest else 'false'}</IsLatest>"
    if not version.marker:
        return f"<Version>{_content(version, asked, with_owner=True)}{own}</Version>"
    members = {"Key": asked.encode(version.key), "LastModified": iso(version.modified), "Owner": owner()}
    return f"<DeleteMarker>{inner(members)}{own}</DeleteMarker>"
