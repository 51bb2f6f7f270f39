"""Packages that were deployed, kept to go back to: each stack's last few on this machine, and in its bucket, where others find them.

In: a package's folder; out: a copy of it by its digest. On this machine it has its image, of which versions share the layers; what is
fetched from a bucket has none, and it is built again. A copy appears complete or not at all: its manifest is the last to be sent, and
every digest is checked before it is used.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import FogbankError, PackageError
from fogbank.contracts.manifest import OUTER_NAME, Manifest, load_manifest
from fogbank.ground.folders import private_folder
from fogbank.ground.paths import inside

KEPT = 10
"""How many packages of a stack are kept, the newest deployments' first."""
FOLDER, BLOBS = "packages", "image/blobs/sha256"
PREFIX = "packages/"
"""In the stack's bucket."""


def folder_of(config: ProjectConfig, stack: str, digest: str) -> Path:
    """Where a package that a stack had is kept on this machine: one stack's many deployments push no other's out."""
    return inside(config.state / FOLDER, f"{quote(stack, safe='')}/{digest}")


def keep(config: ProjectConfig, stack: str, manifest: Manifest) -> None:
    """Keep a package that was deployed, as the stack's newest; files are linked where the disk can. What is beyond the last few goes."""
    place = folder_of(config, stack, manifest.artifact_sha256)
    private_folder(place.parent)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fresh-") as work:
        fresh = Path(work) / "package"
        shutil.copytree(manifest.folder, fresh, copy_function=partial(_link_once, config.state / FOLDER))
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)
    os.utime(place)
    packages = [item for item in place.parent.iterdir() if not item.name.startswith(".")]
    for old in sorted(packages, key=lambda item: item.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def send(s3: Any, bucket: str, manifest: Manifest) -> None:
    """Keep a package in a bucket too; what has arrived is not sent again. Raises botocore's ClientError."""
    place = f"{PREFIX}{manifest.artifact_sha256}/"
    there = {item["Key"]: item["Size"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=place).get("Contents", [])}
    files = sorted(item for item in manifest.folder.iterdir() if item.is_file())
    for file in sorted(files, key=lambda item: item.name == OUTER_NAME):
        key = f"{place}{file.name}"
        if file.name == OUTER_NAME or there.get(key) != file.stat().st_size:  # the manifest's time is the deployment's
            s3.upload_file(str(file), bucket, key)
    _forget_the_oldest(s3, bucket, manifest.artifact_sha256)


def _forget_the_oldest(s3: Any, bucket: str, sent: str) -> None:
    """S3's times are whole seconds: what was just `sent` is the newest whatever they say."""
    found: dict[str, list[dict[str, Any]]] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX):
        for item in page.get("Contents", []):
            found.setdefault(item["Key"].removeprefix(PREFIX).partition("/")[0], []).append(item)
    others = [items for digest, items in found.items() if digest != sent]
    others.sort(key=lambda items: max(item["LastModified"] for item in items), reverse=True)
    for items in others[KEPT - 1 :]:
        for item in sorted(items, key=lambda each: not each["Key"].endswith(f"/{OUTER_NAME}")):
            s3.delete_object(Bucket=bucket, Key=item["Key"])


def bring(s3: Any, bucket: str, config: ProjectConfig, stack: str, digest: str) -> bool:
    """Fetch a package of a stack's bucket to this machine; False where it is not there. Raises botocore's ClientError, PackageError."""
    place = f"{PREFIX}{digest}/"
    items = s3.list_objects_v2(Bucket=bucket, Prefix=place).get("Contents", [])
    if not any(item["Key"] == f"{place}{OUTER_NAME}" for item in items):
        return False
    with tempfile.TemporaryDirectory(dir=private_folder(config.state), prefix=".brought-") as work:
        for item in items:
            s3.download_file(bucket, item["Key"], str(inside(Path(work), item["Key"].removeprefix(place))))
        keep(config, stack, _checked(Path(work), digest))
    return True


def kept(config: ProjectConfig, digest: str) -> Manifest | None:
    """A package that is on this machine: kept for any stack, or the one that is there; None where it is neither, or damaged."""
    for folder in (*sorted((config.state / FOLDER).glob(f"*/{digest}")), config.package):
        try:
            return _checked(folder, digest)
        except FogbankError:
            continue
    return None


@contextmanager
def in_its_place(config: ProjectConfig, manifest: Manifest) -> Iterator[None]:
    """Let a kept package be the project's; where what follows takes it back (GiveBackError), the former one is it again."""
    if manifest.folder == config.package:
        yield
        return
    with tempfile.TemporaryDirectory(dir=config.state, prefix=".before-") as work:
        fresh, former = Path(work) / "fresh", Path(work) / "former"
        shutil.copytree(manifest.folder, fresh, copy_function=_link)
        if config.package.exists():
            config.package.rename(former)
        fresh.rename(config.package)
        try:
            yield
        except FogbankError as error:
            if error.code == "up-declined" and former.exists():
                config.package.rename(fresh)
                former.rename(config.package)
            raise


def _checked(folder: Path, digest: str) -> Manifest:
    """The package in a folder, if it is that one. Raises PackageError."""
    manifest = load_manifest(folder)
    if manifest.artifact_sha256 != digest:
        raise PackageError(
            "package-missing", f"{folder} holds another package than {digest[:12]}", "run `fogbank pack`"
        )
    return manifest


def _link_once(kept: Path, source: str, target: str) -> str:
    """A layer that an earlier version brought lies on the disk once."""
    there = kept.glob(f"*/*/{BLOBS}/{Path(source).name}") if Path(source).parent.as_posix().endswith(BLOBS) else ()
    size = Path(source).stat().st_size
    return _link(str(next((item for item in there if item.stat().st_size == size), source)), target)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
