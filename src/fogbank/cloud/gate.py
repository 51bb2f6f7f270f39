"""Who is let in: the cloud's own user, by what the kernel says of a connection; else who has signed with the cloud's key or a role's.

In: a request; out: None, or the refusal in the form of the API that was asked. A page in the user's browser is not the user: what pages
of other sites send is refused, what pages of this machine send must be signed. Decision 11 says what this holds and what it does not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlparse

from fogbank.cloud.ground.connection import RefusalError
from fogbank.cloud.ground.forms import fields_of, is_form
from fogbank.cloud.ground.presigned import older, verify_older
from fogbank.cloud.ground.roles import PATH, TEMPORARY, Issued, Roles
from fogbank.cloud.ground.wire import Answer, Request, error_answer, speaks_json
from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.ground.signature import Sent, SignatureError, access_key, claimed, verify, verify_policy

LOOPBACK = re.compile(r"(127(\.\d+){3}|localhost|\[::1\]|(?P<bucket>[a-z0-9.-]+)\.localhost)(:\d+)?", re.IGNORECASE)
BUCKET = re.compile(r"/(?!moto-api)[a-z0-9][a-z0-9.-]{2,62}/?")
OWN, CLOSED = "/_fogbank/", "/moto-api"
LONGEST_UNSAID = 80 << 20
"""Bytes of a body whose signature is only seen when it is there: no API but S3's takes more, and S3's say its digest."""
BY_HAND = "none"
"""What a browser says of an address that its user has typed, or opened from a bookmark."""
JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "InvalidAccessKeyId": "UnrecognizedClientException",
    "InvalidToken": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "RequestTimeTooSkewed": "InvalidSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "AuthorizationHeaderMalformed": "IncompleteSignatureException",
}
S3_CODES = {"MissingAuthenticationToken": "AccessDenied"}
QUERY_CODES = {
    "InvalidAccessKeyId": "InvalidClientTokenId",
    "InvalidToken": "InvalidClientTokenId",
    "RequestTimeTooSkewed": "SignatureDoesNotMatch",
    "AuthorizationHeaderMalformed": "IncompleteSignature",
}
"""S3's words for why a request is refused, as the other protocols have them."""
ANYBODY_ELSE = (
    "this local cloud answers the user whose it is; others sign with its key, which that user's `fogbank env` says; "
    "`fogbank cloud start --open` answers everybody on this machine"
)


