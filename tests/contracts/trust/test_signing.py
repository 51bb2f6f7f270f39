"""Signatures: Ed25519 over a DSSE envelope, with keys as openssl writes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fogbank.contracts.errors import TrustError
from fogbank.contracts.manifest import Manifest
from fogbank.trust import UNSIGNED, key_id, private_key, public_key, sign, verify
from fogbank.trust.signing import opened
from tests.contracts.trust.sealed import KEY, sealed


def test_a_signature_is_dsse_over_the_statement(manifest: Manifest) -> None:
    envelope = json.loads(sealed(manifest, KEY).read_bytes())

    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    KEY.public_key().verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    assert verify(manifest.folder, KEY.public_key()).files == 7
    assert not (manifest.folder / UNSIGNED).exists()


def test_keys_as_openssl_writes_them(tmp_path: Path) -> None:
    secret, locked, public, other = (tmp_path / name for name in ("a.key", "b.key", "a.pub", "c.key"))
    secret.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    locked.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    other.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

    assert private_key(secret).private_bytes_raw() == private_key(locked, "word").private_bytes_raw()
    assert public_key(public).public_bytes_raw() == public_key(secret).public_bytes_raw()
    for wrong in (lambda: private_key(locked), lambda: private_key(public), lambda: private_key(other),
                  lambda: public_key(tmp_path / "none"), lambda: private_key(locked, "wrong")):  # fmt: skip
        with pytest.raises(TrustError) as caught:
            wrong()
        assert caught.value.code == "key-unreadable"


def test_an_envelope_opens_for_its_signer_and_for_nobody_else() -> None:
    envelope, other = sign({"a": 1}, KEY), Ed25519PrivateKey.generate().public_key()

    assert opened(envelope, "p", KEY.public_key()) == {"a": 1}
    with pytest.raises(TrustError) as stranger:
        opened(envelope, "p", other)
    assert (stranger.value.code, key_id(other)[:16] in stranger.value.cause) == ("signature-missing", True)


@pytest.mark.parametrize(
    "change",
    [
        {"payload": base64.b64encode(b"{}").decode()},
        {"payload": "not base64"},
        {"payloadType": "text/plain"},
        {"signatures": [{"keyid": key_id(KEY.public_key()), "sig": base64.b64encode(bytes(64)).decode()}]},
        {"more": 1},
    ],
)
def test_an_envelope_that_was_changed_is_invalid(change: dict[str, object]) -> None:
    envelope = json.dumps({**json.loads(sign({"a": 1}, KEY)), **change}).encode()

    with pytest.raises(TrustError) as caught:
        opened(envelope, "p", KEY.public_key())
    assert caught.value.code == "signature-invalid"
