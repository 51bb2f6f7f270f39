"""S3's older presigned addresses (AWSAccessKeyId, Expires, Signature), which boto3 makes where no signature version is said: verified.

In: what was sent; out: nothing, or why it is not signed. botocore has the rules of the string that is signed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import HmacV1QueryAuth
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from fogbank.ground.signature import Sent, SignatureError

OWN = frozenset({"AWSAccessKeyId", "Expires", "Signature"})


class _Auth(HmacV1QueryAuth):  # type: ignore[misc]  # botocore has no types
    """Signs for a moment that is said."""

    def _get_date(self) -> str:
        return str(self._expires)


def older(sent: Sent) -> Mapping[str, str] | None:
    """The parameters of such an address; None where it is none."""
    if "Signature=" not in sent.query or "AWSAccessKeyId=" not in sent.query:
        return None
    query = dict(parse_qsl(sent.query, keep_blank_values=True))
    return query if query.keys() >= OWN else None


def verify_older(sent: Sent, query: Mapping[str, str], bucket: str, secret: str, now: float) -> None:
    """Raises SignatureError for an address that was not made with the secret, or whose time is over. `bucket` is the host's, if any."""
    if not query["Expires"].isdecimal() or now > int(query["Expires"]):
        raise SignatureError("AccessDenied", "Request has expired")
    headers = HTTPHeaders()
    said = {**sent.headers, **{name: value for name, value in query.items() if name.startswith("x-amz-")}}
    for name, value in said.items():
        if name in {"content-type", "content-md5"} or name.startswith("x-amz-"):
            headers[name] = value
    kept = "&".join(part for part in sent.query.split("&") if part.partition("=")[0] not in OWN)
    path = f"/{bucket}{sent.path}" if bucket else sent.path
    made = _Auth(Credentials(query["AWSAccessKeyId"], secret), query["Expires"]).get_signature(
        sent.method, urlsplit(f"?{kept}"), headers, auth_path=path
    )
    if not hmac.compare_digest(made.encode(), query["Signature"].encode()):
        raise SignatureError(
            "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
        )
