"""A request as S3 reads it: which bucket, which key, which operation.

In: a Request; out: a Call whose operation is one of this room's, or none where the request is about something else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from urllib.parse import parse_qsl, unquote

from fogbank.cloud.ground.wire import Request
from fogbank.cloud.objects.errors import S3Error

LONGEST_KEY = 1024
LARGEST_NUMBER = 2**31 - 1
WEEK_S = 604_800
SIGNING = frozenset(
    {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"}
)
NOT_WHOLE = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, "
    "and X-Amz-Expires parameters."
)
ONE_MECHANISM = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header "
    "should be specified"
)
SIGNED_VALUES = frozenset({"content-type", "content-md5"})
"""Headers whose values an address of the older signature says."""
SETTINGS = frozenset(
    {
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "tagging",
        "versioning",
        "website",
        "session",
        "metadataTable",
        "metadataConfiguration",
        "abac",
    }
)
"""Sub-resources of a bucket, which are not objects'."""
LIFECYCLE: Mapping[str, str] = {
    "GET": "GetBucketLifecycleConfiguration",
    "PUT": "PutBucketLifecycleConfiguration",
    "DELETE": "DeleteBucketLifecycle",
}
CHECKED: Mapping[str, str] = {"versioning": "PutBucketVersioning", "encryption": "PutBucketEncryption"}
"""Settings that are looked at here when they are put."""
KEYED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "GET": (
        ("uploadId", "ListParts"),
        ("tagging", "GetObjectTagging"),
        ("acl", "GetObjectAcl"),
        ("retention", "GetObjectRetention"),
        ("legal-hold", "GetObjectLegalHold"),
        ("attributes", "GetObjectAttributes"),
        ("torrent", ""),
        ("", "GetObject"),
    ),
    "HEAD": (("", "HeadObject"),),
    "PUT": (
        ("partNumber", "UploadPart"),
        ("tagging", "PutObjectTagging"),
        ("acl", "PutObjectAcl"),
        ("retention", "PutObjectRetention"),
        ("legal-hold", "PutObjectLegalHold"),
        ("renameObject", ""),
        ("encryption", ""),
        ("", "PutObject"),
    ),
    "POST": (
        ("uploads", "CreateMultipartUpload"),
        ("uploadId", "CompleteMultipartUpload"),
        ("restore", "RestoreObject"),
        ("select", ""),
        ("", ""),
    ),
    "DELETE": (("uploadId", "AbortMultipartUpload"), ("tagging", "DeleteObjectTagging"), ("", "DeleteObject")),
}
"""By method: the operation of the first parameter that is there; none of this room's where it is empty."""


