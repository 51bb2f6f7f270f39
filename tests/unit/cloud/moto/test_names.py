"""Names that S3 refuses."""

from __future__ import annotations

import pytest

from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.names import is_bucket_name, refusal


def put(path: str, query: str = "", body: bytes = b"", service: str = "s3") -> Request:
    scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    return Request(method="PUT", path=path, query=query, headers={"authorization": scope}, body=body)


@pytest.mark.parametrize("name", ["abc", "a-b.c", "123", "a" * 63, "my.bucket-1", "a.b.c", "1.2.3", "logs-s3alias-x"])
def test_bucket_names(name: str) -> None:
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 64, "Abc", "a_b", "a..b", ".ab", "ab.", "-ab", "ab-", "10.0.0.1", "xn--a", "sthree-x", "amzn-s3-demo-x", "x-s3alias",
     "x--ol-s3", "x.mrap", "x--x-s3", "x--table-s3", "", "a b", "ä-b"],
)  # fmt: skip
def test_what_is_no_bucket_name(name: str) -> None:
    assert not is_bucket_name(name)


def test_only_a_buckets_creation_is_refused_for_its_name() -> None:
    refused = refusal(put("/Not_One"))
    assert refused is not None
    assert b"<Code>InvalidBucketName</Code>" in refused.body
    assert refusal(put("/Not_One", query="acl")) is None
    assert refusal(put("/Not_One/key")) is None
    assert refusal(put("/Not_One", service="sqs")) is None
    assert refusal(put("/one--x-s3", body=b"<Bucket><Type>Directory</Type></Bucket>")) is None


def test_a_key_may_have_1024_bytes() -> None:
    assert refusal(put("/one/" + "%C3%BC" * 512)) is None
    refused = refusal(put("/one/" + "%C3%BC" * 512 + "k"))
    assert refused is not None
    assert b"<Code>KeyTooLongError</Code>" in refused.body


@pytest.mark.parametrize(
    "policy", [b"", b"hello", b"[]", b"{}", b'{"Statement": [5]}', b'{"Statement": {}}', b"[" * 100_000]
)
@pytest.mark.parametrize(("service", "query"), [("s3", "policy"), ("lambda", "policy="), ("", "x=1&policy")])
def test_a_policy_that_is_none_is_refused_so_that_the_bucket_goes_on_working(
    policy: bytes, service: str, query: str
) -> None:
    answer = refusal(put("/bucket", query=query, body=policy, service=service))

    assert answer is not None
    assert (answer.status, b"MalformedPolicy" in answer.body) == (400, True)
