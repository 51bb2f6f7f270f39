"""What policies have conditions on, as a request says it."""

from __future__ import annotations

from datetime import UTC, datetime

from fogbank.cloud.enforcement.conditions import context_of
from fogbank.cloud.ground.wire import Request

NOW = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


def request(service: str, query: str = "", body: bytes = b"", **headers: str) -> Request:
    signed = f"AWS4-HMAC-SHA256 Credential=k/20270101/us-east-1/{service}/aws4_request"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="GET", path="/b", query=query, headers={"authorization": signed, **named}, body=body)


def test_a_listing_says_its_prefix_and_one_without_says_none() -> None:
    context = context_of(request("s3", "list-type=2&prefix=home%2Fa&delimiter=%2F&max-keys=5"), NOW)
    assert (context["s3:prefix"], context["s3:delimiter"], context["s3:max-keys"]) == (["home/a"], ["/"], ["5"])
    assert context_of(request("s3", "prefix="), NOW)["s3:prefix"] == [""]
    assert "s3:prefix" not in context_of(request("s3", "list-type=2"), NOW)


def test_headers_of_s3_are_keys_of_their_own() -> None:
    context = context_of(request("s3", x_amz_server_side_encryption="aws:kms", x_amz_acl="private"), NOW)
    assert (context["s3:x-amz-server-side-encryption"], context["s3:x-amz-acl"]) == (["aws:kms"], ["private"])
    assert "s3:x-amz-acl" not in context_of(request("sqs", x_amz_acl="private"), NOW)


def test_the_time_and_an_external_id() -> None:
    context = context_of(request("sts", body=b"Action=AssumeRole&ExternalId=e%2B1"), NOW)
    assert (context["aws:currenttime"], context["sts:externalid"]) == (["2027-01-02T03:04:05Z"], ["e+1"])
    assert context["aws:epochtime"] == [str(int(NOW.timestamp()))]


def test_an_external_id_without_a_value_is_none() -> None:
    assert "sts:externalid" not in context_of(request("sts", body=b"Action=AssumeRole&ExternalId="), NOW)
    assert "sts:externalid" not in context_of(request("sts", body=b"Action=AssumeRole&NoExternalId=1"), NOW)
