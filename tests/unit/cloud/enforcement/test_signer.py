"""Whose key a request says, in each of the ways in which it may be signed."""

from __future__ import annotations

import pytest

from fogbank.cloud.enforcement.signer import signing_key
from fogbank.cloud.ground.wire import Request

KEY = "ASIAAAAAAAAAAAAAAAAA"
SCOPE = f"{KEY}/20260101/eu-west-1/s3/aws4_request"
PRESIGNED = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={SCOPE.replace('/', '%2F')}&X-Amz-Signature=-"


def form(**fields: str) -> Request:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name.replace("_", "-")}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    return Request(method="POST", path="/b", query="", headers=headers, body=f"{parts}--x--\r\n".encode())


def get(query: str = "", **headers: str) -> Request:
    return Request(method="GET", path="/b/k", query=query, headers=headers)


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (get(authorization=f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature=-"), KEY),
        (get(PRESIGNED), KEY),
        (get(f"AWSAccessKeyId={KEY}&Expires=1&Signature=-"), KEY),
        (form(key="k", X_Amz_Credential=SCOPE), KEY),
        (form(key="k", AWSAccessKeyId=KEY), KEY),
        (form(key="k"), ""),
        (get(), ""),
        (get("prefix=X-Amz-Credential"), ""),
    ],
)
def test_the_key_that_signs(request_: Request, key: str) -> None:
    assert signing_key(request_) == key


def test_an_address_that_is_presigned_says_its_service_and_region_and_what_only_looks_so_does_not() -> None:
    said = get(PRESIGNED)
    assert (said.service, said.region, said.access_key) == ("s3", "eu-west-1", KEY)
    assert get(f"X-Amz-Credential={SCOPE}").access_key == "", "without a signature it is a parameter like any other"
