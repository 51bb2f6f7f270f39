"""What the tests of trust seal and spoil: a key, materials, and a package that is sealed with them."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fogbank.contracts.manifest import Manifest
from fogbank.contracts.materials import Material
from fogbank.trust import seal, statement

KEY = Ed25519PrivateKey.generate()
MATERIALS = [
    Material(kind="pypi", name="numpy", version="2.4.6", sha256="a" * 64, filename="numpy-2.4.6-cp311.whl"),
    Material(kind="deb", name="libc6", version="2.36-9+deb12u14", architecture="arm64"),
    Material(kind="oci", name="docker.io/library/python:3.11-slim", version="sha256:" + "b" * 64, sha256="b" * 64),
    Material(kind="pypi", name="numpy", version="2.4.6", sha256="a" * 64, filename="numpy-2.4.6-cp311.whl"),
]


def sealed(manifest: Manifest, key: Ed25519PrivateKey | None) -> Path:
    """The package with its statement in it, signed where there is a key; the statement's file."""
    return seal(manifest.folder, statement(manifest.folder, MATERIALS, {"name": "churn"}, "0.1.0", "c" * 40), key)