class Gate:
    """Decides on requests. `secret` is the cloud's own; `assumed` finds the role that STS gave an access key of; with `open_` everybody on
    this machine is let in who is no page of another site, and moto's own control paths are open. Where IAM is `enforced`, the user who asks by
    a role's credentials is let in as long as those last: after that he is not more than the role was."""

    def __init__(
        self,
        secret: str,
        roles: Roles,
        assumed: Callable[[str], Issued | None] = lambda _: None,
        *,
        open_: bool = False,
        enforced: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._secret, self._roles, self._assumed, self._open, self._wall = secret, roles, assumed, open_, wall
        self._enforced = enforced

    def refusal(self, request: Request) -> Answer | None:
        """Why a request is not answered. May read its body, where it is signed and does not come from the user."""
        reason = self._reason(request, request.payload.parts())
        return error_answer(request, 403, *reason) if reason else None

    def hear(self, head: Request) -> RefusalError | None:
        """Why the long body of a request is not heard: by its head it comes from nobody who may ask, as far as that can be seen."""
        if head.peer.is_users:
            return None
        if (reason := self._reason(head, None)) is not None:
            return RefusalError(403, *reason)
        said = "x-amz-content-sha256" in head.headers or "Signature=" in head.query
        length = head.headers.get("content-length", "")
        if not (self._open or said or (length.isdecimal() and int(length) <= LONGEST_UNSAID)):
            return RefusalError(
                413, "RequestEntityTooLarge", f"a body of which no digest is signed has at most {LONGEST_UNSAID} bytes"
            )
        return None

    def _reason(self, request: Request, body: Iterable[bytes] | None) -> tuple[str, str] | None:
        """Its code and its words."""
        if (foreign := refused_page(request)) is not None:
            return _code(request, "AccessDenied"), foreign
        if request.path == PATH and request.method == "GET":  # the token that it needs is looked at by who answers it
            return None
        key = request.access_key or (access_key(_sent(request)) if request.query else "")
        role = self._roles.find(key) if key else None
        if role is None and (self._open or (request.peer.is_user and not is_page(request))):
            return self._ended(request, key, body) if self._enforced and key.startswith(TEMPORARY) else None
        if role is None and key and request.peer.is_users:
            role = self._assumed(key)  # made from seeds, that another user could know
        if request.path.startswith(OWN) and role is not None:
            return _code(request, "AccessDenied"), f"{role.role} may not make the cloud's own calls"
        try:
            self._verify(request, role, body)
        except SignatureError as error:
            ours = role is None and error.code == "SignatureDoesNotMatch"
            return _code(request, error.code), f"{error} ({ANYBODY_ELSE})" if ours else str(error)
        return None

    def _ended(self, request: Request, key: str, body: Iterable[bytes] | None) -> tuple[str, str] | None:
        """Why credentials of a role are not taken any more, or an address that is presigned with them is not what was signed."""
        issued = self._assumed(key)
        if issued is None:
            return _code(request, "InvalidAccessKeyId"), "The security token included in the request is invalid."
        if self._wall() > issued.ends:
            return _code(request, "ExpiredToken"), "The security token included in the request is expired"
        if "authorization" not in request.headers:
            try:
                self._verify(request, issued, body)
            except SignatureError as error:
                return _code(request, error.code), str(error)
        return None

    def signer(self, request: Request, service: str) -> Issued | None:
        """Who has signed a request for a service: a role's credentials, or None for the cloud's user. Raises SignatureError."""
        sent = _sent(request)
        key = access_key(sent)
        role = (self._roles.find(key) or self._assumed(key)) if key else None
        self._verify(request, role, request.payload.parts())
        signed = claimed(sent)
        if signed is None or signed.service != service:
            raise SignatureError("AccessDenied", f"Credential should be scoped to correct service: '{service}'.")
        return role

    def closed(self, request: Request) -> Answer | None:
        """Why what is let in goes no further: it is for moto's own control paths. The request's bucket is in its path."""
        if self._open or not request.plain_path.startswith(CLOSED):
            return None
        why = "moto's own control paths are closed; `POST /_fogbank/reset` empties the cloud"
        return error_answer(request, 403, _code(request, "AccessDenied"), why)

    def _verify(self, request: Request, role: Issued | None, body: Iterable[bytes] | None) -> None:
        """Raises SignatureError for what is signed neither with the cloud's key nor with a role's."""
        sent, now = _sent(request), self._wall()
        if (query := older(sent)) is not None:
            token = query.get("x-amz-security-token", "")
            secret = self._secret_of(query["AWSAccessKeyId"], token, role, now)
            bucket = LOOPBACK.fullmatch(request.headers["host"])
            verify_older(sent, query, (bucket and bucket["bucket"]) or "", secret, now)
            return
        signed = claimed(sent)
        if signed is None and body is not None and _is_upload(request):
            verify_policy(fields_of(request), LOCAL_ACCESS_KEY, self._secret)  # what it asks for, S3 looks at
            return
        if signed is None:
            raise SignatureError("MissingAuthenticationToken", f"the request is not signed: {ANYBODY_ELSE}")
        secret = self._secret_of(signed.access_key, signed.token, role, now)
        verify(sent, signed, secret, body, now)

    def _secret_of(self, key: str, token: str, role: Issued | None, now: float) -> str:
        if role is None:
            if key != LOCAL_ACCESS_KEY:
                raise SignatureError("InvalidAccessKeyId", f"the access key {key} is not this cloud's: {ANYBODY_ELSE}")
            return self._secret
        if token != role.token:
            raise SignatureError("InvalidToken", "The security token included in the request is invalid.")
        if now > role.ends:
            raise SignatureError("ExpiredToken", "The security token included in the request is expired")
        return role.secret


def refused_page(request: Request) -> str | None:
    """Why a request is not answered whoever signed it: a foreign Host (DNS rebinding), or a page of another site. None where it may be.

    A link on such a page that the user follows is the user's, if it is presigned: that is looked at next.
    """
    headers = request.headers
    if not LOOPBACK.fullmatch(headers.get("host", "")):
        return "the local cloud answers on loopback names only (127.0.0.1, localhost)"
    origin = headers.get("origin")
    if origin is not None and not _is_loopback(origin):
        return f"the local cloud does not answer pages of {origin}"
    followed = headers.get("sec-fetch-mode") == "navigate" and request.method in {"GET", "HEAD"} and origin is None
    if headers.get("sec-fetch-site") == "cross-site" and not (followed and headers.get("sec-fetch-dest") == "document"):
        return "the local cloud does not answer pages of other sites"
    return None


def is_page(request: Request) -> bool:
    """Whether a page in a browser asks, or may: then it is not the user who sits before it.

    He opens addresses, and nothing changes by that: an address that names an Action, which a Query API carries out, is nobody's to
    open. An image has such an address as well, browsers that are older than Fetch Metadata (2023) say nothing of where it is, and
    an address that was typed may lead on to another one.
    """
    if "origin" in request.headers:
        return True
    opened = request.method in {"GET", "HEAD"}
    if opened and "Action=" in unquote(request.query):
        return True
    return not (opened and request.headers.get("sec-fetch-site") == BY_HAND) and "sec-fetch-site" in request.headers


def _is_upload(request: Request) -> bool:
    """Whether it is a form for a bucket, and could be nothing else: its policy is signed for that alone."""
    host = LOOPBACK.fullmatch(request.headers["host"])
    path = f"/{host['bucket']}{request.path}" if host and host["bucket"] else request.path
    bucket = BUCKET.fullmatch(path) is not None and request.service in {"s3", ""}
    return bucket and not request.query and "x-amz-target" not in request.headers and is_form(request)


def _is_loopback(origin: str) -> bool:
    try:
        return LOOPBACK.fullmatch(urlparse(origin).netloc) is not None
    except ValueError:
        return False


def _sent(request: Request) -> Sent:
    return Sent(method=request.method, path=request.path, query=request.query, headers=request.headers)


def _code(request: Request, code: str) -> str:
    if "x-amz-target" in request.headers or speaks_json(request.service):
        return JSON_CODES.get(code, code)
    return (S3_CODES if request.service in {"s3", ""} else QUERY_CODES).get(code, code)
