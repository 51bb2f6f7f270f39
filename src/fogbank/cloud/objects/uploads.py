"""Multipart uploads: parts in files, and an object that is made of them without a byte copied.

In: calls; out: answers. An upload is a row and so are its parts; completing it is one change that gives their files to a version.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.acl import owner
from fogbank.cloud.objects.bodies import receive
from fogbank.cloud.objects.bucket import Bucket
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.checksums import ALGORITHMS, COMPOSITE, CRCS, DEFAULT, FULL_OBJECT, PREFIX, of_parts
from fogbank.cloud.objects.conditions import iso
from fogbank.cloud.objects.customer_keys import check_key
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.events import Told
from fogbank.cloud.objects.facts import checksum_headers, encryption_headers, facts_of
from fogbank.cloud.objects.listing import MOST, Asked, folded
from fogbank.cloud.objects.reads import version_header
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Part, Upload, Version
from fogbank.cloud.objects.writes import check_write_now, source_of
from fogbank.cloud.objects.xml import MalformedError, document, parse

SMALLEST_PART = 5 * 1024**2
MOST_PARTS = 10_000
COPIED_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
XML = {"Content-Type": "application/xml"}


def create(shelf: Shelf, call: Call) -> Answer:
    """CreateMultipartUpload."""
    bucket = shelf.bucket(call.bucket)
    facts = facts_of(call.headers, bucket, shelf.now())
    algorithm = call.headers.get("x-amz-checksum-algorithm", "").upper()
    kind = call.headers.get("x-amz-checksum-type", "").upper()
    if algorithm and algorithm not in ALGORITHMS:
        raise S3Error(
            "InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types"
        )
    kind = kind or (FULL_OBJECT if algorithm == DEFAULT else COMPOSITE)
    if (algorithm and (kind == FULL_OBJECT) > (algorithm in CRCS)) or (algorithm == DEFAULT and kind == COMPOSITE):
        raise S3Error(
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.",
        )
    if algorithm:
        facts["checksum"] = [algorithm, kind]
    upload = Upload(id=secrets.token_urlsafe(48), bucket=call.bucket, key=call.key, started=shelf.now(), facts=facts)
    with shelf.index.change():
        shelf.bucket(call.bucket)
        shelf.index.put_upload(upload)
    headers = {**XML, **encryption_headers(facts)}
    if algorithm:
        headers |= {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
    members = {"Bucket": call.bucket, "Key": call.key, "UploadId": upload.id}
    return Answer(headers=headers, body=document("InitiateMultipartUploadResult", members))


def _upload(shelf: Shelf, call: Call) -> Upload:
    shelf.bucket(call.bucket)
    upload = shelf.index.upload(call.bucket, call.key, call.query.get("uploadId", ""))
    if upload is None:
        raise S3Error("NoSuchUpload", UploadId=call.query.get("uploadId", ""))
    return upload


def checksum_of(upload: Upload) -> tuple[str, str]:
    """The algorithm of an upload's parts and how the whole's checksum is made of theirs."""
    algorithm, kind = upload.facts.get("checksum", (DEFAULT, FULL_OBJECT))
    return algorithm, kind


def _number(call: Call) -> int:
    text = call.query.get("partNumber", "")
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PARTS:
        raise S3Error(
            "InvalidArgument",
            f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=text,
        )
    return int(text)


def put_part(shelf: Shelf, call: Call) -> Answer:
    """UploadPart."""
    upload = _upload(shelf, call)
    check_key(upload.facts, call.headers)
    _check_algorithm(upload, call.headers)
    part = _keep(shelf, upload, _number(call), call.request)
    checksums = {f"{PREFIX}{name.lower()}": value for name, value in part.checksums.items()}
    return Answer(headers={"ETag": part.etag, **encryption_headers(upload.facts), **checksums})


def _check_algorithm(upload: Upload, headers: Mapping[str, str]) -> None:
    """Refuse a part whose checksum is one of another algorithm than its upload was begun with. Raises S3Error."""
    if "checksum" not in upload.facts:
        return
    expected = checksum_of(upload)[0]
    trailers = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",")}
    said = [name for name in ALGORITHMS if PREFIX + name.lower() in {*headers, *trailers}]
    other = next((name for name in said if name != expected), None)
    if other:
        raise S3Error(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {expected.lower()}, actual checksum Type: {other.lower()}",
        )


def _keep(shelf: Shelf, upload: Upload, number: int, request: Request) -> Part:
    body = receive(request, shelf.blobs, checksum_of(upload)[0])
    part = Part(
        seq=0,
        number=number,
        modified=shelf.now(),
        size=body.digests.size,
        etag=body.etag,
        checksums=body.digests.checksums,
    )
    try:
        with shelf.index.change():
            if shelf.index.upload(upload.bucket, upload.key, upload.id) is None:
                raise S3Error("NoSuchUpload", UploadId=upload.id)
            shelf.blobs.place(body.draft, body.digests.sha256)
            shelf.index.put_part(upload.id, part, [(body.digests.sha256, body.digests.size)])
    finally:
        body.draft.close()
    return part


def copy_part(shelf: Shelf, call: Call) -> Answer:
    """UploadPartCopy."""
    upload, number, source = _upload(shelf, call), _number(call), source_of(shelf, call)
    check_key(upload.facts, call.headers)
    payload = shelf.open(source.version, _copied_range(call, source.version.size))
    try:
        copied = Request(method="PUT", path=call.request.path, query="", headers={}, payload=_lent(payload))
        part = _keep(shelf, upload, number, copied)
    finally:
        payload.close()
    headers = {**XML, "x-amz-copy-source-version-id": source.version.id} if source.versioned else XML
    members = {"ETag": part.etag, "LastModified": iso(part.modified)}
    members |= {f"Checksum{name}": value for name, value in part.checksums.items()}
    return Answer(headers=headers, body=document("CopyPartResult", members))


def _copied_range(call: Call, size: int) -> tuple[int, int] | None:
    """The bytes of the source that are asked for: both ends said, and within it. Raises S3Error."""
    asked = call.headers.get("x-amz-copy-source-range")
    if not asked:
        return None
    match = COPIED_RANGE.fullmatch(asked)
    first, last = (int(match[1]), int(match[2])) if match else (0, -1)
    if first <= last < size:
        return first, last - first + 1
    message = (
        f"Range specified is not valid for source object of size: {size}"
        if match
        else "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based "
        "offsets of the first and last bytes to copy"
    )
    raise S3Error("InvalidArgument", message, ArgumentName="x-amz-copy-source-range", ArgumentValue=asked)


def _lent(payload: Payload) -> Payload:
    """The same bytes, whose end is somebody else's."""
    return replace(payload, closing=None)


