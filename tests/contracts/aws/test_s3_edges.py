"""The AWS API wire: what S3 refuses and a client would learn of on AWS alone, by unmodified boto3 and plain HTTP.

Sources: S3 User Guide ("Specifying server-side encryption with customer-provided keys", "Verifying bucket ownership with bucket owner
condition", "Checking object integrity"); S3 API reference, "Authenticating requests: using query parameters".
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=any/20270101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
}
KEY, OTHER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, {
    "SSECustomerAlgorithm": "AES256", "SSECustomerKey": "o" * 32,
}  # fmt: skip
WEEK_S = 7 * 86_400


def code(call: Callable[..., Any], **given: Any) -> str:
    """The code under which a call is refused; empty where it is not."""
    try:
        call(**given)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def ask(
    url: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, list[tuple[str, str]], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def test_what_was_put_with_a_key_is_given_to_who_has_it(s3: Any, unique: str) -> None:
    named = {"Bucket": unique, "Key": "k"}
    md5 = s3.put_object(Body=b"secret", **named, **KEY)["SSECustomerKeyMD5"]
    assert code(s3.get_object, **named) == "InvalidRequest"
    assert code(s3.head_object, **named) == "400"
    assert code(s3.get_object, **named, **OTHER) == "AccessDenied"
    answer = s3.get_object(**named, **KEY)
    assert (answer["Body"].read(), answer["SSECustomerKeyMD5"]) == (b"secret", md5)

    copied = {"Bucket": unique, "Key": "copy", "CopySource": named}
    source = {f"CopySource{name}": value for name, value in KEY.items()}
    assert code(s3.copy_object, **copied) == "InvalidRequest"
    s3.copy_object(**copied, **source, **OTHER)
    assert s3.get_object(Bucket=unique, Key="copy", **OTHER)["Body"].read() == b"secret"
    s3.copy_object(**copied, **source)
    assert s3.get_object(Bucket=unique, Key="copy")["Body"].read() == b"secret"

    upload = {**named, "UploadId": s3.create_multipart_upload(**named, **KEY)["UploadId"]}
    assert code(s3.upload_part, PartNumber=1, Body=b"1", **upload) == "InvalidRequest"
    etag = s3.upload_part(PartNumber=1, Body=b"1", **upload, **KEY)["ETag"]
    s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}, **upload)
    assert s3.get_object(**named, **KEY)["Body"].read() == b"1"


def test_a_bucket_of_another_account_than_expected_is_denied(s3: Any, unique: str) -> None:
    named, other = {"Bucket": unique, "Key": "k"}, {"ExpectedBucketOwner": "111111111111"}
    assert code(s3.put_object, Body=b"1", **named, **other) == "AccessDenied"
    s3.put_object(Body=b"1", ExpectedBucketOwner="123456789012", **named)
    assert code(s3.get_object, **named, **other) == "AccessDenied"
    assert code(s3.list_objects_v2, Bucket=unique, **other) == "AccessDenied"
    copied = {"Bucket": unique, "Key": "copy", "CopySource": named}
    assert code(s3.copy_object, ExpectedSourceBucketOwner="111111111111", **copied) == "AccessDenied"


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda url: url, ""),
        (lambda url: url.replace("Expires=60", f"Expires={WEEK_S}"), ""),
        (lambda url: url.replace("Expires=60", f"Expires={WEEK_S + 1}"), "AuthorizationQueryParametersError"),
        (lambda url: url.replace("Expires=60", "Expires=-1"), "AuthorizationQueryParametersError"),
        (lambda url: url.replace("Expires=60", "Expires=soon"), "AuthorizationQueryParametersError"),
        (lambda url: url.replace("&X-Amz-Expires=60", ""), "AuthorizationQueryParametersError"),
        (lambda url: url.replace("X-Amz-Date=2", "X-Amz-Date=x"), "AuthorizationQueryParametersError"),
    ],
)  # fmt: skip
def test_a_presigned_address_lasts_a_week_at_most(
    s3: Any, shared_cloud: CloudProcess, unique: str, change: Callable[[str], str], refused: str
) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"1")
    signing = boto3.client(
        "s3", endpoint_url=shared_cloud.url, region_name="us-east-1", aws_access_key_id="fogbank-local",
        aws_secret_access_key=shared_cloud.secret, config=Config(signature_version="s3v4"),
    )  # fmt: skip
    url = change(signing.generate_presigned_url("get_object", Params={"Bucket": unique, "Key": "k"}, ExpiresIn=60))
    parts = urlsplit(url)
    status, _, body = ask(shared_cloud.url, "GET", f"{parts.path}?{parts.query}", {})
    assert (status, refused.encode() in body) == (400 if refused else 200, True), body
    if not refused:
        assert ask(shared_cloud.url, "GET", f"{parts.path}?{parts.query}", SIGNED)[0] == 400, "one signature alone"


def test_no_parameter_becomes_a_header_of_its_own(s3: Any, shared_cloud: CloudProcess, unique: str) -> None:
    s3.put_object(Bucket=unique, Key="k", Body=b"1")
    for value in ("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\x00b"):
        path = f"/{unique}/k?response-content-disposition={quote(value)}"
        status, headers, body = ask(shared_cloud.url, "GET", path, SIGNED)
        assert (status, b"InvalidArgument" in body) == (400, True)
        assert "x-evil" not in {name.lower() for name, _ in headers}
    said = s3.get_object(Bucket=unique, Key="k", ResponseContentDisposition='attachment; filename="é.txt"')
    assert said["ContentDisposition"] == 'attachment; filename="é.txt"'


def test_a_checksum_that_is_none_and_one_that_never_came_are_refused(
    s3: Any, shared_cloud: CloudProcess, unique: str
) -> None:
    named = {"Bucket": unique, "Key": "k"}
    assert code(s3.put_object, Body=b"1", ChecksumCRC32="zz", **named) == "InvalidRequest"
    assert code(s3.put_object, Body=b"1", ChecksumCRC32="AAAAAA==", **named) == "BadDigest"
    chunked = {
        **SIGNED, "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-crc32",
    }  # fmt: skip
    status, _, body = ask(shared_cloud.url, "PUT", f"/{unique}/k", chunked, b"1\r\n1\r\n0\r\n\r\n")
    assert (status, b"MalformedTrailerError" in body) == (400, True)
    assert code(s3.head_object, **named) == "404"
