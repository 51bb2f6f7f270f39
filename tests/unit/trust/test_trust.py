"""Bill of materials, provenance and signature: in their standards' forms, and one flipped byte is found and named."""

from __future__ import annotations

import base64
import json
import shutil
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
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fogbank.contracts.errors import TrustError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.materials import Material
from fogbank.ground.digest import canonical_json
from fogbank.trust import BOM, SIGNED, UNSIGNED, bill_of_materials, private_key, public_key, seal, statement, verify
from tests.once import made_once
from tests.projects import packed

MATERIALS = [
    Material(kind="pypi", name="numpy", version="2.4.6", sha256="a" * 64, filename="numpy-2.4.6-cp311.whl"),
    Material(kind="deb", name="libc6", version="2.36-9+deb12u14", architecture="arm64"),
    Material(kind="oci", name="docker.io/library/python:3.11-slim", version="sha256:" + "b" * 64, sha256="b" * 64),
    Material(kind="pypi", name="numpy", version="2.4.6", sha256="a" * 64, filename="numpy-2.4.6-cp311.whl"),
]
KEY = Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def package(run_folder: Path) -> Path:
    """A package, made once; a test seals or spoils a copy."""
    return made_once(run_folder / "trusted-project", lambda root: packed(root / "churn")) / "churn/.fogbank/package"


@pytest.fixture
def manifest(package: Path, tmp_path: Path) -> Manifest:
    """A package with something like an image beside it."""
    shutil.copytree(package, tmp_path / "package")
    found = load_manifest(tmp_path / "package")
    blob = found.folder / "image/blobs/sha256/0123"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(bytes(range(256)))
    (found.folder / "image/index.json").write_text("{}")
    (found.folder / BOM).write_bytes(canonical_json(bill_of_materials(found, MATERIALS, "0.1.0")))
    return found


def sealed(manifest: Manifest, key: Ed25519PrivateKey | None) -> Path:
    return seal(manifest.folder, statement(manifest.folder, MATERIALS, {"name": "churn"}, "0.1.0", "c" * 40), key)


def test_the_bill_of_materials_is_cyclonedx_and_the_same_every_time(manifest: Manifest) -> None:
    first = bill_of_materials(manifest, MATERIALS, "0.1.0")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(first)) is None
    assert first == bill_of_materials(manifest, MATERIALS[::-1], "0.1.0")
    assert [part["purl"] for part in first["components"][1:]] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=arm64",
        f"pkg:oci/python@sha256%3A{'b' * 64}",
        "pkg:pypi/numpy@2.4.6?file_name=numpy-2.4.6-cp311.whl",
    ]
    model = first["components"][0]
    assert (model["type"], model["hashes"][0]["content"]) == (
        "machine-learning-model", manifest.package.files[manifest.package.model_file],
    )  # fmt: skip


def test_the_provenance_is_an_in_toto_statement_over_every_file(manifest: Manifest) -> None:
    path = sealed(manifest, None)

    said = json.loads(path.read_bytes())
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert {item["name"] for item in said["subject"]} == {
        str(file.relative_to(manifest.folder)) for file in manifest.folder.rglob("*") if file.is_file() and file != path
    }
    uris = [item["uri"] for item in said["predicate"]["buildDefinition"]["resolvedDependencies"]]
    assert uris[0] == "git:HEAD"
    assert len(uris) == 4


def test_a_signature_is_dsse_over_the_statement(manifest: Manifest) -> None:
    envelope = json.loads(sealed(manifest, KEY).read_bytes())

    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    KEY.public_key().verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    assert verify(manifest.folder, KEY.public_key()).files == 7
    assert not (manifest.folder / UNSIGNED).exists()


@pytest.mark.parametrize("key", [KEY, None])
def test_one_flipped_byte_anywhere_is_found_and_named(manifest: Manifest, key: Ed25519PrivateKey | None) -> None:
    sealed(manifest, key)
    public = key.public_key() if key else None
    files = [path for path in manifest.folder.rglob("*") if path.is_file() and path.name != UNSIGNED]
    assert len(files) == (8 if key else 7)  # a statement that nobody signed may say anything

    for path in files:
        whole = path.read_bytes()
        for place in {0, len(whole) // 3, len(whole) - 1}:
            data = bytearray(whole)
            data[place] ^= 1
            path.write_bytes(data)
            with pytest.raises(TrustError) as caught:
                verify(manifest.folder, public)
            assert str(path.relative_to(manifest.folder)) in caught.value.cause
        path.write_bytes(whole)
    verify(manifest.folder, public)


def test_files_that_are_missing_or_too_many_and_seals_that_are_not_there(manifest: Manifest, tmp_path: Path) -> None:
    folder, public = manifest.folder, KEY.public_key()
    codes = []

    def nothing() -> None:
        pass

    def unsigned() -> None:
        sealed(manifest, None)

    def by_somebody_else() -> None:
        sealed(manifest, Ed25519PrivateKey.generate())

    def one_more() -> None:
        sealed(manifest, KEY)
        (folder / "more.txt").touch()

    def one_less() -> None:
        (folder / "more.txt").unlink()
        shutil.rmtree(folder / "image")

    def damaged() -> None:
        (folder / SIGNED).write_text("[]")

    for spoil in (nothing, unsigned, by_somebody_else, one_more, one_less, damaged):
        spoil()
        with pytest.raises(TrustError) as caught:
            verify(folder, public)
        codes.append(caught.value.code)
    (folder / SIGNED).unlink()
    with pytest.raises(TrustError) as caught:
        verify(folder, None)

    assert codes == [
        "signature-missing", "signature-missing", "signature-missing", "file-unknown", "file-missing", "signature-invalid",
    ]  # fmt: skip
    assert caught.value.code == "package-unsealed"


def test_a_forged_statement_with_a_right_looking_key_id_is_refused(manifest: Manifest) -> None:
    path = sealed(manifest, KEY)
    envelope = json.loads(path.read_bytes())
    forged = json.loads(base64.b64decode(envelope["payload"]))
    forged["subject"][0]["digest"]["sha256"] = "0" * 64
    envelope["payload"] = base64.b64encode(canonical_json(forged)).decode()
    path.write_bytes(canonical_json(envelope))

    with pytest.raises(TrustError, match="not those that were signed"):
        verify(manifest.folder, KEY.public_key())


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
