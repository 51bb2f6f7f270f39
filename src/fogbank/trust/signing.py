"""Signatures: Ed25519 (RFC 8032) by the cryptography library, in a DSSE envelope (secure-systems-lab/dsse v1).

In: a statement and a key of the user's, as PEM; out: the envelope. A key is read, never written:
`openssl genpkey -algorithm ed25519 -out fogbank.key` makes one.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.errors import TrustError
from fogbank.ground.digest import canonical_json, sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def private_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """An Ed25519 key from PEM. Raises TrustError (`key-unreadable`)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), passphrase.encode() if passphrase else None)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(path, "it is another kind of key")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The Ed25519 public key in a PEM file; that of a private key, too. Raises TrustError (`key-unreadable`)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        data = path.read_bytes()
        if b"PRIVATE KEY" in data:
            return private_key(path).public_key()
        key = load_pem_public_key(data)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unreadable(path, "it is another kind of key")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """What names a key: the SHA-256 of its 32 bytes."""
    return sha256_bytes(key.public_bytes_raw())


def sign(document: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The envelope over a statement."""
    payload = canonical_json(document)
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": key_id(key.public_key()),
                "sig": base64.b64encode(key.sign(_encoded(PAYLOAD_TYPE, payload))).decode(),
            }
        ],
    }
    return canonical_json(envelope)


def opened(envelope: bytes, name: str, key: Ed25519PublicKey) -> dict[str, Any]:
    """The statement of an envelope that this key signed. Raises TrustError (`signature-invalid`, `signature-missing`)."""
    from cryptography.exceptions import InvalidSignature

    statement, signatures, payload, kind = _parsed(envelope, name)
    mine = [signature for id_, signature in signatures if id_ == key_id(key)]
    if not mine:
        raise TrustError(
            "signature-missing",
            f"{name} is not signed by the key {key_id(key)[:16]}",
            "give the public key of whoever signed it",
        )
    try:
        key.verify(mine[0], _encoded(kind, payload))
    except InvalidSignature as error:
        raise TrustError(
            "signature-invalid", f"{name}: its bytes are not those that were signed", "do not use this package"
        ) from error
    if canonical_json(json.loads(envelope)) != envelope:
        raise TrustError(
            "signature-invalid", f"{name}: its bytes are not those that were written", "do not use this package"
        )
    return statement


def _parsed(envelope: bytes, name: str) -> tuple[dict[str, Any], list[tuple[str, bytes]], bytes, str]:
    try:
        document = json.loads(envelope)
        payload = base64.b64decode(document["payload"], validate=True)
        signatures = [(item["keyid"], base64.b64decode(item["sig"], validate=True)) for item in document["signatures"]]
        return json.loads(payload), signatures, payload, str(document["payloadType"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise TrustError(
            "signature-invalid", f"{name} is not a signed statement: {error}", "do not use this package"
        ) from error


def _encoded(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(payload)).encode(), payload])


def _unreadable(path: Path, why: object) -> TrustError:
    return TrustError(
        "key-unreadable",
        f"{path} is not an Ed25519 key in PEM: {why}",
        "make one: `openssl genpkey -algorithm ed25519 -out fogbank.key`, `openssl pkey -in fogbank.key -pubout -out fogbank.pub`",
    )
