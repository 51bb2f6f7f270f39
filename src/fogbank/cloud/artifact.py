"""Model data: from an S3 URI to an unpacked folder, as SageMaker prepares /opt/ml/model.

In: `ModelDataUrl` and an S3 client; out: a folder, or an ArtifactError that says what is wrong with the archive.
"""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError


class ArtifactError(Exception):
    """Model data that cannot be fetched or unpacked."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://bucket/key` URI. Raises ValueError.

    >>> split_uri("s3://b/a/c.csv")
    ('b', 'a/c.csv')
    """
    parsed = urlparse(uri)
    if parsed.scheme != "s3" or not parsed.netloc:
        raise ValueError(f"not an S3 URI: {uri!r}")
    return parsed.netloc, parsed.path.lstrip("/")


def fetch(s3: Any, uri: str, target: Path) -> None:
    """Download the gzip tar at `uri` and unpack it into `target`. Raises ArtifactError."""
    archive = target.parent / (target.name + ".tar.gz")
    try:
        bucket, key = split_uri(uri)
        s3.download_file(bucket, key, str(archive))
    except (ClientError, ValueError) as error:
        raise ArtifactError(f"model data {uri} cannot be downloaded: {error}") from error
    unpack(archive, target)
    archive.unlink()


def unpack(archive: Path, target: Path) -> None:
    """Unpack a gzip tar with the `data` filter: nothing leaves the folder, no devices, no outward links. Raises ArtifactError."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(target, filter="data")
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, OSError) as error:
        raise ArtifactError(f"model data is not a gzip tar archive that can be unpacked safely: {error}") from error