@dataclass(frozen=True)
class Call:
    """One call. `key` is empty for one about a bucket."""

    request: Request

    @cached_property
    def _names(self) -> tuple[str, str]:
        bucket, _, key = self.request.path[1:].partition("/")
        return unquote(bucket), unquote(key, errors="surrogateescape")

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._names[0]

    @property
    def key(self) -> str:
        """The key, as its owner wrote it."""
        return self._names[1]

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters; the last of one name counts."""
        return dict(parse_qsl(self.request.query, keep_blank_values=True))

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, in lower case."""
        return self.request.headers

    @cached_property
    def operation(self) -> str:
        """S3's name of the call, if it is this room's."""
        if not self.bucket:
            return ""
        if self.key:
            operation = next(
                (name for part, name in KEYED.get(self.request.method, ()) if not part or part in self.query), ""
            )
            copies = operation in {"PutObject", "UploadPart"} and "x-amz-copy-source" in self.headers
            return {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}[operation] if copies else operation
        return self._of_bucket()

    def _of_bucket(self) -> str:
        if "lifecycle" in self.query:
            return LIFECYCLE.get(self.request.method, "")
        if self.request.method == "PUT":
            return next((name for part, name in CHECKED.items() if part in self.query), "")
        if not SETTINGS.isdisjoint(self.query):
            return ""
        method = self.request.method
        if method == "GET":
            listed = "ListObjectsV2" if self.query.get("list-type") == "2" else "ListObjects"
            lists = {"uploads": "ListMultipartUploads", "versions": "ListObjectVersions"}
            return next((name for part, name in lists.items() if part in self.query), listed)
        if method == "POST":
            if "delete" in self.query:
                return "DeleteObjects"
            form = self.headers.get("content-type", "").startswith("multipart/form-data")
            return "PostObject" if form else ""
        return "DeleteBucket" if method == "DELETE" else ""

    @property
    def signed(self) -> bool:
        """Whether somebody signed it; whether he may was the gate's to say."""
        return "authorization" in self.headers or not {"X-Amz-Signature", "Signature"}.isdisjoint(self.query)

    def check(self) -> None:
        """Refuse a key that is none, and an address whose time is over. Raises S3Error."""
        try:
            size = len(self.key.encode())
        except UnicodeEncodeError as error:
            raise S3Error("InvalidURI", "Couldn't parse the specified URI.") from error
        if size > LONGEST_KEY:
            raise S3Error("KeyTooLongError", Size=size, MaxSizeAllowed=LONGEST_KEY)
        if "authorization" in self.headers and not {"X-Amz-Algorithm", "Signature"}.isdisjoint(self.query):
            raise S3Error("InvalidArgument", ONE_MECHANISM, ArgumentName="Authorization")
        if _lacks_signed(self.query, self.headers):
            raise S3Error("SignatureDoesNotMatch")
        ends = _end(self.query)
        if ends is not None and time.time() > ends:
            raise S3Error("AccessDenied", "Request has expired", Expires=datetime.fromtimestamp(ends, UTC).isoformat())

    def number(self, name: str, default: int, most: int = 1000) -> int:
        """A parameter, or a header, that is a number. Raises S3Error."""
        text = (self.headers if name.startswith("x-amz-") else self.query).get(name, "")
        if not text:
            return default
        if not text.lstrip("-").isdecimal() or not 0 <= int(text) <= LARGEST_NUMBER:
            negative = text.startswith("-") and text[1:].isdecimal()
            message = (
                f"Argument {name} must be an integer between 0 and {LARGEST_NUMBER}"
                if negative
                else f"Provided {name} not an integer or within integer range"
            )
            raise S3Error("InvalidArgument", message, ArgumentName=name, ArgumentValue=text)
        return min(int(text), most)


def _lacks_signed(query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether a presigned address was made with headers that the request has not; the signature itself is not computed."""
    if "X-Amz-Signature" in query:
        return any(name not in headers for name in query.get("X-Amz-SignedHeaders", "").split(";") if name)
    if "Signature" in query:
        return any(headers.get(name) != query[name] for name in SIGNED_VALUES & set(query))
    return False


def _check_lifetime(text: str) -> None:
    """How long a presigned address lasts: a week at most. Raises S3Error, in S3's words."""
    number = int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else None
    problem = (
        "X-Amz-Expires should be a number"
        if number is None
        else "X-Amz-Expires must be non-negative"
        if number < 0
        else f"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than {WEEK_S} seconds"
        if number > WEEK_S
        else ""
    )
    if problem:
        raise S3Error("AuthorizationQueryParametersError", problem)


def _end(query: Mapping[str, str]) -> float | None:
    """When a presigned address ends to be one. Raises S3Error."""
    try:
        if "X-Amz-Signature" in query:
            if not query.keys() >= SIGNING:
                raise S3Error("AuthorizationQueryParametersError", NOT_WHOLE)
            _check_lifetime(query["X-Amz-Expires"])
            start = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return (start + timedelta(seconds=int(query["X-Amz-Expires"]))).timestamp()
        if "Expires" in query and "Signature" in query:
            return float(query["Expires"])
    except (ValueError, OverflowError) as error:
        raise S3Error("AuthorizationQueryParametersError", "X-Amz-Date or X-Amz-Expires is malformed") from error
    return None
