"""Where the keys of an issuer of tokens come from: its discovery document, and the keys that this names, as API Gateway asks for them.

An issuer is an https address, or, here, an http address of this machine: a server of a test's own. Keys are kept for two hours, as on AWS;
a key that is not among them is asked for anew, but not more often than every ten seconds.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import urlopen

from fogbank.cloud.access.tokens import TokenError
from fogbank.cloud.gate import LOOPBACK

DISCOVERY = "/.well-known/openid-configuration"
KEPT_S, AGAIN_S = 7200.0, 10.0
LIMIT_S, MOST = 5.0, 1 << 20
Read = Callable[[str], bytes]
Found = dict[str, Mapping[str, Any]]


class IssuerError(Exception):
    """An issuer does not say its keys."""


class Issuers:
    """Keys by issuer; safe from many threads."""

    def __init__(self, read: Read | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock, self._lock = read or fetched, clock, threading.Lock()
        self._kept: dict[str, tuple[float, Found]] = {}

    def key(self, issuer: str, kid: str) -> Mapping[str, Any]:
        """One key. Raises TokenError."""
        with self._lock:
            since, found = self._kept.get(issuer, (float("-inf"), {}))
            age = self._clock() - since
            if age > KEPT_S or (kid not in found and age > AGAIN_S):
                try:
                    found = self.keys(issuer)
                except IssuerError as error:
                    raise TokenError(str(error)) from error
                self._kept[issuer] = (self._clock(), found)
        if kid not in found:
            raise TokenError(f"{issuer} has no key {kid!r}")
        return found[kid]

    def keys(self, issuer: str) -> Found:
        """All keys, asked for now. Raises IssuerError."""
        try:
            place = _document(self._read(allowed(issuer.rstrip("/") + DISCOVERY)))["jwks_uri"]
            listed = _document(self._read(allowed(place)))["keys"]
            return {str(key.get("kid", "")): key for key in listed}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IssuerError(
                f"Invalid issuer: {issuer}. Issuer must have a valid discovery endpoint ended with '{DISCOVERY}' ({error!r})"
            ) from error


def allowed(address: str) -> str:
    """An address that may be asked. Raises ValueError."""
    found = urlparse(address)
    if found.scheme == "https" or (found.scheme == "http" and LOOPBACK.fullmatch(found.netloc)):
        return address
    raise ValueError(f"{address} is neither https nor an http address of this machine")


def fetched(address: str) -> bytes:
    """What is at an address. Raises OSError."""
    try:
        with urlopen(address, timeout=LIMIT_S) as answer:  # noqa: S310 - `allowed` looked at its scheme
            body: bytes = answer.read(MOST)
    except URLError as error:
        raise OSError(str(error.reason)) from error
    return body


def _document(body: bytes) -> dict[str, Any]:
    document = json.loads(body)
    if not isinstance(document, dict):
        raise TypeError("it answers with no object")
    return document