def complete(shelf: Shelf, call: Call, tell: Told) -> Answer:
    """CompleteMultipartUpload."""
    bucket = shelf.bucket(call.bucket)
    asked = _asked_parts(call)
    if made := _made_before(shelf, call, asked):
        return _completed(call, bucket, made)
    check_write_now(shelf, call)
    with shelf.index.change():
        upload = _upload(shelf, call)
        _check_said(upload, asked)
        chosen = _chosen(asked, {part.number: part for part in shelf.index.parts(upload.id)})
        version = _made(shelf, call, upload, chosen)
        facts = {**version.facts, "upload": {"id": upload.id, "parts": _named_parts(asked)}}
        version = replace(version, facts=facts)
        pieces = [piece for part in chosen for piece in shelf.index.pieces(-part.seq)]
        version = shelf.write(version, pieces, call.headers)
        shelf.index.drop_upload(upload.id)
    tell("ObjectCreated:CompleteMultipartUpload", bucket, version)
    return _completed(call, bucket, version)


def _made_before(shelf: Shelf, call: Call, asked: Sequence[dict[str, str]]) -> Version | None:
    """The object, if this upload made it of these parts: who did not hear the answer may ask again."""
    current = shelf.index.current(call.bucket, call.key)
    made = {"id": call.query.get("uploadId"), "parts": _named_parts(asked)}
    return current if current and current.fact("upload") == made else None


