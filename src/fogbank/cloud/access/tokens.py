"""JSON Web Tokens as a JWT authorizer of an HTTP API looks at them: by the issuer's RSA keys, the audience, the time, the scopes.

In: a token, and where an issuer's keys come from; out: its claims, or a TokenError. Sources: the API Gateway Developer Guide, "Control access to
HTTP APIs with JWT authorizers" (what is verified, in which order); RFC 7515, 7517, 7519.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

HASHES: Mapping[str, Callable[[], HashAlgorithm]] = {"RS256": SHA256, "RS384": SHA384, "RS512": SHA512}
"""RSA's alone: API Gateway takes no other."""
Claims = dict[str, Any]
Keys = Callable[[str, str], Mapping[str, Any]]
"""The JSON Web Key of an issuer by its kid. Raises TokenError."""


class TokenError(Exception):
    """The token is not one that the authorizer lets in."""


def claims(token: str, issuer: str, audience: Sequence[str], keys: Keys, now: float) -> Claims:
    """A token's claims, verified. Raises TokenError."""
    head, payload, signature = _parts(token)
    algorithm = HASHES.get(str(head.get("alg")))
    if algorithm is None:
        raise TokenError(f"its algorithm is {head.get('alg')}, not one of {', '.join(HASHES)}")
    key = keys(issuer, str(head.get("kid", "")))
    try:
        public = RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        public.verify(signature, token.rpartition(".")[0].encode(), PKCS1v15(), algorithm())
    except (InvalidSignature, KeyError, ValueError, TypeError, AttributeError) as error:
        raise TokenError("its signature is not the issuer's") from error
    _check(payload, issuer, audience, now)
    return payload


def scopes(found: Claims) -> list[str]:
    """What a token is good for: its scope, or its scp."""
    given = found.get("scope", found.get("scp", ""))
    return [str(each) for each in given] if isinstance(given, list) else str(given).split()


def _check(found: Claims, issuer: str, audience: Sequence[str], now: float) -> None:
    if found.get("iss") != issuer:
        raise TokenError(f"its issuer is {found.get('iss')}, not {issuer}")
    given = found.get("aud", found.get("client_id"))
    if not {str(each) for each in (given if isinstance(given, list) else [given])} & set(audience):
        raise TokenError(f"its audience is {given}, not one of {', '.join(audience)}")
    if _moment(found, "exp", 0) <= now:
        raise TokenError("it has expired")
    if _moment(found, "nbf", now) > now or _moment(found, "iat", now) > now:
        raise TokenError("its time has not come")


def _moment(found: Claims, name: str, otherwise: float) -> float:
    value = found.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TokenError(f"its {name} is {value!r}")
    return value


def _parts(token: str) -> tuple[dict[str, Any], Claims, bytes]:
    try:
        head, payload, signature = token.split(".")
        read = [json.loads(_decoded(part)) for part in (head, payload)]
        decoded = _decoded(signature)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise TokenError("it is no JSON Web Token") from error
    if not all(isinstance(each, dict) for each in read):
        raise TokenError("it is no JSON Web Token")
    return read[0], read[1], decoded


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")
