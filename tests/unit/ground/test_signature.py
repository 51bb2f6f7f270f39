"""Signatures as botocore makes them are verified; whatever is changed after, or is late, is not."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fogbank.ground.signature import (
    CHUNKS,
    MOMENT,
    Sent,
    SignatureError,
    access_key,
    claimed,
    sign,
    signing_key,
    verify,
)

SECRET = "secret"
KEY = Credentials("AKID/with", SECRET)
HOST = "127.0.0.1:4566"


def sent_by_botocore(
    auth: type, path: str, service: str = "s3", body: bytes = b"", method: str = "PUT", **headers: str
) -> Sent:
    """A request as it goes out, in this server's words."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method=method, url=f"http://{HOST}{path}", data=body, headers=given)
    auth(KEY, service, "eu-west-1").add_auth(request)
    made = request.prepare()
    url = urlsplit(made.url)
    lower = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in made.headers.items()
    }
    return Sent(method=method, path=url.path, query=url.query, headers={"host": HOST, **lower})


def check(sent: Sent, body: bytes = b"", secret: str = SECRET, after_s: float = 0) -> None:
    signed = claimed(sent)
    assert signed is not None
    at = datetime.strptime(signed.at, MOMENT).replace(tzinfo=UTC).timestamp()
    verify(sent, signed, secret, [body], at + after_s)


def other(sent: Sent, **headers: str) -> Sent:
    return replace(sent, headers={**sent.headers, **{name.replace("_", "-"): value for name, value in headers.items()}})


def refusal(sent: Sent, body: bytes = b"", secret: str = SECRET, after_s: float = 0) -> str:
    with pytest.raises(SignatureError) as caught:
        check(sent, body, secret, after_s)
    return caught.value.code


PUT = sent_by_botocore(S3SigV4Auth, "/b/a%20k%2B~?tagging&x=%20%2F", body=b"hello", content_type="text/plain")
POST = sent_by_botocore(SigV4Auth, "/endpoints/a%3Ab/../c//d/", "sagemaker", b"{}", "POST", x_amz_target="S.Op")
URL = sent_by_botocore(lambda *a: S3SigV4QueryAuth(*a, expires=60), "/b/k?versionId=3", method="GET")  # type: ignore[arg-type]  # made as a class is
STS = sent_by_botocore(lambda *a: SigV4QueryAuth(*a, expires=60), "/?Action=GetCallerIdentity", "sts", method="GET")  # type: ignore[arg-type]


@pytest.mark.parametrize(("sent", "body"), [(PUT, b"hello"), (POST, b"{}"), (URL, b""), (STS, b"")])
def test_what_botocore_signs_is_verified(sent: Sent, body: bytes) -> None:
    check(sent, body)

    assert access_key(sent) == "AKID"
    assert refusal(sent, body, secret="other") == "SignatureDoesNotMatch"


def test_the_key_may_hold_slashes_and_its_scope_is_what_comes_last() -> None:
    signed = claimed(PUT)

    assert signed is not None
    assert (signed.access_key, signed.region, signed.service) == ("AKID/with", "eu-west-1", "s3")


@pytest.mark.parametrize(
    "changed",
    [
        replace(PUT, method="DELETE"),
        replace(PUT, path="/b/other"),
        replace(PUT, query="tagging&x=%20"),
        other(PUT, content_type="text/html"),
        other(PUT, host="127.0.0.1:1"),
        replace(POST, path="/endpoints/z"),
        replace(URL, query=URL.query.replace("Expires=60", "Expires=600")),
        replace(URL, path="/b/other"),
    ],
)
def test_what_is_changed_later_is_not_signed(changed: Sent) -> None:
    assert refusal(changed, b"hello") == "SignatureDoesNotMatch"


def test_another_body_is_found_whether_its_digest_is_said_or_not() -> None:
    assert refusal(PUT, b"HELLO") == "XAmzContentSHA256Mismatch"
    assert refusal(POST, b"[]") == "SignatureDoesNotMatch"


