"""Model data: from an S3 URI to an unpacked folder, as SageMaker prepares /opt/ml/model.

In: model data and an S3 client; out: a folder, or an ArtifactError that says what is wrong with it. What objects below a prefix are
called in the folder: S3ModelDataSource of the SageMaker API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.models import ModelData
from fogbank.contracts.errors import TrustError
from fogbank.ground.archive import ArchiveError, unpack_archive
from fogbank.ground.aws import split_uri
from fogbank.ground.paths import inside

LONGEST_NAME = 255
"""Bytes of a file's or a directory's name."""
Approve = Callable[[Path], None]
"""Raises TrustError for an archive that may not run."""


class ArtifactError(Exception):
    """Model data that cannot be fetched or unpacked."""


def fetch(s3: Any, data: ModelData, target: Path, approve: Approve | None = None) -> None:
    """Bring the data into the folder `target`, if it is approved. Raises ArtifactError, also for a full disk."""
    try:
        bucket, key = split_uri(data.uri)
        if data.form == "archive":
            _archive(s3, (bucket, key), target, approve)
            return
        if approve is not None:
            raise ArtifactError(
                f"model data {data.uri} is not run: only an archive is signed, and signatures are required"
            )
        keys = _below(s3, bucket, key) if data.form == "prefix" else {key.rpartition("/")[2]: key}
        _check_names(keys)
        for name, each in keys.items():
            place = inside(target, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, each, str(place))
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise ArtifactError(f"model data {data.uri} cannot be downloaded: {error}") from error


def _archive(s3: Any, place: tuple[str, str], target: Path, approve: Approve | None) -> None:
    """The gzip tar at a bucket and key, unpacked."""
    archive = target.parent / (target.name + ".tar.gz")
    s3.download_file(*place, str(archive))
    if approve is not None:
        try:
            approve(archive)
        except TrustError as error:
            said = f"model data s3://{'/'.join(place)} is not run: {error.code}: {error.cause}"
            raise ArtifactError(said) from error
    unpack(archive, target)
    archive.unlink()


def _below(s3: Any, bucket: str, prefix: str) -> dict[str, str]:
    """The keys below a prefix, under what they are called there. Raises ValueError where there is none."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    if not keys:
        raise ValueError("no object lies below the prefix")
    return {key.removeprefix(prefix): key for key in keys}


def _check_names(keys: dict[str, str]) -> None:
    """Raises ValueError for what is no file below a folder, or a file and a directory at once."""
    for name, key in keys.items():
        for part in name.split("/"):
            if not part.strip() or part in {".", ".."} or "\0" in part or len(part.encode()) > LONGEST_NAME:
                raise ValueError(f"the key {key!r} gives a file or directory the name {part!r}, which it cannot have")
        clash = next((str(above) for above in PurePosixPath(name).parents if str(above) in keys), None)
        if clash:
            raise ValueError(f"{clash!r} would be a file and the directory of {name!r}")


def unpack(archive: Path, target: Path) -> None:
    """Unpack a gzip tar: nothing leaves the folder, no devices, no outward links, no bombs. Raises ArtifactError."""
    try:
        unpack_archive(archive, target)
    except ArchiveError as error:
        raise ArtifactError(f"model data cannot be unpacked: {error.code}: {error.cause}") from error
    except OSError as error:  # the folder itself cannot be made
        raise ArtifactError(f"model data cannot be unpacked: {error}") from error