def _named_parts(asked: Sequence[dict[str, str]]) -> list[list[str]]:
    return [[part["PartNumber"], part["ETag"].strip('"')] for part in asked]


def _completed(call: Call, bucket: Bucket, version: Version) -> Answer:
    location = f"http://{call.headers.get('host', '')}{call.request.path}"
    members = {"Location": location, "Bucket": call.bucket, "Key": call.key, "ETag": version.etag}
    members |= {f"Checksum{name}": value for name, value in version.fact("checksums", {}).items()}
    if "checksum-type" in version.facts:
        members["ChecksumType"] = version.facts["checksum-type"]
    headers = {**XML, **version_header(bucket, version), **encryption_headers(version.facts)}
    headers |= checksum_headers(version.facts)
    return Answer(headers=headers, body=document("CompleteMultipartUploadResult", members))


def _asked_parts(call: Call) -> list[dict[str, str]]:
    """The parts that the client lists. Raises S3Error."""
    try:
        root = parse(call.request.body, "CompleteMultipartUpload")
    except MalformedError as error:
        raise S3Error("MalformedXML") from error
    asked = [{child.tag: (child.text or "").strip() for child in part} for part in root.iterfind("Part")]
    if not asked or any(not part.get("PartNumber", "").isdecimal() or not part.get("ETag") for part in asked):
        raise S3Error("MalformedXML")
    numbers = [int(part["PartNumber"]) for part in asked]
    if any(second <= first for first, second in pairwise(numbers)):
        raise S3Error("InvalidPartOrder")
    return asked


def _check_said(upload: Upload, asked: Sequence[dict[str, str]]) -> None:
    """An object whose checksum is made of those of its parts is asked for with all of these. Raises S3Error."""
    algorithm, kind = upload.facts.get("checksum", ("", FULL_OBJECT))
    missing = next((part["PartNumber"] for part in asked if not part.get(f"Checksum{algorithm}")), None)
    if kind == COMPOSITE and missing is not None:
        raise S3Error(
            "InvalidRequest",
            f"The upload was created using a {algorithm.lower()} checksum. The complete request must include the checksum for each part. "
            f"It was missing for part {missing} in the request.",
        )


def _chosen(asked: Sequence[dict[str, str]], parts: dict[int, Part]) -> list[Part]:
    """The parts as they were sent. Raises S3Error."""
    chosen = []
    for item in asked:
        part = parts.get(int(item["PartNumber"]))
        said = {name: item[f"Checksum{name}"] for name in ALGORITHMS if f"Checksum{name}" in item}
        wrong = part is None or part.etag.strip('"') != item["ETag"].strip('"')
        if part is None or wrong or any(part.checksums.get(name, value) != value for name, value in said.items()):
            raise S3Error("InvalidPart", PartNumber=item["PartNumber"], ETag=item["ETag"])
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < SMALLEST_PART:
            raise S3Error(
                "EntityTooSmall",
                ProposedSize=part.size,
                MinSizeAllowed=SMALLEST_PART,
                PartNumber=part.number,
                ETag=part.etag,
            )
    return chosen


def _made(shelf: Shelf, call: Call, upload: Upload, parts: Sequence[Part]) -> Version:
    """The version that the parts are together. Raises S3Error."""
    size = sum(part.size for part in parts)
    if (declared := call.headers.get("x-amz-mp-object-size", "")) and declared != str(size):
        raise S3Error("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match what was computed")
    joined = hashlib.md5(b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts), usedforsecurity=False)
    facts = {name: value for name, value in upload.facts.items() if name != "checksum"}
    algorithm, kind = checksum_of(upload)
    if all(algorithm in part.checksums for part in parts):  # those of before have none
        whole = of_parts(algorithm, kind, [(part.size, part.checksums[algorithm]) for part in parts])
        said = call.headers.get(PREFIX + algorithm.lower())
        if said is not None and said.partition("-")[0] != whole.partition("-")[0]:
            raise S3Error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
        facts |= {"checksums": {algorithm: whole}, "checksum-type": kind}
    facts["parts"] = [
        {
            "PartNumber": number,
            "Size": part.size,
            **{f"Checksum{name}": value for name, value in part.checksums.items()},
        }
        for number, part in enumerate(parts, start=1)
    ]
    etag = f'"{joined.hexdigest()}-{len(parts)}"'
    return Version(bucket=upload.bucket, key=upload.key, id="", modified=shelf.now(), size=size, etag=etag, facts=facts)


