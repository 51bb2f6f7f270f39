"""What moto fails on is the caller's fault where the service's model says so."""

from __future__ import annotations

import gzip

import pytest

from fogbank.cloud.ground.wire import Request
from fogbank.cloud.moto.blame import fault_of


def request(service: str, target: str = "", body: bytes = b"", **headers: str) -> Request:
    credential = (
        f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
    given = {"authorization": credential, **({"x-amz-target": target} if target else {}), **headers}
    return Request(method="POST", path="/", query="", headers=given, body=body)


def setting(body: bytes, name: str = "tagging") -> Request:
    return Request(method="PUT", path="/bucket", query=name, headers=request("s3").headers, body=body)


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (request("kms", "TrentService.RevokeGrant", b'{"KeyId": 5, "GrantId": "x"}'), "SerializationException"),
        (request("kms", "TrentService.RevokeGrant", b"{}"), "ValidationException"),
        (
            request("kms", "TrentService.RevokeGrant", gzip.compress(b"{}"), **{"content-encoding": "gzip"}),
            "ValidationException",
        ),
        (request("ssm", "AmazonSSM.GetParameters", b'{"Names": [null]}'), "SerializationException"),
        (request("dynamodb", "DynamoDB_20120810.Query", b"-1"), "SerializationException"),
        (request("dynamodb", "DynamoDB_20120810.Query", b"[" * 100_000), "SerializationException"),
        (request("logs", "Logs_20140328.DescribeExportTasks", b"\xff"), "SerializationException"),
        (request("logs", "Logs_20140328.Nothing", b"{}"), "UnknownOperationException"),
        (request("no-such-service", "X.Nothing", b"{}"), "UnrecognizedClientException"),
        (request("../x", "X.Nothing", b"{}"), "UnrecognizedClientException"),
        (request("sns", body=b"Action=Subscribe", **FORM), "ValidationException"),
        (setting(b"<Tagging"), "MalformedXML"),
        (setting(b"<Tagging/>"), "MalformedXML"),
        (setting(b'<!DOCTYPE T [<!ENTITY a "b">]><Tagging><TagSet>&a;</TagSet></Tagging>'), "MalformedXML"),
    ],
)
def test_a_request_that_the_model_does_not_have_is_the_callers(asked: Request, code: str) -> None:
    fault = fault_of(asked)

    assert fault is not None
    assert (fault.code, fault.status) == (code, 400)


@pytest.mark.parametrize(
    "asked",
    [
        request("kms", "TrentService.RevokeGrant", b'{"KeyId": "k", "GrantId": "g"}'),
        request("monitoring", body=b"Action=DeleteAlarms&AlarmNames.member.1=x", **FORM),
        request("s3"),
        setting(b"<Tagging><TagSet/></Tagging>"),
        setting(b"{}", "policy"),
    ],
)
def test_one_that_it_has_is_not(asked: Request) -> None:
    assert fault_of(asked) is None
