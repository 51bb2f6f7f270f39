"""What S3 refuses and moto takes: bucket names that are none, keys that are too long, policies that are none.

In: a request; out: S3's own error, or nothing. A policy is looked at whatever the request was signed for: moto asks S3 where it knows no
better. Source: S3 User Guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects".
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs

from fogbank.cloud.ground.wire import Answer, Request, error_answer

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
LONGEST_KEY = 1024
DIRECTORY = b"<Type>Directory</Type>"


def refusal(request: Request) -> Answer | None:
    """The error of a request that S3 refuses for a name in it."""
    if request.method != "PUT":
        return None
    bucket, _, key = request.plain_path[1:].partition("/")
    sets_policy = not key and "policy" in parse_qs(request.query, keep_blank_values=True)
    if sets_policy and not _is_policy(request.body):
        return error_answer(
            request, 400, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'"
        )
    if request.service != "s3":
        return None
    if len(key.encode()) > LONGEST_KEY:
        return error_answer(request, 400, "KeyTooLongError", "Your key is too long")
    creates = not key and not request.query
    if creates and not is_bucket_name(bucket) and DIRECTORY not in request.body:
        return error_answer(request, 400, "InvalidBucketName", "The specified bucket is not valid.")
    return None


def _is_policy(body: bytes) -> bool:
    """Whether it is a policy's form: moto keeps whatever it is, and every later call of the bucket would stumble over it."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    statements = document.get("Statement") if isinstance(document, dict) else None
    statements = statements if isinstance(statements, list) else [statements]
    return all(isinstance(statement, dict) and "Effect" in statement for statement in statements)


def is_bucket_name(name: str) -> bool:
    """Whether a general purpose bucket may be called so."""
    return (
        BUCKET.fullmatch(name) is not None
        and ".." not in name
        and not ADDRESS.fullmatch(name)
        and not name.startswith(RESERVED_STARTS)
        and not name.endswith(RESERVED_ENDS)
    )
