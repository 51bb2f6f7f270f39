"""What was sealed is verified file by file: one flipped byte is found and named."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fogbank.contracts.errors import TrustError
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import canonical_json
from fogbank.trust import SIGNED, UNSIGNED, sign, verify
from tests.contracts.trust.sealed import KEY, sealed


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


def test_a_statement_about_something_else_is_refused(manifest: Manifest) -> None:
    other = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://example.com/review/v1",
        "subject": [],
    }
    (manifest.folder / SIGNED).write_bytes(sign(other, KEY))

    with pytest.raises(TrustError, match="a statement about something else") as caught:
        verify(manifest.folder, KEY.public_key())
    assert caught.value.code == "signature-invalid"


def test_everything_that_is_not_as_signed_is_named_at_once(manifest: Manifest) -> None:
    folder, public = manifest.folder, KEY.public_key()
    sealed(manifest, KEY)
    outside = folder.parent / "outside"
    shutil.copytree(folder / "image", outside)
    shutil.rmtree(folder / "image")
    (folder / "image").symlink_to(outside)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "nowhere").symlink_to("nothing")
    (folder / "empty" / "deep").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / UNSIGNED).write_text("{}")
    (folder / manifest.artifact).write_bytes(b"other")

    with pytest.raises(TrustError) as caught:
        verify(folder, public)

    lines = caught.value.cause.splitlines()
    named = {line.split(" ")[0] for line in lines}
    assert named >= {
        "image",
        "link",
        "nowhere",
        "empty",
        "empty/deep",
        "pipe",
        UNSIGNED,
        manifest.artifact,
        "image/index.json",
    }


def test_a_statement_that_does_not_say_what_it_is_about_is_refused(manifest: Manifest) -> None:
    statement = json.loads(base64.b64decode(json.loads(sealed(manifest, KEY).read_bytes())["payload"]))
    up = [{"name": "../x", "digest": {"sha256": "0"}}]
    wrong: list[Any] = [None, [{}], [5], up, statement["subject"] * 2]
    for subject in wrong:
        (manifest.folder / SIGNED).write_bytes(sign({**statement, "subject": subject}, KEY))
        with pytest.raises(TrustError) as caught:
            verify(manifest.folder, KEY.public_key())
        assert caught.value.code == "signature-invalid"
