"""AWS's Signature Version 4 over what was sent: in headers, or in a presigned address. Made for fogbank's own calls, and verified.

In: a request's parts and a secret; out: headers, or the Signed that a request claims to be and whether it is. Source: AWS, "Signature
Version 4 signing process"; the differences of S3 (a path that is encoded once, unsigned and streamed bodies) from its API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

ALGORITHM, TERMINATOR = "AWS4-HMAC-SHA256", "aws4_request"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMED = "STREAMING-"
CHUNKS = f"STREAMING-{ALGORITHM}-PAYLOAD"
"""Bodies whose chunks are signed one by one, each over the one before; the others of STREAMING- have an unsigned body, or end in a trailer."""
SKEW_S = 15 * 60
LONGEST_S = 7 * 24 * 3600
MOMENT = "%Y%m%dT%H%M%SZ"
DAY = re.compile(r"\d{8}")
LONGEST_LINE = 1024
HEX = re.compile(rb"[0-9a-fA-F]{1,16}")
SPACES = re.compile(r" +")
CREDENTIAL = re.compile(r"Credential=([^,\s]+)")


class SignatureError(Exception):
    """The request is not signed as it must be: `code` is S3's word for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What is signed of a request: `path` and `query` as they were sent, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What a request claims. `day`, `region` and `service` are its scope; `expires_s` is a presigned address's time."""

    access_key: str
    day: str
    region: str
    service: str
    at: str
    names: tuple[str, ...]
    signature: str
    token: str
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        """What the credential is good for."""
        return f"{self.day}/{self.region}/{self.service}/{TERMINATOR}"


def access_key(sent: Sent) -> str:
    """The access key that a request names, of whatever signature; empty where it names none."""
    match = CREDENTIAL.search(sent.headers.get("authorization", ""))
    if match:
        return match[1].partition("/")[0]
    if "X-Amz-Credential=" not in sent.query and "AWSAccessKeyId=" not in sent.query:
        return ""
    query = _parameters(sent.query)
    return query.get("X-Amz-Credential", "").partition("/")[0] or query.get("AWSAccessKeyId", "")


def claimed(sent: Sent) -> Signed | None:
    """What a request claims to be signed with; None where it is not signed. Raises SignatureError where that cannot be read."""
    said = sent.headers.get("authorization", "")
    query = _parameters(sent.query) if "X-Amz-" in sent.query else {}
    if said.startswith(ALGORITHM + " "):
        parts = dict(_pair(part) for part in said[len(ALGORITHM) + 1 :].split(","))
        more = {
            "X-Amz-Date": sent.headers.get("x-amz-date", ""),
            "X-Amz-Security-Token": sent.headers.get("x-amz-security-token", ""),
        }
        given = {f"X-Amz-{name}": value for name, value in parts.items()} | more
    elif "X-Amz-Signature" in query and query.get("X-Amz-Algorithm") == ALGORITHM:
        given = query
    elif said or "X-Amz-Signature" in query or re.search(r"(^|&)Signature=", sent.query):
        raise SignatureError(
            "InvalidRequest", f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}."
        )
    else:
        return None
    credential = given.get("X-Amz-Credential", "").split("/")
    if len(credential) < 5 or credential[-1] != TERMINATOR or not given.get("X-Amz-Signature"):
        raise SignatureError(
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed: it has no Credential with a scope, or no Signature.",
        )
    key, (day, region, service) = "/".join(credential[:-4]), credential[-4:-1]
    return Signed(
        access_key=key, day=day, region=region, service=service.lower(), at=given.get("X-Amz-Date", ""),
        names=tuple(given.get("X-Amz-SignedHeaders", "").split(";")), signature=given["X-Amz-Signature"],
        token=given.get("X-Amz-Security-Token", ""), expires_s=_expires(given) if given is query else None,
    )  # fmt: skip


def verify(sent: Sent, signed: Signed, secret: str, body: Iterable[bytes] | None, now: float) -> None:
    """Raises SignatureError for a request that was not signed with the secret, or at another time, or has another body.

    Verified: the scope, the time (15 minutes either way; a presigned address for as long as it says, up to a week), every signed header,
    that the host and all x-amz- headers are signed, the path, the query, the body's digest where one was signed, and each chunk's
    signature of a body that is streamed with such. Not verified: trailers' signatures. Without a body, as before it has arrived, its
    digest is taken as it is said; where the headers say none, nothing can be computed yet, and the signature's form and time are all.
    """
    _check_time(signed, now)
    unsigned = {name for name in sent.headers if name.startswith("x-amz-")} - set(signed.names)
    if "host" not in signed.names or (unsigned - {"x-amz-content-sha256"} if signed.expires_s else unsigned):
        raise SignatureError("AccessDenied", "There were headers present in the request which were not signed")
    if missing := [name for name in signed.names if name not in sent.headers]:
        raise SignatureError("SignatureDoesNotMatch", f"signed headers are not there: {', '.join(missing)}")
    key = signing_key(secret, signed.day, signed.region, signed.service)
    said = sent.headers.get("x-amz-content-sha256", "")
    if signed.expires_s is not None:
        said = said or (UNSIGNED if signed.service == "s3" else EMPTY_SHA256)
    if not said and signed.service == "s3":
        raise SignatureError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if body is None and not said:
        return
    actual = "" if body is None or said == UNSIGNED or said.startswith(STREAMED) else _digest(body)
    text = _to_sign(canonical(sent, signed, said or actual), signed)
    if not hmac.compare_digest(_hmac(key, text).hex(), signed.signature):
        raise SignatureError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )
    if actual and said not in {"", actual}:
        raise SignatureError(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    if body is not None and said.startswith(CHUNKS):
        _check_chunks(_Reader(body), signed, key)


def verify_policy(fields: Mapping[str, str], key: str, secret: str) -> None:
    """Raises SignatureError for a posted form whose policy was not signed with a key: S3's form of Signature Version 4, whose string to sign
    is the policy as it was sent. What the policy says, its end among it, is not looked at. `fields` have names in lower case."""
    credential = fields.get("x-amz-credential", "").split("/")
    if fields.get("x-amz-algorithm") != ALGORITHM or "policy" not in fields or len(credential) < 5:
        raise SignatureError("AccessDenied", f"a form needs a policy that is signed by {ALGORITHM}")
    (day, region, service, end), named = credential[-4:], "/".join(credential[:-4])
    if (service, end) != ("s3", TERMINATOR) or not DAY.fullmatch(day) or fields.get("x-amz-date", "")[:8] != day:
        raise SignatureError("AccessDenied", "the credential's scope is not of S3, or of another day than x-amz-date")
    if named != key:
        raise SignatureError("InvalidAccessKeyId", f"the access key {named} does not sign forms here")
    made = _hmac(signing_key(secret, day, region, service), fields["policy"]).hex()
    if not hmac.compare_digest(made, fields.get("x-amz-signature", "")):
        raise SignatureError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )


def sign(sent: Sent, key: tuple[str, str], body: bytes, region: str, service: str, now: float) -> dict[str, str]:
    """The headers that sign a request with (access key, secret); its own must have its host."""
    at = datetime.fromtimestamp(now, UTC).strftime(MOMENT)
    digest = hashlib.sha256(body).hexdigest()
    headers = {**sent.headers, "x-amz-date": at, "x-amz-content-sha256": digest}
    names = tuple(sorted(headers))
    signed = Signed(
        access_key=key[0], day=at[:8], region=region, service=service, at=at, names=names, signature="", token=""
    )
    whole = Sent(method=sent.method, path=sent.path, query=sent.query, headers=headers)
    made = _hmac(signing_key(key[1], at[:8], region, service), _to_sign(canonical(whole, signed, digest), signed)).hex()
    said = f"{ALGORITHM} Credential={key[0]}/{signed.scope}, SignedHeaders={';'.join(names)}, Signature={made}"
    return {**headers, "authorization": said}


def canonical(sent: Sent, signed: Signed, digest: str) -> str:
    """The canonical request."""
    once = quote(_plain(sent.path), safe="/~")
    path = once if signed.service == "s3" else quote(_normal(once), safe="/~")
    pairs = sorted(
        (_encoded(name), _encoded(value))
        for name, _, value in (part.partition("=") for part in sent.query.split("&") if part)
        if name != "X-Amz-Signature"
    )
    headers = "".join(f"{name}:{SPACES.sub(' ', sent.headers.get(name, '').strip())}\n" for name in signed.names)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return "\n".join((sent.method, path, query, headers, ";".join(signed.names), digest))


@lru_cache(maxsize=64)
def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, TERMINATOR):
        key = _hmac(key, part)
    return key


def _check_time(signed: Signed, now: float) -> None:
    try:
        at = datetime.strptime(signed.at, MOMENT).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise SignatureError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from error
    if not DAY.fullmatch(signed.day) or signed.at[:8] != signed.day:
        raise SignatureError("SignatureDoesNotMatch", "the credential's scope is of another day than the request")
    if signed.expires_s is not None and now > at + signed.expires_s:
        raise SignatureError("AccessDenied", "Request has expired")
    if at > now + SKEW_S or (signed.expires_s is None and at < now - SKEW_S):
        raise SignatureError(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )


class _Reader:
    """A body, line by line and piece by piece, none of it kept."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts, self._held = iter(parts), b""

    def line(self) -> bytes:
        """Up to the next line's end; what there is where none comes."""
        while b"\r\n" not in self._held and len(self._held) < LONGEST_LINE and self._more():
            pass
        line, _, self._held = self._held.partition(b"\r\n")
        return line

    def digest(self, size: int) -> str:
        """Of the next `size` bytes, or of as many as there are."""
        digest = hashlib.sha256()
        while size and (self._held or self._more()):
            piece, self._held = self._held[:size], self._held[size:]
            digest.update(piece)
            size -= len(piece)
        return digest.hexdigest()

    def _more(self) -> bool:
        part = next(self._parts, b"")
        self._held += part
        return bool(part)


