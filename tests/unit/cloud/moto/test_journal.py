"""What is written down of a request, and which requests are."""

from __future__ import annotations

import pytest

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.journal import changes_state, copied_object, entry, request_of

SCOPE = "AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host;x, Signature=secret"


def request(
    method: str = "POST", path: str = "/", service: str = "sqs", body: bytes = b"", query: str = "", **headers: str
) -> Request:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method=method, path=path, query=query, headers={"authorization": SCOPE.format(service), **given}, body=body
    )


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        (request("PUT", service="s3"), True),
        (request("HEAD", service="s3"), False),
        (request(x_amz_target="SageMaker.ListDomains"), False),
        (request(x_amz_target="SageMaker.CreateDomain"), True),
        (request(body=b"Action=ListUsers&Version=1", content_type="application/x-www-form-urlencoded"), False),
        (request(body=b"Action=CreateUser&Version=1", content_type="application/x-www-form-urlencoded"), True),
        (request(path="/service/G/operation/PutMetricData", smithy_protocol="rpc-v2-cbor"), True),
        (request(path="/service/G/operation/GetMetricData", smithy_protocol="rpc-v2-cbor"), False),
        (request(path="/2015-03-31/functions"), True),
    ],
)
def test_what_changes_state_is_told_by_the_operations_name(asked: Request, changes: bool) -> None:
    assert changes_state(asked) is changes


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("b/k", "b/k"), ("/b/a%20b", "b/a b"), ("b/q%3F.csv?versionId=1", "b/q?.csv"), ("b/%C3%BC", "b/ü"), ("b/a%2520b", "b/a%20b"),
    ],
)  # fmt: skip
def test_the_object_that_is_copied(source: str, name: str) -> None:
    assert copied_object(request("PUT", service="s3", x_amz_copy_source=source)) == name
    assert copied_object(request("PUT", service="s3")) is None


def test_an_entry_is_the_request_without_what_is_nobodys_business() -> None:
    asked = request("PUT", "/b/a%20b", body=b"x", query="a=1", x_amz_security_token="t", if_match="e", x_amz_meta_a="1")
    again = request_of(entry(7, 1.5, asked, Answer()))

    assert (again.method, again.path, again.query, again.body) == ("PUT", "/b/a%20b", "a=1", b"x")
    assert again.headers == {
        "authorization": SCOPE.format("sqs").partition(", SignedHeaders")[0] + ", SignedHeaders=host, Signature=-",
        "x-amz-meta-a": "1",
    }


def test_an_upload_has_the_id_that_the_client_was_told() -> None:
    asked = request("POST", "/b/k", service="s3", query="uploads")
    written = entry(1, 1.0, asked, Answer(body=b"<R><UploadId>abc</UploadId></R>"))

    assert (written.upload, written.object) == ("abc", None)
