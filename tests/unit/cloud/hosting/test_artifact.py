"""Model data that cannot be had is an error with its name, whatever the reason."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from fogbank.cloud.api.models import ModelData
from fogbank.cloud.hosting.artifact import ArtifactError, fetch, unpack

FULL = OSError(errno.ENOSPC, "No space left on device")


class Broken:
    """An S3 whose downloads fail."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def download_file(self, bucket: str, key: str, file: str) -> None:
        raise self.error


class Bucket:
    """An S3 whose one bucket has objects, which hold their keys."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def get_paginator(self, operation: str) -> Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's words
        yield {}
        yield from ({"Contents": [{"Key": key}]} for key in self.keys if key.startswith(Prefix))

    def download_file(self, bucket: str, key: str, file: str) -> None:
        Path(file).write_text(key)


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
        fetch(Broken(error), ModelData(uri="s3://bucket/m.tar.gz"), tmp_path / "model")

    assert str(caught.value).startswith("model data s3://bucket/m.tar.gz cannot be downloaded: ")
    assert said in str(caught.value)


def test_what_lies_below_a_prefix_keeps_its_paths(tmp_path: Path) -> None:
    model = tmp_path / "model"
    fetch(Bucket("m/a.joblib", "m/code/deep/b c.py", "other"), ModelData(uri="s3://b/m/", form="prefix"), model)

    files = {str(file.relative_to(model)): file.read_text() for file in model.rglob("*") if file.is_file()}
    assert files == {"a.joblib": "m/a.joblib", "code/deep/b c.py": "m/code/deep/b c.py"}


def test_one_object_is_called_by_the_last_part_of_its_key(tmp_path: Path) -> None:
    fetch(Bucket(), ModelData(uri="s3://b/deep/m.joblib", form="object"), tmp_path / "model")

    assert [file.name for file in (tmp_path / "model").iterdir()] == ["m.joblib"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([], "no object lies below the prefix"),
        (["m/"], "gives a file or directory the name ''"),
        (["m/code/"], "the name ''"),
        (["m//a"], "the name ''"),
        (["m/../a"], r"the name '\.\.'"),
        (["m/ /a"], "the name ' '"),
        (["m/" + "ü" * 128], "the name 'ü"),
        (["m/weights", "m/weights/part1"], "'weights' would be a file and the directory of 'weights/part1'"),
    ],
)
def test_keys_that_are_no_files_of_one_folder(tmp_path: Path, keys: list[str], said: str) -> None:
    with pytest.raises(ArtifactError, match=said):
        fetch(Bucket(*keys), ModelData(uri="s3://b/m/", form="prefix"), tmp_path / "model")

    assert not (tmp_path / "model").exists()


def test_where_signatures_are_required_only_an_archive_is_run(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="only an archive is signed"):
        fetch(Bucket("m/a"), ModelData(uri="s3://b/m/", form="prefix"), tmp_path / "model", lambda _: None)


def test_a_uri_that_is_none(tmp_path: Path) -> None:
    s3: Any = None
    with pytest.raises(ArtifactError, match="cannot be downloaded: not an S3 URI"):
        fetch(s3, ModelData(uri="file:///m.tar.gz"), tmp_path / "model")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match=r"cannot be unpacked: .*Not a directory"):
        unpack(tmp_path / "m.tar.gz", tmp_path / "file" / "model")
