"""Encryption with keys that clients bring (SSE-C): nothing is encrypted here, but what was put with a key is given to who has it.

In: headers; out: the key's MD5 as a fact of the object, and what answers say of it. Source: S3 User Guide, "Specifying server-side encryption
with customer-provided keys".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from fogbank.cloud.objects.errors import S3Error

NAME = "server-side-encryption-customer-"
OWN, SOURCE = f"x-amz-{NAME}", f"x-amz-copy-source-{NAME}"
FACT = "customer-key"
KEY_SIZE = 32
NEEDED = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."


def key_of(headers: Mapping[str, str], prefix: str = OWN) -> str | None:
    """The MD5 of the key that comes with a request; None where none comes. Raises S3Error for half of one, and for one that is none."""
    given = {part: headers.get(f"{prefix}{part}", "") for part in ("algorithm", "key", "key-md5")}
    if not any(given.values()):
        return None
    if given["algorithm"] != "AES256":
        raise _invalid("algorithm", "The encryption algorithm specified is not supported", prefix, given)
    try:
        key = base64.b64decode(given["key"], validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_SIZE:
        raise _invalid("key", "The secret key was invalid for the specified algorithm.", prefix, given)
    md5 = base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()
    if not hmac.compare_digest(md5.encode(), given["key-md5"].encode(errors="replace")):
        raise _invalid(
            "key-md5", "The calculated MD5 hash of the key did not match the hash that was provided.", prefix, given
        )
    return md5


def _invalid(part: str, message: str, prefix: str, given: Mapping[str, str]) -> S3Error:
    shown = "" if part == "key" else given[part]
    return S3Error("InvalidArgument", message, ArgumentName=f"{prefix}{part}", ArgumentValue=shown)


def check_key(facts: Mapping[str, Any], headers: Mapping[str, str], prefix: str = OWN) -> None:
    """Refuse who brings no key, or another one, to what was put with one. Raises S3Error."""
    kept, given = facts.get(FACT), key_of(headers, prefix)
    if kept and given is None:
        raise S3Error("InvalidRequest", NEEDED)
    if given and not kept:
        raise S3Error("InvalidRequest", "The encryption parameters are not applicable to this object.")
    if kept and given != kept:
        raise S3Error("AccessDenied")


def key_headers(facts: Mapping[str, Any]) -> dict[str, str]:
    """What answers say of the key."""
    return {f"{OWN}algorithm": "AES256", f"{OWN}key-MD5": facts[FACT]} if FACT in facts else {}
