"""Objects that were kept elsewhere before are the same on the shelf, ids and dates too."""

from __future__ import annotations

from typing import Any

from fogbank.cloud.moto.legacy import Remembered, RememberedUpload
from fogbank.cloud.objects.adopt import adopt
from tests.unit.cloud.objects.conftest import Room


def test_versions_markers_and_uploads_are_as_they_were(room: Room) -> None:
    room.ask("PUT", "gone", b"what was begun before and broke off")
    key: dict[str, Any] = {"bucket": "b", "key": "k"}
    olds = [
        Remembered(**key, version="null", modified=1000.0, body=b"1", etag='"e1"', facts={"metadata": {"a": "1"}}),
        Remembered(**key, version="v2", modified=2000.0, body=b"22", etag='"e2"'),
        Remembered(**key, version="v3", modified=3000.0),
    ]
    parts, metadata = {1: b"part"}, {"x-amz-meta-a": "2"}
    uploads = [RememberedUpload(id="u1", bucket="b", key="big", parts=parts, metadata=metadata)]

    assert adopt(room.shelf, olds, uploads) == 3
    assert room.ask("GET", "k").status == 404
    answer = room.ask("GET", "k", query="versionId=null")
    assert (answer.body, answer.headers["ETag"], answer.headers["x-amz-meta-a"]) == (b"1", '"e1"', "1")
    assert answer.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:16:40 GMT"
    room.ask("DELETE", "k", query="versionId=v3")
    assert room.ask("GET", "k").body == b"22"
    assert b"<Size>4</Size>" in room.ask("GET", "big", query="uploadId=u1").body
    assert room.ask("GET", "gone").status == 404