def test_a_header_that_nobody_signed_changes_nothing_of_s3s() -> None:
    assert refusal(other(PUT, x_amz_acl="public-read"), b"hello") == "AccessDenied"
    assert refusal(other(URL, x_amz_acl="public-read")) == "AccessDenied"


@pytest.mark.parametrize(
    ("sent", "after_s", "code"),
    [
        (POST, 899, ""),
        (POST, 901, "RequestTimeTooSkewed"),
        (POST, -901, "RequestTimeTooSkewed"),
        (URL, 59, ""),
        (URL, 61, "AccessDenied"),
        (URL, -901, "RequestTimeTooSkewed"),
    ],
)
def test_a_signature_has_its_time(sent: Sent, after_s: float, code: str) -> None:
    body = b"{}" if sent is POST else b""
    if code:
        assert refusal(sent, body, after_s=after_s) == code
    else:
        check(sent, body, after_s=after_s)


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"authorization": "AWS AKID:signature"}, "", "InvalidRequest"),
        ({"authorization": "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/aws4_request"}, "", "InvalidRequest"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=a/b, Signature=c"}, "", "AuthorizationHeaderMalformed"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request"}, "", "AuthorizationHeaderMalformed"),
        ({}, "AWSAccessKeyId=a&Signature=b&Expires=1", "InvalidRequest"),
        ({}, URL.query.replace("Expires=60", "Expires=604801"), "AuthorizationQueryParametersError"),
        ({}, URL.query.replace("Expires=60", "Expires=-1"), "AuthorizationQueryParametersError"),
    ],
)
def test_other_signatures_and_broken_ones_are_refused(headers: Mapping[str, str], query: str, code: str) -> None:
    with pytest.raises(SignatureError) as caught:
        claimed(Sent(method="GET", path="/", query=query, headers=headers))

    assert caught.value.code == code


def test_what_is_not_signed_claims_nothing() -> None:
    assert claimed(Sent(method="GET", path="/", query="x=Signature", headers={})) is None


class Streaming(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Says that the body's chunks are signed."""

    def payload(self, request: AWSRequest) -> str:
        """In place of the body's digest."""
        return CHUNKS


def streamed() -> tuple[Sent, bytes]:
    """A request with a body whose chunks are signed, as AWS's documentation of the streamed upload says. botocore makes none."""
    sent = sent_by_botocore(Streaming, "/b/k")
    signed = claimed(sent)
    assert signed is not None
    key, before, out = signing_key("secret", signed.day, "eu-west-1", "s3"), signed.signature, b""
    for chunk in (b"one", b"two" * 9, b""):
        digests = (hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest())
        text = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", signed.at, signed.scope, before, *digests))
        before = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        out += f"{len(chunk):x};chunk-signature={before}\r\n".encode() + chunk + b"\r\n"
    return sent, out


def test_each_chunk_of_a_streamed_body_is_signed_over_the_one_before() -> None:
    sent, body = streamed()
    check(sent, body)

    assert refusal(sent, body.replace(b"one", b"two", 1)) == "SignatureDoesNotMatch"
    assert refusal(sent, body[:-20]) == "SignatureDoesNotMatch"
    assert refusal(sent, b"") == "SignatureDoesNotMatch"
    assert refusal(sent, b"zz;chunk-signature=0\r\n") == "SignatureDoesNotMatch"


def test_before_the_body_is_there_its_digest_is_taken_as_it_is_said() -> None:
    for sent in (PUT, URL, streamed()[0]):
        signed = claimed(sent)
        assert signed is not None
        at = datetime.strptime(signed.at, MOMENT).replace(tzinfo=UTC).timestamp()
        verify(sent, signed, SECRET, None, at)
        with pytest.raises(SignatureError):
            verify(sent, signed, "other", None, at)


def test_what_fogbank_signs_itself_is_verified() -> None:
    made = sign(
        Sent(method="POST", path="/_fogbank/status", query="", headers={"host": HOST}), ("k", "s"), b"{}", "r", "x", 1e9
    )

    check(Sent(method="POST", path="/_fogbank/status", query="", headers=made), b"{}", "s")
