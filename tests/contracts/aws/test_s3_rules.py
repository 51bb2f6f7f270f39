"""The AWS API wire: S3's finer rules of objects, by unmodified boto3: copies onto themselves, repeated calls, refusals' words, policies, events.

Sources: the S3 API reference (CopyObject, CompleteMultipartUpload, UploadPart, UploadPartCopy, PutObjectAcl, error responses), the User
Guide (policies' denials, EventBridge's messages).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess

PART = 5 * 1024**2


def error(call: Callable[[], object]) -> dict[str, Any]:
    """What the call is refused with."""
    with pytest.raises(ClientError) as refused:
        call()
    document: dict[str, Any] = dict(refused.value.response["Error"])
    return document


def test_a_copy_onto_itself_may_take_off_encryption_and_bring_back_a_version(s3: Any, unique: str) -> None:
    source = f"{unique}/k"
    s3.put_object(Bucket=unique, Key="k", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/k")

    assert s3.copy_object(Bucket=unique, Key="k", CopySource=source)["ServerSideEncryption"] == "AES256"
    assert error(lambda: s3.copy_object(Bucket=unique, Key="k", CopySource=source))["Code"] == "InvalidRequest"

    s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration={"Status": "Enabled"})
    latest = s3.put_object(Bucket=unique, Key="k", Body=b"2")["VersionId"]
    again = s3.copy_object(Bucket=unique, Key="k", CopySource=f"{source}?versionId={latest}")
    assert again["VersionId"] != latest


def test_completing_an_upload_again_is_answered_as_before(s3: Any, unique: str) -> None:
    named = {"Bucket": unique, "Key": "k"}
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    etag = s3.upload_part(PartNumber=1, Body=io.BytesIO(b"abc"), **upload)["ETag"]
    parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}

    answers = [
        s3.complete_multipart_upload(MultipartUpload=parts, **upload, **more) for more in ({}, {"IfNoneMatch": "*"})
    ]
    assert answers[0]["ETag"] == answers[1]["ETag"]
    other = {"Parts": [{"ETag": '"0"', "PartNumber": 1}]}
    assert error(lambda: s3.complete_multipart_upload(MultipartUpload=other, **upload))["Code"] == "NoSuchUpload"
    s3.put_object(Body=b"later", **named)
    assert error(lambda: s3.complete_multipart_upload(MultipartUpload=parts, **upload))["Code"] == "NoSuchUpload"


def test_an_upload_has_the_checksum_it_was_begun_with(s3: Any, unique: str) -> None:
    named = {"Bucket": unique, "Key": "k"}
    upload = {**named, "UploadId": s3.create_multipart_upload(ChecksumAlgorithm="SHA256", **named)["UploadId"]}
    part = s3.upload_part(PartNumber=1, Body=b"abc", ChecksumAlgorithm="SHA256", **upload)
    named_by = {"ETag": part["ETag"], "PartNumber": 1}
    refused = error(lambda: s3.complete_multipart_upload(MultipartUpload={"Parts": [named_by]}, **upload))
    assert (refused["Code"], "missing for part 1" in refused["Message"]) == ("InvalidRequest", True)
    named_by["ChecksumSHA256"] = part["ChecksumSHA256"]
    s3.complete_multipart_upload(MultipartUpload={"Parts": [named_by]}, **upload)

    assert s3.head_object(ChecksumMode="ENABLED", **named)["ChecksumSHA256"].endswith("-1")


def test_settings_are_of_s3s_words(s3: Any, unique: str) -> None:
    s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration={"Status": "Enabled"})
    for status, code in (("Bogus", "MalformedXML"), (None, "IllegalVersioningConfigurationException")):
        said = {"Status": status} if status else {}
        wrong = error(lambda said=said: s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration=said))  # type: ignore[misc]
        assert wrong["Code"] == code
    assert s3.get_bucket_versioning(Bucket=unique)["Status"] == "Enabled"

    def encrypted(algorithm: str) -> None:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
        s3.put_bucket_encryption(Bucket=unique, ServerSideEncryptionConfiguration={"Rules": [rule]})

    encrypted("aws:kms")
    assert error(lambda: encrypted("AES"))["Code"] == "MalformedXML"
    assert s3.put_object(Bucket=unique, Key="k", Body=b"1")["ServerSideEncryption"] == "aws:kms"


def test_refusals_say_which_argument(s3: Any, unique: str) -> None:
    named = {"Bucket": unique, "Key": "k"}
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    s3.put_object(Bucket=unique, Key="source", Body=b"123456789")

    for number in (-1, 0, 10_001):
        wrong = error(lambda number=number: s3.upload_part(PartNumber=number, Body=b"", **upload))  # type: ignore[misc]
        assert (wrong["Code"], wrong["ArgumentName"]) == ("InvalidArgument", "partNumber")
        assert wrong["ArgumentValue"] == str(number)
    limits = error(lambda: s3.list_parts(MaxParts=-1, **upload))
    assert limits["Message"] == "Argument max-parts must be an integer between 0 and 2147483647"

    def copied(span: str) -> dict[str, Any]:
        source = {"CopySource": f"{unique}/source", "CopySourceRange": span}
        return error(lambda: s3.upload_part_copy(PartNumber=1, **source, **upload))

    assert "bytes=first-last" in copied("0-3")["Message"]
    assert "object of size: 9" in copied("bytes=0-9")["Message"]
    grant = error(lambda: s3.put_object_acl(Bucket=unique, Key="source", GrantRead="url=x"))
    assert (grant["Code"], grant["ArgumentValue"]) == ("InvalidArgument", "url=x")
    assert error(lambda: s3.head_object(Bucket=unique, Key="source", PartNumber=2))["Code"] == "416"
    assert error(lambda: s3.get_object(Bucket=unique, Key="source", VersionId="none"))["ArgumentValue"] == "none"
    condition = error(
        lambda: s3.copy_object(CopySource=f"{unique}/source", CopySourceIfMatch='"0"', Bucket=unique, Key="copy")
    )
    assert condition["Condition"] == "x-amz-copy-source-If-Match"


def test_a_denial_of_everybody_holds_for_whoever_signs(s3: Any, unique: str) -> None:
    def deny(**more: Any) -> None:
        resource = {"Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{unique}/*"}
        statement = {"Effect": "Deny", "Principal": "*", **resource, **more}
        s3.put_bucket_policy(Bucket=unique, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    s3.put_object(Bucket=unique, Key="k", Body=b"")
    deny()
    assert error(lambda: s3.delete_object(Bucket=unique, Key="k"))["Code"] == "AccessDenied"
    errors = s3.delete_objects(Bucket=unique, Delete={"Objects": [{"Key": "k"}]})["Errors"]
    assert [(item["Key"], item["Code"]) for item in errors] == [("k", "AccessDenied")]
    deny(Condition={"Bool": {"aws:SecureTransport": "false"}})
    s3.delete_object(Bucket=unique, Key="k")


def test_an_address_signed_with_a_type_wants_the_type(s3: Any, unique: str) -> None:
    url = s3.generate_presigned_url("put_object", Params={"Bucket": unique, "Key": "k", "ContentType": "app/x"})

    for headers, status in (({}, 403), ({"Content-Type": "app/y"}, 403), ({"Content-Type": "app/x"}, 200)):
        assert urllib3.request("PUT", url, body=b"1", headers=headers).status == status


def test_event_bridge_puts_events_of_objects_into_logs(s3: Any, shared_cloud: CloudProcess, unique: str) -> None:
    logs, events = shared_cloud.client("logs"), shared_cloud.client("events")
    group = f"/{unique}"
    logs.create_log_group(logGroupName=group)
    pattern = json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [unique]}}})
    account = shared_cloud.client("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:{group}"
    events.put_rule(Name=unique, EventPattern=pattern)
    events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": arn}])
    s3.put_bucket_notification_configuration(Bucket=unique, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=unique)
    s3.put_object(Bucket=unique, Key="k", Body=b"1")
    events.put_rule(Name=f"{unique}-off", EventPattern=pattern, State="DISABLED")
    events.put_targets(Rule=f"{unique}-off", Targets=[{"Id": "1", "Arn": arn}])
    s3.copy_object(Bucket=unique, Key="k2", CopySource=f"{unique}/k")
    events.disable_rule(Name=unique)
    s3.delete_object(Bucket=unique, Key="k")

    messages = [json.loads(item["message"]) for item in logs.filter_log_events(logGroupName=group)["events"]]
    assert [(message["detail-type"], message["detail"]["reason"]) for message in messages] == [
        ("Object Created", "PutObject"),
        ("Object Created", "CopyObject"),
    ]
    assert messages[0]["resources"] == [f"arn:aws:s3:::{unique}"]
