"""Model data: from an S3 URI to an unpacked folder, as SageMaker prepares /opt/ml/model.

In: `ModelDataUrl` and an S3 client; out: a folder, or an ArtifactError that says what is wrong with the archive.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.ground.archive import ArchiveError, unpack_archive
from fogbank.ground.aws import split_uri


class ArtifactError(Exception):
    """Model data that cannot be fetched or unpacked."""


def fetch(s3: Any, uri: str, target: Path) -> None:
    """Download the gzip tar at `uri` and unpack it into `target`. Raises ArtifactError, also for a full disk."""
    archive = target.parent / (target.name + ".tar.gz")
    try:
        bucket, key = split_uri(uri)
        s3.download_file(bucket, key, str(archive))
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise ArtifactError(f"model data {uri} cannot be downloaded: {error}") from error
    unpack(archive, target)
    archive.unlink()


def unpack(archive: Path, target: Path) -> None:
    """Unpack a gzip tar: nothing leaves the folder, no devices, no outward links, no bombs. Raises ArtifactError."""
    try:
        unpack_archive(archive, target)
    except ArchiveError as error:
        raise ArtifactError(f"model data cannot be unpacked: {error.code}: {error.cause}") from error
    except OSError as error:  # the folder itself cannot be made
        raise ArtifactError(f"model data cannot be unpacked: {error}") from error
