"""Where packages are published: under a prefix of a bucket, or in a repository of a registry. Both keep blobs by digest, and the same
manifest: a package has one digest, wherever it lies.

In: blobs and manifests; out: the same, as bytes that are checked by whoever takes them. A blob appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.contracts.errors import AwsError, PackageError, RegistryError
from fogbank.ground.aws import SCHEME, join_key
from fogbank.ground.digest import CHUNK
from fogbank.project.calling.clients import aws_error

if TYPE_CHECKING:
    from fogbank.image import Artifact, Progress, Registry
    from fogbank.image.layout import Descriptor

MISSING = {"404", "NoSuchKey", "NotFound"}
UNSEEN = MISSING | {"403"}
"""What S3 says of a missing key to who may not list the bucket (S3 API Reference, HeadObject: 403)."""


class Shelf(Protocol):
    """A place of published packages. What it raises: RegistryError, AwsError, DigestError."""

    @property
    def where(self) -> str:
        """As it is written, without a digest."""

    def prepare(self) -> None:
        """Look whether anything can be put there."""

    def send(self, path: Path, item: Descriptor, progress: Progress) -> None:
        """Put a blob that lies at `path`, where it is not there yet."""

    def seal(self, artifact: Artifact) -> None:
        """Put the manifest, when all blobs are there."""

    def manifest(self, digest: str) -> bytes:
        """A manifest's bytes. Raises PackageError (`publication-missing`)."""

    def blob(self, digest: str, start: int) -> Iterator[bytes]:
        """A blob's bytes from `start` on."""


@dataclass(frozen=True)
class BucketShelf:
    """Objects `blobs/sha256/<hex>` and `manifests/sha256/<hex>` under a prefix."""

    s3: Any
    bucket: str
    prefix: str

    @property
    def where(self) -> str:
        """As it is written, without a digest."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def prepare(self) -> None:
        """The first object says it."""

    def send(self, path: Path, item: Descriptor, progress: Progress) -> None:
        """An upload in parts: the object is there when all of them are."""
        key = self._key("blobs", item.digest)
        with self._asked():
            if self._size(key) != item.size:
                self.s3.upload_file(str(path), self.bucket, key)
        progress(f"{item.digest[7:19]} {item.size >> 20} MiB")

    def seal(self, artifact: Artifact) -> None:
        """One object."""
        with self._asked():
            self.s3.put_object(Bucket=self.bucket, Key=self._key("manifests", artifact.digest), Body=artifact.data)

    def manifest(self, digest: str) -> bytes:
        """One object."""
        with self._asked(missing=f"{self.where}@{digest}"):
            data: bytes = self.s3.get_object(Bucket=self.bucket, Key=self._key("manifests", digest))["Body"].read()
        return data

    def blob(self, digest: str, start: int) -> Iterator[bytes]:
        """A range of one object."""
        with self._asked(missing=f"{self.where}, blob {digest}"):
            answer = self.s3.get_object(Bucket=self.bucket, Key=self._key("blobs", digest), Range=f"bytes={start}-")
            yield from answer["Body"].iter_chunks(CHUNK)

    def _key(self, kind: str, digest: str) -> str:
        return join_key(self.prefix, kind, digest.replace(":", "/"))

    def _size(self, key: str) -> int:
        try:
            return int(self.s3.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in UNSEEN:
                raise
            return -1

    @contextmanager
    def _asked(self, missing: str = "") -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if missing and error.response["Error"]["Code"] in MISSING:
                raise _missing(missing) from error
            raise aws_error(error) from error
        except BotoCoreError as error:
            raise AwsError(
                "account-unreachable",
                f"S3 cannot be asked: {error}",
                "look at the network and your AWS credentials; then again",
            ) from error


@dataclass(frozen=True)
class RegistryShelf:
    """An artifact in a registry's repository. `state` is a folder for what an interrupted upload leaves."""

    registry: Registry
    state: Path

    @property
    def where(self) -> str:
        """As it is written, without tag and digest."""
        return f"{self.registry.reference.host}/{self.registry.reference.name}"

    def prepare(self) -> None:
        """ECR has repositories that were made before."""
        if self.registry.reference.ecr:
            self.registry.require_repository()

    def send(self, path: Path, item: Descriptor, progress: Progress) -> None:
        """An upload that goes on where it was."""
        from fogbank.image import push_blob

        push_blob(path, item, self.registry, self.state, progress)

    def seal(self, artifact: Artifact) -> None:
        """The manifest, by its digest and by a tag: lifecycle rules delete what has none."""
        from fogbank.image import own_tag
        from fogbank.image.layout import MANIFEST
        from fogbank.image.referrers import EMPTY, NOTHING

        self.registry.put_blob(NOTHING, EMPTY.digest)
        for name in (artifact.digest, self.registry.reference.tag or own_tag(artifact.digest)):
            if self.registry.digest_of(name) != artifact.digest:
                self.registry.put_manifest(name, artifact.data, MANIFEST)

    def manifest(self, digest: str) -> bytes:
        """Checked by the registry's client too."""
        try:
            return self.registry.manifest(digest).data
        except RegistryError as error:
            if error.code == "image-missing":
                raise _missing(f"{self.where}@{digest}") from error
            raise

    def blob(self, digest: str, start: int) -> Iterator[bytes]:
        """From the registry, or where it sends us."""
        return self.registry.blob(digest, start)


def _missing(what: str) -> PackageError:
    return PackageError(
        "publication-missing",
        f"{what} is not there",
        "give what `fogbank publish` printed; what was not published whole is not there",
    )
