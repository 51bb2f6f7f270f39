"""Seal a package folder, and verify it: every file in it is the one that was sealed, and there is no other.

In: a folder and keys; out: `Verified`, or a TrustError that names the file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fogbank.contracts.errors import TrustError
from fogbank.ground.digest import canonical_json, sha256_file
from fogbank.ground.paths import relative_name
from fogbank.trust.provenance import PREDICATE, STATEMENT
from fogbank.trust.signing import key_id, opened, sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

BOM = "sbom.cdx.json"
SIGNED = "provenance.dsse.json"
UNSIGNED = "provenance.json"
SHOWN = 50


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
    """Every file of a package folder is the one that was sealed, and nothing else lies there. Without a key, its digests alone are
    looked at.

    Raises TrustError, with all that is wrong in its cause and the code of the first: `package-unsealed`, `signature-missing`,
    `signature-invalid`, `file-differs`, `file-missing`, `file-unknown`.
    """
    path = folder / (SIGNED if key is not None or (folder / SIGNED).is_file() else UNSIGNED)
    expected = _subjects(_statement(folder, path, key), path.name)
    problems = sorted(_problems(folder, path, expected), key=lambda problem: problem[1])
    if problems:
        causes = [f"{name} {cause}" for _, name, cause in problems]
        shown = causes[:SHOWN] + ([f"and {len(causes) - SHOWN} more"] if len(causes) > SHOWN else [])
        raise TrustError(problems[0][0], "\n".join(shown), "do not use this package: restore it, or pack again")
    return Verified(files=len(expected), key=key_id(key) if key else "")


def signed_digests(envelope: bytes, name: str, key: Ed25519PublicKey) -> frozenset[str]:
    """The SHA-256 of every file that a signed statement is about. Raises TrustError."""
    return frozenset(_subjects(opened(envelope, name, key), name).values())


def _problems(folder: Path, statement: Path, expected: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What is not as it was sealed: the code, the name, and how."""
    seen = set()
    folders = {str(parent) for name in expected for parent in PurePosixPath(name).parents}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            yield "file-unknown", name, "is a link or a device, and no file that was sealed"
        elif path.is_dir():
            if name not in folders:
                yield "file-unknown", name, "is a folder, and nothing that was sealed lies in it"
        elif path == statement:
            continue
        elif name not in expected:
            yield "file-unknown", name, "is there, and was not sealed"
        elif (digest := sha256_file(path)) != expected[name]:
            seen.add(name)
            yield (
                "file-differs",
                name,
                f"is not the file that was sealed: expected sha256 {expected[name]}, found {digest}",
            )
        else:
            seen.add(name)
    for name in expected.keys() - seen:
        yield "file-missing", name, "was sealed, and is not there"


def _subjects(statement: Mapping[str, Any], name: str) -> dict[str, str]:
    """The files that a statement is about, and their SHA-256. Raises TrustError (`signature-invalid`)."""
    try:
        subjects = {str(relative_name(item["name"])): str(item["digest"]["sha256"]) for item in statement["subject"]}
    except (KeyError, TypeError, ValueError) as error:
        raise TrustError(
            "signature-invalid", f"{name} does not say what it is about: {error!r}", "pack again"
        ) from error
    if len(subjects) != len(statement["subject"]):
        raise TrustError("signature-invalid", f"{name} names a file twice", "pack again")
    return subjects


def _statement(folder: Path, path: Path, key: Ed25519PublicKey | None) -> dict[str, Any]:
    if key is not None:
        if not path.is_file():
            raise TrustError("signature-missing", f"{folder} is not signed", "pack it with `fogbank pack --sign KEY`")
        statement = opened(path.read_bytes(), SIGNED, key)
    else:
        statement = _unsigned(folder, path)
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
