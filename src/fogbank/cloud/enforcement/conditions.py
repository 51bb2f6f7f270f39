"""What a request says that policies have conditions on: S3's parameters and headers, the time, an external id.

In: a request; out: keys of IAM's context, in lower case. Sources: the Service Authorization Reference, "Condition keys for Amazon S3" and
"for AWS STS"; the IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from fogbank.cloud.enforcement.policy import Context
from fogbank.cloud.ground.wire import Request

QUERY: Mapping[str, str] = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
VERSION = {"versionId": "s3:versionid"}
HEADERS = (
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
)
"""Headers that are keys of their own, behind `s3:`."""


def context_of(request: Request, moment: datetime) -> Context:
    """The keys; one that the request does not say is not there, as `Null` and `IfExists` want it."""
    said: dict[str, list[str]] = {
        "aws:currenttime": [moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")],
        "aws:epochtime": [str(int(moment.timestamp()))],
    }
    if agent := request.headers.get("user-agent"):
        said["aws:useragent"] = [agent]
    if request.service == "s3":
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        said |= {key: [query[name]] for name, key in {**QUERY, **VERSION}.items() if name in query}
        said |= {f"s3:{name}": [request.headers[name]] for name in HEADERS if name in request.headers}
    if request.service == "sts" and b"ExternalId=" in request.body:
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        said |= {"sts:externalid": [form["ExternalId"]]} if "ExternalId" in form else {}
    return said
