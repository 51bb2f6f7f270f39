"""Whose access key a request says, however it is signed: by a header, in a presigned address, by the fields of a form. Pure.

In: a request; out: the key. Sources: S3's API reference, "Authenticating Requests (AWS Signature Version 4)"
and "POST Object".
"""

from __future__ import annotations

from fogbank.cloud.ground.forms import fields_of, is_form
from fogbank.cloud.ground.wire import Request
from fogbank.ground.signature import Sent, access_key


def signing_key(request: Request) -> str:
    """The access key; empty where the request says none."""
    if request.access_key:
        return request.access_key
    if is_form(request) and "authorization" not in request.headers:
        fields = fields_of(request)
        return fields.get("x-amz-credential", "").partition("/")[0] or fields.get("awsaccesskeyid", "")
    return access_key(Sent(method=request.method, path=request.path, query=request.query, headers=request.headers))
