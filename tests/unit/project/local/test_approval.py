"""Where a signature is required, what nobody signed does not run; what was approved once stays so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fogbank.cloud.api.models import ModelData
from fogbank.cloud.hosting.artifact import ArtifactError, fetch
from fogbank.contracts.errors import ConfigError, TrustError
from fogbank.project.local.approval import Approval, approval_of
from fogbank.trust import SIGNED, sign

KEY = Ed25519PrivateKey.generate()


def statement(*digests: str) -> dict[str, object]:
    subject = [{"name": f"f{number}", "digest": {"sha256": digest}} for number, digest in enumerate(digests)]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://slsa.dev/provenance/v1",
        "subject": subject,
    }


@pytest.fixture
def approval(tmp_path: Path) -> Approval:
    key = tmp_path / "signer.pub"
    key.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "package").mkdir()
    return Approval(key, tmp_path / "package", tmp_path / "kept")


MODEL = b"model"
DIGEST = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"


def test_what_is_signed_runs_and_what_is_not_does_not(approval: Approval, tmp_path: Path) -> None:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(MODEL)
    for spoil in (b"", b"[]", sign(statement(DIGEST), Ed25519PrivateKey.generate()), sign(statement("0" * 64), KEY)):
        (tmp_path / "package" / SIGNED).write_bytes(spoil)
        with pytest.raises(TrustError, match=r"signer\.pub has signed") as caught:
            approval.archive(file)
        assert caught.value.code == "signature-missing"

    (tmp_path / "package" / SIGNED).write_bytes(sign(statement("1" * 64, DIGEST), KEY))
    approval.archive(file)
    (tmp_path / "package" / SIGNED).unlink()
    approval.archive(file)
    file.write_bytes(MODEL + b"x")
    with pytest.raises(TrustError):
        approval.archive(file)


def test_an_image_goes_by_its_digest(approval: Approval, tmp_path: Path) -> None:
    (tmp_path / "package" / SIGNED).write_bytes(sign(statement(DIGEST), KEY))
    approval.image(f"oci:/x@sha256:{DIGEST}")
    for uri in (f"oci:/x@sha256:{'0' * 64}", "docker.io/library/x:1", f"docker.io/x@sha256:{DIGEST}"):
        with pytest.raises(TrustError):
            approval.image(uri)


class Folder:
    """An S3 of one file."""

    def download_file(self, bucket: str, key: str, file: str) -> None:
        Path(file).write_bytes(MODEL)


def test_model_data_that_is_not_approved_is_not_even_unpacked(approval: Approval, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not run: signature-missing"):
        fetch(Folder(), ModelData(uri="s3://b/m.tar.gz"), tmp_path / "model", approval.archive)

    assert not (tmp_path / "model").exists()


def test_a_project_says_whether_its_own_cloud_requires_it(tmp_path: Path) -> None:
    cloud = tmp_path / ".fogbank" / "cloud"
    cloud.mkdir(parents=True)
    assert approval_of(cloud) is None
    table = tmp_path / "pyproject.toml"
    table.write_text('[tool.fogbank]\nname = "churn"\n')
    assert approval_of(cloud) is None
    table.write_text('[tool.fogbank]\nname = "churn"\nrequire_signature = "no.pub"\n')
    with pytest.raises(TrustError, match=r"no\.pub"):
        approval_of(cloud)
    (tmp_path / "no.pub").write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert approval_of(cloud) is not None
    assert approval_of(tmp_path / "elsewhere") is None
    table.write_text('[tool.fogbank]\nname = "churn"\nrequire_signature = 5\n')
    with pytest.raises(ConfigError, match="public key"):
        approval_of(cloud)
    shutil.rmtree(cloud)
