"""Seal a package folder, and verify it: every file in it is the one that was sealed, and there is no other.

In: a folder and keys; out: `Verified`, or a TrustError that names the file.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.errors import TrustError
from fogbank.ground.digest import canonical_json
from fogbank.trust.provenance import PREDICATE, STATEMENT, digests
from fogbank.trust.signing import key_id, opened, sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

BOM = "sbom.cdx.json"
SIGNED = "provenance.dsse.json"
UNSIGNED = "provenance.json"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was verified: the number of files, and the key that signed them, empty where only the digests were looked at."""

    files: int
    key: str


def seal(folder: Path, statement: dict[str, Any], key: Ed25519PrivateKey | None) -> Path:
    """Write the statement into the folder, signed where there is a key; the file that holds it."""
    for name in (SIGNED, UNSIGNED):
        (folder / name).unlink(missing_ok=True)
    path = folder / (SIGNED if key else UNSIGNED)
    path.write_bytes(sign(statement, key) if key else canonical_json(statement))
    return path


def verify(folder: Path, key: Ed25519PublicKey | None) -> Verified:
    """Every file of a package folder is the one that was sealed. Without a key, its digests alone are looked at.

    Raises TrustError: `package-unsealed`, `signature-missing`, `signature-invalid`, `file-differs`, `file-missing`, `file-unknown`.
    """
    statement = _statement(folder, key)
    expected = {item["name"]: item["digest"]["sha256"] for item in statement["subject"]}
    actual = {name: digest for name, digest in digests(folder).items() if name not in {SIGNED, UNSIGNED}}
    for name in sorted({*expected, *actual}):
        if name not in actual:
            raise TrustError("file-missing", f"{name} was sealed, and is not there", "restore it, or pack again")
        if name not in expected:
            raise TrustError("file-unknown", f"{name} is there, and was not sealed", "remove it, or pack again")
        if actual[name] != expected[name]:
            raise TrustError(
                "file-differs",
                f"{name} is not the file that was sealed: expected sha256 {expected[name]}, found {actual[name]}",
                "do not use this package: restore the file, or pack again",
            )
    return Verified(files=len(actual), key=key_id(key) if key else "")


def _statement(folder: Path, key: Ed25519PublicKey | None) -> dict[str, Any]:
    signed, unsigned = folder / SIGNED, folder / UNSIGNED
    if key is not None:
        if not signed.is_file():
            raise TrustError("signature-missing", f"{folder} is not signed", "pack it with `fogbank pack --sign KEY`")
        statement = opened(signed.read_bytes(), SIGNED, key)
    else:
        statement = _unsigned(folder, signed if signed.is_file() else unsigned)
    if statement.get("_type") != STATEMENT or statement.get("predicateType") != PREDICATE:
        raise TrustError("signature-invalid", f"{folder} holds a statement about something else", "pack again")
    return statement


def _unsigned(folder: Path, path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        document: dict[str, Any] = json.loads(data)
        if path.name == SIGNED:
            document = json.loads(base64.b64decode(document["payload"], validate=True))
        document["subject"][0]["digest"]["sha256"]
    except FileNotFoundError as error:
        raise TrustError("package-unsealed", f"{folder} has no provenance", "run `fogbank pack`") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise TrustError("signature-invalid", f"{path.name} is not a statement: {error}", "pack again") from error
    if canonical_json(json.loads(data)) != data:
        raise TrustError("signature-invalid", f"{path.name}: its bytes are not those that were written", "pack again")
    return document
