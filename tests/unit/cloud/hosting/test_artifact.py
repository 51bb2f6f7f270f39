"""Model data that cannot be had is an error with its name, whatever the reason."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from fogbank.cloud.hosting.artifact import ArtifactError, fetch, unpack

FULL = OSError(errno.ENOSPC, "No space left on device")


class Broken:
    """An S3 whose downloads fail."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def download_file(self, bucket: str, key: str, file: str) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "No space left on device"),
        (ConnectionClosedError(endpoint_url="http://127.0.0.1:1"), "Connection was closed"),
        (ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject"), "Not Found"),
    ],
)
def test_a_download_that_fails(tmp_path: Path, error: Exception, said: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        fetch(Broken(error), "s3://bucket/m.tar.gz", tmp_path / "model")

    assert str(caught.value).startswith("model data s3://bucket/m.tar.gz cannot be downloaded: ")
    assert said in str(caught.value)


def test_a_uri_that_is_none(tmp_path: Path) -> None:
    s3: Any = None
    with pytest.raises(ArtifactError, match="cannot be downloaded: not an S3 URI"):
        fetch(s3, "file:///m.tar.gz", tmp_path / "model")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match=r"cannot be unpacked: .*Not a directory"):
        unpack(tmp_path / "m.tar.gz", tmp_path / "file" / "model")