def _check_chunks(body: _Reader, signed: Signed, key: bytes) -> None:
    """Each chunk's signature, over the one before; the first is over the request's."""
    before, size = signed.signature, -1
    while size:
        length, _, given = body.line().partition(b";chunk-signature=")
        size = int(length, 16) if HEX.fullmatch(length) else -1
        digest = body.digest(max(0, size))
        text = "\n".join((f"{ALGORITHM}-PAYLOAD", signed.at, signed.scope, before, EMPTY_SHA256, digest))
        before = _hmac(key, text).hex()
        if size < 0 or not hmac.compare_digest(before.encode(), given.strip()) or (size and body.line()):
            raise SignatureError(
                "SignatureDoesNotMatch", "a chunk of the body does not have the signature that it says"
            )


def _to_sign(request: str, signed: Signed) -> str:
    return "\n".join(
        (ALGORITHM, signed.at, signed.scope, hashlib.sha256(request.encode("latin-1", "surrogateescape")).hexdigest())
    )


def _expires(query: Mapping[str, str]) -> int:
    text = query.get("X-Amz-Expires", "")
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_S:
        raise SignatureError(
            "AuthorizationQueryParametersError", "X-Amz-Expires must be a number of seconds, at most a week"
        )
    return int(text)


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value


def _parameters(query: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in query.split("&"))
    return {name: _plain(value).decode("latin-1") for name, _, value in pairs}


def _encoded(sent: str) -> str:
    return quote(_plain(sent.replace("+", "%20")), safe="~")


def _plain(sent: str) -> bytes:
    return unquote_to_bytes(sent.encode("latin-1", "replace"))


def _normal(path: str) -> str:
    """Without `.`, `..` and empty segments."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept[-1:] = []
        elif segment not in {"", "."}:
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return f"/{'/'.join(kept)}{end}"


def _digest(body: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in body:
        digest.update(part)
    return digest.hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("latin-1", "surrogateescape"), hashlib.sha256).digest()