def abort(shelf: Shelf, call: Call) -> Answer:
    """AbortMultipartUpload."""
    with shelf.index.change():
        shelf.index.drop_upload(_upload(shelf, call).id)
    return Answer(status=204)


def parts(shelf: Shelf, call: Call) -> Answer:
    """ListParts."""
    upload = _upload(shelf, call)
    after, most = call.number("part-number-marker", 0, 2**31), call.number("max-parts", MOST)
    rows = shelf.index.parts(upload.id, after, most + 1)
    shown = rows[:most]
    algorithm, kind = upload.facts.get("checksum", (None, None))
    members = {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": after,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": most,
        "IsTruncated": len(rows) > len(shown),
        "Part": [_part(part) for part in shown],
        "Initiator": owner(),
        "Owner": owner(),
        "StorageClass": upload.facts.get("storage", "STANDARD"),
        "ChecksumAlgorithm": algorithm,
        "ChecksumType": kind,
    }
    return Answer(headers=XML, body=document("ListPartsResult", members))


def _part(part: Part) -> dict[str, Any]:
    checksums = {f"Checksum{name}": value for name, value in part.checksums.items()}
    return {
        "PartNumber": part.number,
        "LastModified": iso(part.modified),
        "ETag": part.etag,
        "Size": part.size,
        **checksums,
    }


def listed(shelf: Shelf, call: Call) -> Answer:
    """ListMultipartUploads."""
    shelf.bucket(call.bucket)
    asked = Asked.of(call, "max-uploads")
    key, name = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
    shown: list[Upload] = []
    prefixes: list[str] = []
    truncated = False
    matching = [upload for upload in shelf.index.uploads(call.bucket) if upload.key.startswith(asked.prefix)]
    markers = [(upload.key, upload.id) for upload in matching]
    start = markers.index((key, name)) + 1 if name and (key, name) in markers else 0
    for upload in matching[start:]:
        if not start and key and upload.key <= key:
            continue
        common = folded(upload.key, asked.prefix, asked.delimiter)
        if common and (common in prefixes or common <= key):
            continue
        if len(shown) + len(prefixes) == asked.most:
            truncated = True
            break
        if common:
            prefixes.append(common)
        else:
            shown.append(upload)
    last_key = max([*(upload.key for upload in shown[-1:]), *prefixes[-1:]], default="")
    members = {
        "Bucket": call.bucket,
        "KeyMarker": asked.encode(key),
        "UploadIdMarker": name,
        "NextKeyMarker": asked.encode(last_key) if truncated else None,
        "NextUploadIdMarker": shown[-1].id if truncated and shown and shown[-1].key == last_key else None,
        **asked.members(call),
        "MaxUploads": asked.most,
        "IsTruncated": truncated,
        "Upload": [_member(upload, asked) for upload in shown],
        "CommonPrefixes": [{"Prefix": asked.encode(prefix)} for prefix in prefixes],
    }
    return Answer(headers=XML, body=document("ListMultipartUploadsResult", members))


def _member(upload: Upload, asked: Asked) -> dict[str, Any]:
    algorithm, kind = upload.facts.get("checksum", (None, None))
    return {
        "Key": asked.encode(upload.key),
        "UploadId": upload.id,
        "Initiator": owner(),
        "Owner": owner(),
        "StorageClass": upload.facts.get("storage", "STANDARD"),
        "Initiated": iso(upload.started),
        "ChecksumAlgorithm": algorithm,
        "ChecksumType": kind,
    }
