"""The AWS API wire: S3's objects by unmodified boto3, and by plain HTTP where boto3 cannot."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import socket
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess

PART = 5 * 1024**2


def refusal(call: Callable[[], object]) -> tuple[str, int]:
    """Code and status of what the call is refused with."""
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def body(s3: Any, bucket: str, key: str, **arguments: Any) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()
    return content


def keys(s3: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_what_was_said_of_an_object_is_said_again(s3: Any, unique: str) -> None:
    said = {
        "ContentType": "text/csv",
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"owner": "me", "my_key": "1"},
        "StorageClass": "STANDARD_IA",
    }
    put = s3.put_object(Bucket=unique, Key="k", Body=b"1,2\n", Tagging="a=1&b=2%2B3", **said)
    head = s3.head_object(Bucket=unique, Key="k")

    assert put["ETag"] == head["ETag"] == f'"{hashlib.md5(b"1,2" + bytes([10]), usedforsecurity=False).hexdigest()}"'
    assert {name: head[name] for name in said} == said
    assert head["ContentLength"] == 4
    assert s3.get_object(Bucket=unique, Key="k")["TagCount"] == 2
    tags = s3.get_object_tagging(Bucket=unique, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2+3"}]
    s3.delete_object_tagging(Bucket=unique, Key="k")
    assert s3.get_object_tagging(Bucket=unique, Key="k")["TagSet"] == []
    answer = s3.get_object(Bucket=unique, Key="k", ResponseContentType="text/x", ResponseCacheControl="max-age=1")
    assert (answer["ContentType"], answer["CacheControl"]) == ("text/x", "max-age=1")


@pytest.mark.parametrize(
    ("asked", "answered", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=3-5", b"345", "bytes 3-5/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-4", b"6789", "bytes 6-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
        ("bytes=5-2", b"0123456789", None),
        ("bytes=0-1,4-5", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ],
)
def test_ranges(s3: Any, unique: str, asked: str, answered: bytes, content_range: str | None) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"0123456789")
    answer = s3.get_object(Bucket=unique, Key="k", Range=asked)

    assert (answer["Body"].read(), answer.get("ContentRange")) == (answered, content_range)
    assert answer["ContentLength"] == len(answered)
    assert refusal(lambda: s3.get_object(Bucket=unique, Key="k", Range="bytes=10-")) == ("InvalidRange", 416)
    assert refusal(lambda: s3.get_object(Bucket=unique, Key="k", Range="bytes=-0")) == ("InvalidRange", 416)


def test_conditions(s3: Any, unique: str) -> None:
    etag = s3.put_object(Bucket=unique, Key="k", Body=b"1")["ETag"]
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    get = {"Bucket": unique, "Key": "k"}

    assert s3.get_object(**get, IfMatch=etag, IfUnmodifiedSince=now - hour)["ETag"] == etag
    assert refusal(lambda: s3.get_object(**get, IfMatch='"no"'))[1] == 412
    assert refusal(lambda: s3.get_object(**get, IfNoneMatch=etag))[1] == 304
    assert refusal(lambda: s3.get_object(**get, IfModifiedSince=now + hour))[1] == 304
    assert refusal(lambda: s3.get_object(**get, IfUnmodifiedSince=now - hour))[1] == 412
    assert refusal(lambda: s3.put_object(**get, Body=b"2", IfNoneMatch="*")) == ("PreconditionFailed", 412)
    assert refusal(lambda: s3.put_object(**get, Body=b"2", IfMatch='"no"')) == ("PreconditionFailed", 412)
    assert refusal(lambda: s3.put_object(Bucket=unique, Key="no", Body=b"2", IfMatch=etag)) == ("NoSuchKey", 404)
    assert body(s3, unique, "k") == b"1"
    s3.put_object(**get, Body=b"2", IfMatch=etag)
    s3.put_object(Bucket=unique, Key="new", Body=b"3", IfNoneMatch="*")
    assert (body(s3, unique, "k"), keys(s3, unique)) == (b"2", ["k", "new"])


def test_a_body_that_is_not_what_it_is_said_to_be_changes_nothing(s3: Any, unique: str) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"good")
    bad = base64.b64encode(hashlib.md5(b"bad", usedforsecurity=False).digest()).decode()

    assert refusal(lambda: s3.put_object(Bucket=unique, Key="k", Body=b"b", ContentMD5=bad)) == ("BadDigest", 400)
    assert refusal(lambda: s3.put_object(Bucket=unique, Key="k", Body=b"b", ContentMD5="x")) == ("InvalidDigest", 400)
    assert refusal(lambda: s3.put_object(Bucket=unique, Key="k", Body=b"b", ChecksumCRC32="AAAAAA=="))[1] == 400
    url = s3.generate_presigned_url("put_object", Params={"Bucket": unique, "Key": "k"})
    host, port = s3.meta.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        target = url.removeprefix(s3.meta.endpoint_url)
        connection.sendall(f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n12345".encode())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert body(s3, unique, "k") == b"good"


@pytest.mark.parametrize(("algorithm", "function"), [("CRC32", None), ("SHA1", "sha1"), ("SHA256", "sha256")])
def test_checksums(s3: Any, unique: str, algorithm: str, function: str | None) -> None:
    content = b"checked" * 1000
    raw = (
        hashlib.new(function, content, usedforsecurity=False).digest()
        if function
        else zlib.crc32(content).to_bytes(4, "big")
    )
    put = s3.put_object(Bucket=unique, Key="k", Body=content, ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=unique, Key="k", ChecksumMode="ENABLED")

    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"] == base64.b64encode(raw).decode()
    attributes = s3.get_object_attributes(Bucket=unique, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert (attributes["ObjectSize"], attributes["Checksum"][f"Checksum{algorithm}"]) == (
        7000,
        put[f"Checksum{algorithm}"],
    )


@pytest.mark.parametrize("signature", ["", ";chunk-signature=0123"])
def test_aws_chunked_bodies(s3: Any, unique: str, signature: str) -> None:
    content = bytes(range(256)) * 8192
    checksum = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()

    def sent(trailer: str, *, whole: bool = True) -> int:
        chunks = [content[at : at + 65536] for at in range(0, len(content), 65536)]
        framed = b"".join(f"{len(chunk):x}{signature}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
        end = f"0{signature}\r\nx-amz-checksum-crc32:{trailer}\r\n\r\n".encode() if whole else b""
        headers = {
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "content-encoding": "aws-chunked",
            "x-amz-trailer": "x-amz-checksum-crc32",
            "x-amz-decoded-content-length": str(len(content)),
        }
        url = s3.generate_presigned_url("put_object", Params={"Bucket": unique, "Key": "k"})
        return urllib3.request("PUT", url, body=framed + end, headers=headers).status

    assert sent("AAAAAA==") == 400
    assert sent(checksum, whole=False) == 400
    assert keys(s3, unique) == []
    assert sent(checksum) == 200
    assert body(s3, unique, "k") == content
    assert "ContentEncoding" not in s3.head_object(Bucket=unique, Key="k")


def test_versions_and_delete_markers(s3: Any, unique: str) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"0")
    s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=unique, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=unique, Key="k", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=unique, Key="k")

    assert marker["DeleteMarker"]
    assert refusal(lambda: s3.get_object(Bucket=unique, Key="k")) == ("NoSuchKey", 404)
    assert refusal(lambda: s3.get_object(Bucket=unique, Key="k", VersionId=marker["VersionId"]))[1] == 405
    assert [body(s3, unique, "k", VersionId=name) for name in ("null", first, second)] == [b"0", b"1", b"2"]
    listed = s3.list_object_versions(Bucket=unique)
    assert [(item["VersionId"], item["IsLatest"]) for item in listed["Versions"]] == [
        (second, False),
        (first, False),
        ("null", False),
    ]
    assert [item["IsLatest"] for item in listed["DeleteMarkers"]] == [True]
    page = s3.list_object_versions(Bucket=unique, MaxKeys=2)
    rest = s3.list_object_versions(
        Bucket=unique, KeyMarker=page["NextKeyMarker"], VersionIdMarker=page["NextVersionIdMarker"]
    )
    assert [item["VersionId"] for item in rest["Versions"]] == [first, "null"]

    s3.delete_object(Bucket=unique, Key="k", VersionId=marker["VersionId"])
    assert body(s3, unique, "k") == b"2"
    s3.delete_object(Bucket=unique, Key="k", VersionId=second)
    assert body(s3, unique, "k") == b"1"
    s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration={"Status": "Suspended"})
    assert s3.delete_object(Bucket=unique, Key="k")["VersionId"] == "null"
    assert refusal(lambda: s3.delete_bucket(Bucket=unique)) == ("BucketNotEmpty", 409)
    objects = [{"Key": "k", "VersionId": name} for name in ("null", first, "none")]
    answer = s3.delete_objects(Bucket=unique, Delete={"Objects": objects})
    assert (len(answer["Deleted"]), "Errors" in answer) == (3, False)
    s3.delete_bucket(Bucket=unique)
    assert refusal(lambda: s3.put_object(Bucket=unique, Key="k", Body=b"")) == ("NoSuchBucket", 404)


def test_a_multipart_upload(s3: Any, unique: str) -> None:
    upload = s3.create_multipart_upload(Bucket=unique, Key="k", Metadata={"a": "1"}, ContentType="text/x")["UploadId"]
    whose = {"Bucket": unique, "Key": "k", "UploadId": upload}
    sizes = {2: PART, 5: 10, 7: 20}
    etags = {
        number: s3.upload_part(**whose, PartNumber=number, Body=bytes([number]) * size)["ETag"]
        for number, size in sizes.items()
    }
    first = s3.list_parts(**whose, MaxParts=2)
    assert [part["PartNumber"] for part in first["Parts"]] == [2, 5]
    rest = s3.list_parts(**whose, PartNumberMarker=first["NextPartNumberMarker"])
    assert [(part["PartNumber"], part["Size"]) for part in rest["Parts"]] == [(7, 20)]

    def complete(*numbers: int, **wrong: str) -> Any:
        parts = [
            {"PartNumber": number, "ETag": wrong.get(f"_{number}", etags.get(number, '"0"'))} for number in numbers
        ]
        return s3.complete_multipart_upload(**whose, MultipartUpload={"Parts": parts})

    assert refusal(lambda: complete(5, 2)) == ("InvalidPartOrder", 400)
    assert refusal(lambda: complete(2, 5, 7)) == ("EntityTooSmall", 400)
    assert refusal(lambda: complete(2, 3)) == ("InvalidPart", 400)
    assert refusal(lambda: complete(2, _2='"bad"')) == ("InvalidPart", 400)
    assert refusal(lambda: s3.upload_part(**whose, PartNumber=10001, Body=b""))[0] == "InvalidArgument"
    assert keys(s3, unique) == []
    done = complete(2, 7)
    content = b"\2" * PART + b"\7" * 20

    assert done["ETag"].endswith('-2"')
    assert body(s3, unique, "k") == content
    assert body(s3, unique, "k", Range=f"bytes={PART - 2}-{PART + 1}") == b"\2\2\7\7"
    part = s3.get_object(Bucket=unique, Key="k", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (b"\7" * 20, 2)
    head = s3.head_object(Bucket=unique, Key="k")
    assert (head["Metadata"], head["ContentType"], head["ContentLength"]) == ({"a": "1"}, "text/x", PART + 20)
    assert refusal(lambda: s3.list_parts(**whose)) == ("NoSuchUpload", 404)

    other = s3.create_multipart_upload(Bucket=unique, Key="other")["UploadId"]
    whose = {"Bucket": unique, "Key": "other", "UploadId": other}
    source = {"Bucket": unique, "Key": "k"}
    s3.upload_part_copy(**whose, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=1-{PART + 1}")
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket=unique)["Uploads"]] == ["other"]
    s3.abort_multipart_upload(**whose)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=unique)
    assert refusal(lambda: s3.abort_multipart_upload(**whose)) == ("NoSuchUpload", 404)


def test_the_checksum_of_parts_is_that_of_the_whole(s3: Any, unique: str) -> None:
    content = b"x" * PART + b"tail"
    whole = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    upload = s3.create_multipart_upload(Bucket=unique, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")[
        "UploadId"
    ]
    whose = {"Bucket": unique, "Key": "k", "UploadId": upload}
    parts = []
    for number, part in enumerate((content[:PART], content[PART:]), start=1):
        sent = s3.upload_part(**whose, PartNumber=number, Body=part, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]})

    done = s3.complete_multipart_upload(**whose, MultipartUpload={"Parts": parts})
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_the_transfer_manager(s3: Any, unique: str) -> None:
    content = bytes(range(256)) * 4 * 10240
    s3.upload_fileobj(io.BytesIO(content), unique, "k")
    back = io.BytesIO()
    s3.download_fileobj(unique, "k", back)

    assert back.getvalue() == content


def test_copies(s3: Any, unique: str) -> None:
    etag = s3.put_object(Bucket=unique, Key="k", Body=b"1", Metadata={"a": "1"}, Tagging="t=1")["ETag"]
    source = {"Bucket": unique, "Key": "k"}
    s3.copy_object(Bucket=unique, Key="same", CopySource=source)
    s3.copy_object(
        Bucket=unique, Key="new", CopySource=source, Metadata={"b": "2"}, MetadataDirective="REPLACE",
        Tagging="u=2", TaggingDirective="REPLACE",
    )  # fmt: skip
    heads = {key: s3.head_object(Bucket=unique, Key=key) for key in ("same", "new")}

    assert {key: head["Metadata"] for key, head in heads.items()} == {"same": {"a": "1"}, "new": {"b": "2"}}
    assert s3.get_object_tagging(Bucket=unique, Key="same")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert s3.get_object_tagging(Bucket=unique, Key="new")["TagSet"] == [{"Key": "u", "Value": "2"}]
    assert refusal(lambda: s3.copy_object(Bucket=unique, Key="k", CopySource=source))[0] == "InvalidRequest"
    missing = {"Bucket": unique, "Key": "no"}
    assert refusal(lambda: s3.copy_object(Bucket=unique, Key="x", CopySource=missing)) == ("NoSuchKey", 404)
    refused = refusal(lambda: s3.copy_object(Bucket=unique, Key="x", CopySource=source, CopySourceIfNoneMatch=etag))
    assert refused == ("PreconditionFailed", 412)
    s3.delete_object(Bucket=unique, Key="k")
    assert body(s3, unique, "same") == b"1"


def test_pages_and_folded_prefixes(s3: Any, unique: str) -> None:
    names = ["a", "b/1", "b/2", "b/3/x", "c", "d/1", "e"]
    for name in names:
        s3.put_object(Bucket=unique, Key=name, Body=b"")
    shown: list[str] = []
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=unique, Delimiter="/", PaginationConfig={"PageSize": 2}
    ):
        assert page["KeyCount"] <= 2
        shown += [item["Key"] for item in page.get("Contents", [])]
        shown += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
    assert sorted(shown) == ["a", "b/", "c", "d/", "e"]
    shown = []
    for page in s3.get_paginator("list_objects").paginate(
        Bucket=unique, Delimiter="/", PaginationConfig={"PageSize": 1}
    ):
        shown += [item["Key"] for item in page.get("Contents", [])]
        shown += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
    assert shown == ["a", "b/", "c", "d/", "e"]
    assert s3.list_objects_v2(Bucket=unique, MaxKeys=0)["KeyCount"] == 0
    assert refusal(lambda: s3.list_objects_v2(Bucket=unique, ContinuationToken="?"))[0] == "InvalidArgument"


def test_locks(s3: Any, shared_cloud: CloudProcess, unique: str) -> None:
    bucket = f"{unique}-locked"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=1)
    locked = s3.put_object(
        Bucket=bucket, Key="k", Body=b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    which = {"Bucket": bucket, "Key": "k", "VersionId": locked}

    assert s3.get_object_retention(**which)["Retention"]["Mode"] == "GOVERNANCE"
    assert refusal(lambda: s3.delete_object(**which)) == ("AccessDenied", 403)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_object_legal_hold(**which, LegalHold={"Status": "ON"})
    assert refusal(lambda: s3.delete_object(**which, BypassGovernanceRetention=True)) == ("AccessDenied", 403)
    s3.put_object_legal_hold(**which, LegalHold={"Status": "OFF"})
    s3.delete_object(**which, BypassGovernanceRetention=True)
    assert refusal(lambda: s3.put_object(Bucket=unique, Key="k", Body=b"", ObjectLockLegalHoldStatus="ON"))[1] == 400


def test_a_form_that_a_browser_posts(s3: Any, unique: str) -> None:
    post = s3.generate_presigned_post(unique, "in/${filename}", Conditions=[["content-length-range", 1, 10]])
    fields = {**post["fields"], "file": ("a.txt", b"posted")}

    assert urllib3.request("POST", post["url"], fields=fields).status == 204
    assert body(s3, unique, "in/a.txt") == b"posted"
    assert urllib3.request("POST", post["url"], fields={**fields, "file": ("a.txt", b"0" * 11)}).status == 400
    assert urllib3.request("POST", post["url"], fields={**fields, "key": "out/b"}).status == 403
    assert body(s3, unique, "in/a.txt") == b"posted"


def test_a_form_goes_to_a_buckets_own_host_and_ends_with_its_file(s3: Any, unique: str) -> None:
    post = s3.generate_presigned_post(unique, "in/k")
    port = post["url"].partition("//")[2].partition("/")[0].partition(":")[2]
    fields = [*post["fields"].items(), ("file", ("a.txt", b"posted")), ("submit", "Upload"), ("key", "out/k")]
    url, host = f"http://127.0.0.1:{port}/", {"Host": f"{unique}.localhost:{port}"}
    answer = urllib3.request("POST", url, fields=fields, headers=host)

    assert answer.status == 204, answer.data
    assert body(s3, unique, "in/k") == b"posted"
    typed = [*post["fields"].items(), ("file", "typed"), ("submit", "Upload")]
    assert urllib3.request("POST", post["url"], fields=typed).status == 204
    assert body(s3, unique, "in/k") == b"typed"


@pytest.mark.parametrize(
    ("policy", "said", "code", "words"),
    [
        ({}, {}, "", ""),
        ({}, {"key": "in/${filename}"}, "", ""),
        ({"more": ["eq", "$key", "in/a.txt"]}, {"key": "in/${filename}"}, "", ""),
        ({"more": ["eq", "$key", "in/${filename}"]}, {"key": "in/${filename}"}, "AccessDenied", "Condition failed"),
        ({}, {"key": "${filename}"}, "AccessDenied", "Condition failed"),
        ({}, {"x-ignore-me": "1"}, "", ""),
        ({}, {"x-amz-meta-a": "1"}, "AccessDenied", "Invalid according to Policy: Extra input fields: x-amz-meta-a"),
        ({}, {"content-type": "a/b"}, "AccessDenied", "Extra input fields: content-type"),
        ({"bucket": "another"}, {}, "AccessDenied", 'Policy Condition failed: ["eq", "$bucket", "another"]'),
        ({"expiration": "2020-01-01T00:00:00Z"}, {}, "AccessDenied", "Policy expired"),
        ({"expiration": "soon"}, {}, "InvalidPolicyDocument", "Invalid Policy"),
        ({"more": ["like", "$key", "a"]}, {}, "InvalidPolicyDocument", "unknown operator like"),
        ({"more": ["eq", "$key"]}, {}, "InvalidPolicyDocument", "Invalid Policy"),
        ({"more": ["content-length-range", "a", 1]}, {}, "InvalidPolicyDocument", "Invalid Policy"),
        ({"more": ["starts-with", "$x-amz-meta-a", ""]}, {"x-amz-meta-a": "any"}, "", ""),
        ({"more": ["starts-with", "$x-amz-meta-a", "b"]}, {"x-amz-meta-a": "any"}, "AccessDenied", "Condition failed"),
    ],
)
def test_a_forms_policy_is_held(
    s3: Any, unique: str, policy: dict[str, Any], said: dict[str, str], code: str, words: str
) -> None:
    more = [policy["more"]] if "more" in policy else []
    document = {
        "expiration": policy.get("expiration", "2099-01-01T00:00:00.000Z"),
        "conditions": [{"bucket": policy.get("bucket", unique)}, ["starts-with", "$key", "in/"], *more],
    }
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    fields: dict[str, Any] = {"key": "in/k", "policy": encoded, **said, "file": ("a.txt", b"posted")}

    answer = urllib3.request("POST", f"{s3.meta.endpoint_url}/{unique}", fields=fields)

    found = re.search("<Code>(.*)</Code>", answer.data.decode())
    assert (found[1] if found else "") == code
    assert words in html.unescape(answer.data.decode())
    assert s3.list_objects_v2(Bucket=unique)["KeyCount"] == (0 if code else 1)


def test_a_presigned_address_ends(s3: Any, unique: str) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": unique, "Key": "k"})
    old = (
        url.replace("X-Amz-Date=20", "X-Amz-Date=19")
        if "X-Amz-Date" in url
        else url.replace("Expires=", "Expires=1&e=")
    )

    assert (urllib3.request("GET", url).status, urllib3.request("GET", old).status) == (200, 403)
    assert urllib3.request("GET", f"{s3.meta.endpoint_url}/{unique}/k").status == 403
    s3.put_object_acl(Bucket=unique, Key="k", ACL="public-read")
    assert urllib3.request("GET", f"{s3.meta.endpoint_url}/{unique}/k").data == b"1"


def test_a_listing_that_nobody_signed_is_for_buckets_that_let_everybody_list(s3: Any, unique: str) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"1")
    address = f"{s3.meta.endpoint_url}/{unique}?list-type=2"
    assert urllib3.request("GET", address).status == 403
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{unique}"}
    s3.put_bucket_policy(Bucket=unique, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    assert b"<Key>k</Key>" in urllib3.request("GET", address).data
    assert urllib3.request("GET", address.replace("list-type=2", "versions")).status == 403
    s3.delete_bucket_policy(Bucket=unique)
    assert urllib3.request("GET", address).status == 403
    s3.put_bucket_acl(Bucket=unique, ACL="public-read")
    assert b"<Key>k</Key>" in urllib3.request("GET", address).data


def test_a_form_typed_put_is_kept(s3: Any, unique: str) -> None:
    url = s3.generate_presigned_url("put_object", Params={"Bucket": unique, "Key": "k"})
    sent = b"Action=ListBuckets&x=1"
    answer = urllib3.request("PUT", url, body=sent, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert (answer.status, body(s3, unique, "k")) == (200, sent)


def test_events_reach_queues_topics_and_event_bridge(s3: Any, shared_cloud: CloudProcess, unique: str) -> None:
    sqs = shared_cloud.client("sqs")
    urls = [sqs.create_queue(QueueName=f"{unique}-{name}")["QueueUrl"] for name in ("direct", "topic", "bus")]
    arns = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] for url in urls
    ]
    topic = shared_cloud.client("sns").create_topic(Name=unique)["TopicArn"]
    shared_cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns[1])
    events = shared_cloud.client("events")
    events.put_rule(
        Name=unique, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [unique]}}})
    )
    events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": arns[2]}])
    filters = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}
    s3.put_bucket_notification_configuration(
        Bucket=unique,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arns[0], "Events": ["s3:ObjectCreated:*"], "Filter": filters}],
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}],
            "EventBridgeConfiguration": {},
        },
    )
    s3.put_object(Bucket=unique, Key="in/a b", Body=b"123")
    s3.put_object(Bucket=unique, Key="out", Body=b"1")
    s3.delete_object(Bucket=unique, Key="out")

    def received(url: str) -> list[Any]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        messages = [json.loads(item["Body"]) for item in answer.get("Messages", [])]
        return [message for message in messages if message.get("Event") != "s3:TestEvent"]

    records = [record for message in received(urls[0]) for record in message["Records"]]
    assert [(record["eventName"], record["s3"]["object"]["key"]) for record in records] == [
        ("ObjectCreated:Put", "in/a+b")
    ]
    assert records[0]["s3"]["object"]["size"] == 3
    told = [json.loads(message["Message"]) for message in received(urls[1])]
    assert [record["eventName"] for message in told if "Records" in message for record in message["Records"]] == [
        "ObjectRemoved:Delete"
    ]
    bus = received(urls[2])
    assert [(event["detail-type"], event["detail"]["object"]["key"]) for event in bus] == [
        ("Object Created", "in/a b"),
        ("Object Created", "out"),
        ("Object Deleted", "out"),
    ]


def test_other_services_find_objects(s3: Any, shared_cloud: CloudProcess, unique: str) -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{unique}-stack"}}}}
    s3.put_object(Bucket=unique, Key="t.json", Body=json.dumps(template).encode())
    formation = shared_cloud.client("cloudformation")
    url = f"https://s3.amazonaws.com/{unique}/t.json"

    try:
        formation.create_stack(StackName=unique, TemplateURL=url)
    except ClientError as error:
        assert "openapi" in str(error)  # noqa: PT017 - the demo's environment has not what moto's CloudFormation wants
    dynamo = shared_cloud.client("dynamodb")
    dynamo.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert refusal(lambda: s3.delete_bucket(Bucket=unique)) == ("BucketNotEmpty", 409)


def test_names_lead_nowhere(s3: Any, unique: str) -> None:
    for key in ("../../outside", "..", "a/../../../b", "/etc/passwd", "x\x01y"):
        s3.put_object(Bucket=unique, Key=key, Body=key.encode())
        assert body(s3, unique, key) == key.encode()
    assert len(keys(s3, unique)) == 5
    assert (
        refusal(lambda: s3.put_object(Bucket=unique, Key="k", Body=b"", StorageClass="NO"))[0] == "InvalidStorageClass"
    )
