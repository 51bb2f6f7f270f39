"""S3 as jobs see it: the fake that their tests use does what boto3 does."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from fogbank.cloud.jobs.objects import ObjectError, Objects, S3Objects, put_file
from tests.fakes.objects import MemoryObjects


@pytest.fixture(params=["boto3", "memory"])
def objects(request: pytest.FixtureRequest) -> Iterator[Objects]:
    """A bucket, by boto3 on moto and in memory."""
    if request.param == "memory":
        yield MemoryObjects(bkt={})
        return
    with mock_aws():
        s3 = boto3.client("s3", "us-east-1", aws_access_key_id="k", aws_secret_access_key="s")
        s3.create_bucket(Bucket="bkt")
        yield S3Objects(lambda: s3)


def test_what_is_put_is_there(objects: Objects, tmp_path: Path) -> None:
    objects.put("bkt", "in/a", b"1")
    objects.put("bkt", "in/a", b"2")
    objects.download("bkt", "in/a", tmp_path / "a")

    assert objects.get("bkt", "in/a") == b"2"
    assert (tmp_path / "a").read_bytes() == b"2"


def test_keys_are_listed_in_s3s_order_however_many(objects: Objects) -> None:
    keys = sorted([f"in/{number}" for number in range(1001)] + ["in/é", "in/Z", "in/z"], key=str.encode)
    for key in [*reversed(keys), "other"]:
        objects.put("bkt", key, b"")

    assert objects.list("bkt", "in/") == keys
    assert objects.list("bkt", "none/") == []


def test_what_is_not_there_is_said_in_s3s_words(objects: Objects, tmp_path: Path) -> None:
    for call, word in (
        (lambda: objects.get("bkt", "none"), "NoSuchKey"),
        (lambda: objects.get("gone", "none"), "NoSuchBucket"),
        (lambda: objects.put("gone", "a", b""), "NoSuchBucket"),
        (lambda: objects.list("gone", ""), "NoSuchBucket"),
        (lambda: objects.download("bkt", "none", tmp_path / "x"), "404|NoSuchKey"),
    ):
        with pytest.raises(ObjectError, match=word):
            call()


def test_an_object_is_read_from_anywhere_as_it_comes(objects: Objects) -> None:
    body = bytes(range(256)) * 20_000
    objects.put("bkt", "in/a", body)
    whole, rest = objects.read("bkt", "in/a"), objects.read("bkt", "in/a", 4_000_000)

    assert whole.etag == rest.etag
    assert b"".join(whole.parts) == body
    assert b"".join(rest.parts) == body[4_000_000:]
    objects.put("bkt", "in/a", b"other")
    assert objects.read("bkt", "in/a").etag != whole.etag
    assert (objects.any("bkt", "in/"), objects.any("bkt", "out/")) == (True, False)


def test_an_object_is_there_when_it_is_whole_and_another_writer_may_go_on(objects: Objects) -> None:
    body = b"x" * (17 << 20)
    first = objects.upload("bkt", "out/a")
    assert (first.write(b"begin"), first.write(body), first.write(b"lost")) == (False, True, False)
    second = objects.upload("bkt", "out/a", first.state())
    assert objects.list("bkt", "out/") == []
    assert (second.write(body), second.write(b"end")) == (True, False)
    second.finish()

    assert objects.get("bkt", "out/a") == b"begin" + body + body + b"end"
    short = objects.upload("bkt", "out/b")
    short.write(b"1")
    short.finish()
    assert objects.get("bkt", "out/b") == b"1"


def test_an_upload_that_was_given_up_is_not_gone_on_with(objects: Objects) -> None:
    upload = objects.upload("bkt", "out/a")
    assert upload.write(b"x" * (17 << 20))
    upload.abort()

    with pytest.raises(ObjectError, match="NoSuchUpload"):
        objects.upload("bkt", "out/a", upload.state())
    assert objects.list("bkt", "out/") == []


class Broken(io.BytesIO):
    """A file that is longer than a part, and whose end cannot be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Its bytes. Raises OSError at the end."""
        if found := super().read(size):
            return found
        raise OSError("EIO")


def begun(objects: Objects) -> Sequence[object]:
    """What is written and not whole."""
    if isinstance(objects, MemoryObjects):
        return [*objects.uploads]
    assert isinstance(objects, S3Objects)
    uploads: Sequence[object] = objects._client().list_multipart_uploads(Bucket="bkt").get("Uploads", [])
    return uploads


def test_a_file_is_an_object_or_nothing_of_it_is_left(objects: Objects) -> None:
    body = b"x" * (17 << 20)
    put_file(objects, "bkt", "out/a", io.BytesIO(body))
    with pytest.raises(OSError, match="EIO"):
        put_file(objects, "bkt", "out/b", Broken(body))

    assert objects.get("bkt", "out/a") == body
    assert (objects.list("bkt", "out/"), begun(objects)) == (["out/a"], [])
