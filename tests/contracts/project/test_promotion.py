"""A package that is published and fetched: one digest wherever it lies, byte for byte, checked before it is used, with its image and its
signature, and never half there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import AwsError, FogbankError, PackageError, RegistryError, TrustError
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import folder_digests, sha256_bytes
from fogbank.image import Progress, Registry
from fogbank.image.artifact import PACKAGE, Artifact
from fogbank.image.layout import Descriptor
from fogbank.project.packaging import fetched
from fogbank.project.packaging.package_images import PackageImages
from fogbank.project.packaging.seal import seal_package, verify_package
from fogbank.project.versions import promotion
from fogbank.project.versions.shelves import BucketShelf, RegistryShelf, Shelf
from fogbank.project.workplace.events import Steps, ignore
from fogbank.testing import CloudProcess
from tests.contracts.image.test_ecr import at, logged_in
from tests.engines import docker_registry, needs
from tests.fakes.ecr import ecr
from tests.projects import packed, with_image

STEPS = Steps(ignore)


@dataclass(frozen=True)
class Built:
    """A project whose package has an image and a signature."""

    config: ProjectConfig
    manifest: Manifest

    def elsewhere(self, root: Path) -> ProjectConfig:
        """The same project on another machine, where nothing was trained."""
        root.mkdir()
        shutil.copy(self.config.root / "pyproject.toml", root)
        shutil.copy(self.config.root / "signer.pub", root)
        return replace(self.config, root=root, require_signature=root / "signer.pub")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("built") / "churn"
    config, manifest = packed(root)
    with_image(manifest)
    key = Ed25519PrivateKey.generate()
    (root / "signer.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (root / "signer.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    seal_package(config, manifest, (), root / "signer.key")
    return Built(replace(config, require_signature=root / "signer.pub"), manifest)


@pytest.fixture
def bucket(shared_cloud: CloudProcess, unique: str) -> BucketShelf:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    return BucketShelf(s3, unique, "packages/churn")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryShelf]:
    needs("docker-registry")
    with docker_registry(tmp_path / "registry") as address:
        place = promotion.shelf_at(ProjectConfig(root=tmp_path, name="churn"), f"{address}/churn", _nobody, profile="")
        assert isinstance(place, RegistryShelf)
        yield place


def _nobody(service: str) -> Any:
    raise AssertionError(f"{service} is not asked")


def test_a_package_has_one_digest_wherever_it_lies_and_comes_back_byte_for_byte(
    built: Built, bucket: BucketShelf, registry: RegistryShelf, tmp_path: Path
) -> None:
    shelves: tuple[Shelf, ...] = (bucket, registry)
    names = {shelf.where: promotion.put(built.config, shelf, STEPS) for shelf in shelves}
    with ecr("churn") as (address, _):
        amazon = RegistryShelf(Registry(at(address), logged_in()), tmp_path / "uploads")
        names[amazon.where] = promotion.put(built.config, amazon, STEPS)
        assert promotion.put(built.config, amazon, STEPS) == names[amazon.where], "again is the same"

    [digest] = {name.rpartition("@")[2] for name in names.values()}
    for number, shelf in enumerate(shelves):
        other = built.elsewhere(tmp_path / f"other-{number}")
        found = promotion.take(other, shelf, digest, STEPS)
        assert folder_digests(other.package) == folder_digests(built.config.package)
        assert found == replace(built.manifest, folder=other.package)
        assert verify_package(other.package, other.require_signature, STEPS).key
        assert fetched.is_fetched(other)
        assert {item.name for item in other.state.iterdir()} == {"package", fetched.RECORD, promotion.LOCK}


class Ending:
    """A shelf whose connection ends after some bytes of blobs, and which counts what it gives."""

    def __init__(self, shelf: Shelf, after: int) -> None:
        self._shelf, self._left = shelf, after
        self.given = 0
        self.where = shelf.where

    def prepare(self) -> None:
        self._shelf.prepare()

    def send(self, path: Path, item: Descriptor, progress: Progress) -> None:
        self._shelf.send(path, item, progress)

    def seal(self, artifact: Artifact) -> None:
        self._shelf.seal(artifact)

    def manifest(self, digest: str) -> bytes:
        return self._shelf.manifest(digest)

    def blob(self, digest: str, start: int) -> Iterator[bytes]:
        for piece in self._shelf.blob(digest, start):
            kept = piece[: self._left - self.given]
            self.given += len(kept)
            yield kept
            if len(kept) < len(piece):
                raise AwsError("account-unreachable", "the connection ended", "try again")


def test_what_has_arrived_is_not_fetched_again_and_half_a_package_is_none(
    built: Built, bucket: BucketShelf, tmp_path: Path
) -> None:
    digest = promotion.put(built.config, bucket, STEPS).rpartition("@")[2]
    other = built.elsewhere(tmp_path / "other")
    size = sum(path.stat().st_size for path in built.config.package.rglob("*") if path.is_file())
    first = Ending(bucket, after=size // 2)
    with pytest.raises(AwsError, match="the connection ended"):
        promotion.take(other, first, digest, STEPS)
    assert not other.package.exists()
    assert fetched.is_fetched(other) is False

    second = Ending(bucket, after=size)
    promotion.take(other, second, digest, STEPS)
    assert first.given == size // 2
    assert second.given <= size - size // 2, "what had arrived, in the middle of a blob too, was not asked for again"
    assert folder_digests(other.package) == folder_digests(built.config.package)


def test_what_was_changed_on_the_way_never_becomes_the_package(
    built: Built, bucket: BucketShelf, tmp_path: Path
) -> None:
    digest = promotion.put(built.config, bucket, STEPS).rpartition("@")[2]
    other = built.elsewhere(tmp_path / "other")
    promotion.take(other, bucket, digest, STEPS)
    before = folder_digests(other.package)

    def refused(kind: type[FogbankError], code: str, asked: str = digest) -> None:
        with pytest.raises(kind) as error:
            promotion.take(other, bucket, asked, STEPS)
        assert error.value.code == code
        assert folder_digests(other.package) == before, "the former one stays"

    def put(kind: str, data: bytes, name: str = "") -> str:
        name = name or f"sha256:{sha256_bytes(data)}"
        key = f"{bucket.prefix}/{kind}/{name.replace(':', '/')}"
        bucket.s3.put_object(Bucket=bucket.bucket, Key=key, Body=data)
        return name

    model = f"sha256:{built.manifest.artifact_sha256}"
    good = (built.config.package / built.manifest.artifact).read_bytes()
    put("blobs", good[:-1] + b"!", model)
    refused(RegistryError, "digest-mismatch")
    put("blobs", good, model)
    manifest = json.loads(bucket.manifest(digest))

    put("manifests", b"{}", digest)
    refused(PackageError, "digest-mismatch")
    refused(PackageError, "publication-missing", "sha256:" + "0" * 64)
    refused(PackageError, "publication-malformed", put("manifests", b'{"layers": [], "artifactType": "x"}'))
    escaping = json.loads(json.dumps(manifest))
    escaping["layers"][0]["annotations"]["org.opencontainers.image.title"] = "../../pyproject.toml"
    refused(PackageError, "publication-malformed", put("manifests", json.dumps(escaping).encode()))
    fewer = {**manifest, "layers": [item for item in manifest["layers"] if "sbom" not in str(item)]}
    refused(TrustError, "file-missing", put("manifests", json.dumps(fewer).encode()))
    unsigned = {**manifest, "layers": [item for item in manifest["layers"] if "provenance" not in str(item)]}
    refused(TrustError, "signature-missing", put("manifests", json.dumps(unsigned).encode()))
    assert manifest["artifactType"] == PACKAGE


def test_a_fetch_that_was_killed_before_its_last_step_is_told_and_not_taken_for_a_package_of_ones_own(
    built: Built, bucket: BucketShelf, tmp_path: Path
) -> None:
    reference = promotion.put(built.config, bucket, STEPS)
    other = built.elsewhere(tmp_path / "other")
    other.state.mkdir()
    fetched.remember(other, reference, "0" * 64)
    with pytest.raises(PackageError, match=reference) as error:
        fetched.is_fetched(other)
    assert error.value.code == "fetch-unfinished"

    promotion.take(other, bucket, reference.rpartition("@")[2], STEPS)
    assert fetched.is_fetched(other)
    fetched.forget(other)
    assert not fetched.is_fetched(other)


def test_an_image_that_was_fetched_is_neither_built_nor_sealed_again(
    built: Built, registry: RegistryShelf, tmp_path: Path
) -> None:
    digest = promotion.put(built.config, registry, STEPS).rpartition("@")[2]
    other = built.elsewhere(tmp_path / "other")
    found = promotion.take(other, registry, digest, STEPS)
    record = json.loads((built.config.package / "image.json").read_bytes())
    images = PackageImages()

    assert images.content(other.package, "linux/amd64", "") == record["key"]
    pushed, uri = images.publish(other.package, "linux/amd64", f"{registry.where}-serving", "")
    assert pushed == record["images"][0]["digest"]
    assert uri == f"{registry.where}-serving@{pushed}"
    assert images.exists(uri, "")
    assert verify_package(found.folder, other.require_signature, STEPS).key, "still signed by whoever built it"
    with pytest.raises(PackageError) as error:
        images.content(other.package, "linux/arm64", "")
    assert error.value.code == "image-not-packed"


@pytest.mark.parametrize("text", ["", "s3://", "s3://b/p@sha256:1", "s3://b@latest"])
def test_a_place_that_is_none_is_refused_by_what_it_lacks(built: Built, text: str) -> None:
    with pytest.raises(PackageError) as error:
        promotion.fetch(built.config, text, _nobody, "", STEPS)
    assert error.value.code == "place-invalid"


def test_what_is_fetched_has_a_digest_and_what_is_published_gets_one(built: Built) -> None:
    for call, text in ((promotion.fetch, "s3://b/p"), (promotion.publish, "s3://b/p@sha256:" + "0" * 64)):
        with pytest.raises(PackageError) as error:
            call(built.config, text, _nobody, "", STEPS)
        assert error.value.code == "place-invalid"


def test_a_package_that_is_not_what_was_sealed_is_not_published(
    built: Built, bucket: BucketShelf, tmp_path: Path
) -> None:
    other = built.elsewhere(tmp_path / "other")
    shutil.copytree(built.config.package, other.package)
    (other.package / "more.txt").write_text("not sealed")
    with pytest.raises(TrustError) as error:
        promotion.put(other, bucket, STEPS)
    assert error.value.code == "file-unknown"
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.bucket)
