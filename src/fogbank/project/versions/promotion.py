"""A package is built once and promoted by its digest: published from where it was packed, fetched where it is deployed.

In: a sealed package, or a place and a digest; out: `<place>@sha256:<digest>`, or that package in the project, byte for byte, with its
image and its signature. It takes the former one's place in one step, after every digest of it was checked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import DigestError, PackageError
from fogbank.contracts.manifest import OUTER_NAME, Manifest, load_manifest
from fogbank.ground.aws import SCHEME
from fogbank.ground.digest import DIGEST, blob_path, sha256_bytes, sha256_file
from fogbank.ground.folders import private_folder
from fogbank.ground.locks import locked
from fogbank.ground.paths import inside
from fogbank.project.calling.clients import Clients
from fogbank.project.packaging import fetched
from fogbank.project.packaging.images import packed_platforms
from fogbank.project.packaging.seal import verify_package
from fogbank.project.versions.shelves import BucketShelf, RegistryShelf, Shelf
from fogbank.project.workplace.events import Step, Steps

if TYPE_CHECKING:
    from fogbank.image import Artifact

FETCHING, LOCK, WORK = "fetching", "fetch.lock", ".fetched"
NEEDS_DIGEST = "write the place as `s3://bucket/prefix` or `host/name`, and for `fogbank fetch` with the digest that `fogbank publish` printed"


def publish(config: ProjectConfig, text: str, clients: Clients, profile: str, steps: Steps) -> str:
    """Publish the project's package at a place, as it is; what names it there. What has arrived is not sent again.

    Raises PackageError, TrustError (where it is not what was sealed, or not signed as the project requires), RegistryError, AwsError.
    """
    place, digest = _parsed(text)
    if digest:
        raise PackageError("place-invalid", f"{text!r} has a digest: what is published gets its own", NEEDS_DIGEST)
    return put(config, shelf_at(config, place, clients, profile), steps)


def put(config: ProjectConfig, shelf: Shelf, steps: Steps) -> str:
    """Put the project's package on a shelf; what names it there. Raises as `publish`."""
    from fogbank.image import artifact_of

    manifest = load_manifest(config.package)
    verify_package(config.package, config.require_signature, steps, unsigned=True)
    if not packed_platforms(manifest):
        steps.notice(
            "the package has no image: only stacks that name one of their own can take it; else `fogbank pack --image` first"
        )
    with steps("publish") as step:
        artifact = artifact_of(config.package)
        shelf.prepare()
        for name, item in artifact.files.items():
            shelf.send(inside(config.package, name), item, step.progress)
        shelf.seal(artifact)
        size = sum(item.size for item in artifact.files.values())
        step.done(f"{len(artifact.files)} files, {size / 1e6:.0f} MB, {artifact.digest[:19]}")
    return f"{shelf.where}@{artifact.digest}"


def fetch(config: ProjectConfig, text: str, clients: Clients, profile: str, steps: Steps) -> Manifest:
    """Fetch a published package and let it be the project's: `up` deploys it, and trains and packs nothing. What has arrived is not
    fetched again.

    Raises PackageError (`place-invalid`, `publication-missing`, `publication-malformed`), DigestError, TrustError, RegistryError, AwsError.
    """
    place, digest = _parsed(text)
    if not digest:
        raise PackageError("place-invalid", f"{text!r} does not say which package: it has no digest", NEEDS_DIGEST)
    return take(config, shelf_at(config, place, clients, profile), digest, steps)


def take(config: ProjectConfig, shelf: Shelf, digest: str, steps: Steps) -> Manifest:
    """Take a package from a shelf, and let it be the project's. Raises as `fetch`."""
    with locked(private_folder(config.state) / LOCK), _workplace(config.state) as work:
        fresh, blobs = work / "package", inside(config.state / FETCHING, digest.partition(":")[2])
        with steps("fetch") as step:
            artifact = _manifest(shelf, digest)
            _receive_all(shelf, artifact, blobs, step)
            _assembled(artifact, blobs, fresh)
            step.done(f"{len(artifact.files)} files, {digest[:19]}")
        manifest = load_manifest(fresh)
        verify_package(fresh, config.require_signature, steps, unsigned=True)
        fetched.remember(config, f"{shelf.where}@{digest}", sha256_file(fresh / OUTER_NAME))
        if config.package.exists():
            config.package.rename(work / "former")
        fresh.rename(config.package)
        shutil.rmtree(config.state / FETCHING)
    steps.notice(
        f"{manifest.name} {manifest.artifact_sha256[:12]} is what `fogbank up` deploys, until you train or pack again"
    )
    return load_manifest(config.package)


@contextmanager
def _workplace(state: Path) -> Iterator[Path]:
    """A folder to work in, under the lock; those that were left by fetches that were killed go first."""
    for left in state.glob(f"{WORK}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with tempfile.TemporaryDirectory(dir=state, prefix=f"{WORK}-") as work:
        yield Path(work)


def _manifest(shelf: Shelf, digest: str) -> Artifact:
    from fogbank.image import read_artifact

    data = shelf.manifest(digest)
    actual = f"sha256:{sha256_bytes(data)}"
    if actual != digest:
        raise DigestError(f"the manifest in {shelf.where}", digest, actual)
    return read_artifact(data)


def _receive_all(shelf: Shelf, artifact: Artifact, blobs: Path, step: Step) -> None:
    from fogbank.image import receive

    for item in artifact.files.values():
        step.progress(f"{item.digest[7:19]} {item.size >> 20} MiB")
        receive(shelf.blob, blob_path(blobs, item.digest), item, shelf.where)


def _assembled(artifact: Artifact, blobs: Path, folder: Path) -> None:
    """The files under their names; each has bytes of its own."""
    for name, item in artifact.files.items():
        target = inside(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blob_path(blobs, item.digest), target)


def _parsed(text: str) -> tuple[str, str]:
    """A place and a digest, empty where there is none. Raises PackageError (`place-invalid`)."""
    place, at, digest = text.rpartition("@") if "@" in text else (text, "", "")
    if not place.removeprefix(SCHEME).strip("/") or (at and not DIGEST.fullmatch(digest)):
        raise PackageError("place-invalid", f"{text!r} names no place of packages", NEEDS_DIGEST)
    return place, digest


def shelf_at(config: ProjectConfig, place: str, clients: Clients, profile: str) -> Shelf:
    """The shelf at a place. Raises PackageError (`reference-invalid`), RegistryError."""
    from fogbank.image import Registry, logins_for, parse_reference

    if place.startswith(SCHEME):
        bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
        return BucketShelf(clients("s3"), bucket, prefix.strip("/"))
    reference = parse_reference(place)
    registry = Registry(reference, logins_for(reference, os.environ, profile))
    return RegistryShelf(registry, config.state / "uploads")
