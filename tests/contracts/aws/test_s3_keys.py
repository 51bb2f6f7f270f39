"""The AWS API wire: an S3 key is any text of at most 1024 bytes of UTF-8, and is the same text in every call, restarts included."""

from __future__ import annotations

import urllib.parse
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import code_of

KEYS = [
    "ü.csv", "日本.csv", "a%20b.csv", "a%2Fb.csv", "a/b.csv", "q?.csv", "q?x=1&y", "a+b c.csv", "a//b", "/lead", "//two", "folder/",
    "trail//", ".", "..", "a/../b", "a/./b", "#hash", "semi;colon", "at@", "%", "%zz", "100%", "back\\slash", "tab\tkey", "quo\"te'", "<&>",
    " space ", "a=b", "~tilde", "😀", "é/e\u0301", "k" * 1024, "ü" * 512,
]  # fmt: skip


def names(s3: Any, bucket: str, **arguments: Any) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **arguments)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_the_same_in_every_call(s3: Any, unique: str, key: str) -> None:
    body = key.encode()
    s3.put_object(Bucket=unique, Key=key, Body=body, Metadata={"n": "1"})

    assert names(s3, unique) == [key]
    assert names(s3, unique, Prefix=key) == [key]
    assert s3.get_object(Bucket=unique, Key=key)["Body"].read() == body
    assert s3.head_object(Bucket=unique, Key=key)["ContentLength"] == len(body)

    copy = key[:1] + "-copied" + key[-300:]
    s3.copy_object(Bucket=unique, Key=copy, CopySource={"Bucket": unique, "Key": key})
    assert s3.get_object(Bucket=unique, Key=copy)["Body"].read() == body

    s3.put_object_tagging(Bucket=unique, Key=key, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert s3.get_object_tagging(Bucket=unique, Key=key)["TagSet"] == [{"Key": "k", "Value": "v"}]

    answer = s3.delete_objects(Bucket=unique, Delete={"Objects": [{"Key": key}]})
    assert [item["Key"] for item in answer["Deleted"]] == [key]
    assert names(s3, unique) == [copy]
    s3.delete_object(Bucket=unique, Key=copy)
    assert names(s3, unique) == []


@pytest.mark.parametrize("key", ["ü%20/q?+ .csv", "a//b/", "/lead"])
def test_a_multipart_upload_and_a_presigned_one_have_the_same_key(s3: Any, unique: str, key: str) -> None:
    upload = s3.create_multipart_upload(Bucket=unique, Key=key)
    assert upload["Key"] == key
    part = s3.upload_part(Bucket=unique, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"b" * 10)["ETag"]
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket=unique)["Uploads"]] == [key]
    done = s3.complete_multipart_upload(
        Bucket=unique,
        Key=key,
        UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]},
    )
    assert (done["Key"], names(s3, unique)) == (key, [key])

    url = s3.generate_presigned_url("put_object", Params={"Bucket": unique, "Key": key})
    assert urllib3.request("PUT", url, body=b"signed").status == 200
    url = s3.generate_presigned_url("get_object", Params={"Bucket": unique, "Key": key})
    assert urllib3.request("GET", url).data == b"signed"
    assert names(s3, unique) == [key]


def test_encoding_prefix_and_delimiter(s3: Any, unique: str) -> None:
    for key in ("ü/a b", "ü/c%20d", "ü/x/y", "z"):
        s3.put_object(Bucket=unique, Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket=unique, Prefix="ü/", Delimiter="/")

    assert [item["Key"] for item in page["Contents"]] == ["ü/a b", "ü/c%20d"]
    assert page["CommonPrefixes"] == [{"Prefix": "ü/x/"}]
    assert (page["Prefix"], page["Delimiter"]) == ("ü/", "/")
    encoded = s3.list_objects_v2(Bucket=unique, Prefix="ü/", EncodingType="url")
    assert urllib.parse.unquote_plus(encoded["Contents"][0]["Key"]) == "ü/a b"
    assert names(s3, unique, StartAfter="ü/c%20d") == ["ü/x/y"]


def test_a_key_over_1024_bytes_is_refused(s3: Any, unique: str) -> None:
    assert code_of(lambda: s3.put_object(Bucket=unique, Key="ü" * 513, Body=b""))[0] == "KeyTooLongError"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1).filter(
        lambda key: len(key.encode()) <= 1024
    )
)
def test_any_text_is_a_key(s3: Any, unique: str, key: str) -> None:
    s3.put_object(Bucket=unique, Key=key, Body=key.encode())
    assert names(s3, unique) == [key]
    assert s3.get_object(Bucket=unique, Key=key)["Body"].read() == key.encode()
    s3.delete_object(Bucket=unique, Key=key)
    assert names(s3, unique) == []


def test_keys_are_the_same_after_kill_9(local_cloud: CloudProcess) -> None:
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    for key in KEYS:
        s3.put_object(Bucket="kept", Key=key, Body=b"first")
        s3.put_object(Bucket="kept", Key=key, Body=key.encode())
    s3.copy_object(Bucket="kept", Key="copied", CopySource={"Bucket": "kept", "Key": "q?x=1&y"})
    s3.put_object(Bucket="kept", Key="q?x=1&y", Body=b"later")
    s3.delete_object(Bucket="kept", Key="a%20b.csv")
    before = names(s3, "kept")

    local_cloud.kill()
    local_cloud.start()
    s3 = local_cloud.client("s3")

    assert names(s3, "kept") == before
    bodies = {key: s3.get_object(Bucket="kept", Key=key)["Body"].read() for key in before}
    assert bodies["copied"] == b"q?x=1&y"
    assert bodies["q?x=1&y"] == b"later"
    assert all(bodies[key] == key.encode() for key in before if key not in {"copied", "q?x=1&y"})


@pytest.mark.parametrize(
    "name",
    [
        "TrainingData",
        "training_data",
        "a..b",
        "-a",
        "a-",
        "192.168.1.1",
        "xn--a",
        "sthree-a",
        "a-s3alias",
        "a--ol-s3",
        "ab",
        "a" * 64,
    ],
)
def test_a_bucket_name_that_aws_refuses_is_refused(shared_cloud: CloudProcess, name: str) -> None:
    s3 = shared_cloud.client("s3")
    with pytest.raises(ClientError) as caught:
        s3.create_bucket(Bucket=name)

    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidBucketName", "The specified bucket is not valid.")
