"""Objects that were kept elsewhere before are the same on the shelf, ids and dates too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fogbank.cloud.objects.adopt import adopt
from tests.unit.cloud.objects.conftest import Room


@dataclass(frozen=True)
class Old:
    """A version as somebody else had it."""

    bucket: str
    key: str
    version: str
    modified: float
    body: bytes | None = None
    etag: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OldUpload:
    """An upload as somebody else had it."""

    id: str
    bucket: str
    key: str
    parts: dict[int, bytes]
    metadata: dict[str, str]


def test_versions_markers_and_uploads_are_as_they_were(room: Room) -> None:
    room.ask("PUT", "gone", b"what was begun before and broke off")
    olds = [
        Old("b", "k", "null", 1000.0, b"1", '"e1"', {"metadata": {"a": "1"}}),
        Old("b", "k", "v2", 2000.0, b"22", '"e2"'),
        Old("b", "k", "v3", 3000.0),
    ]
    uploads = [OldUpload("u1", "b", "big", {1: b"part"}, {"x-amz-meta-a": "2"})]

    assert adopt(room.shelf, olds, uploads) == 3
    assert room.ask("GET", "k").status == 404
    answer = room.ask("GET", "k", query="versionId=null")
    assert (answer.body, answer.headers["ETag"], answer.headers["x-amz-meta-a"]) == (b"1", '"e1"', "1")
    assert answer.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:16:40 GMT"
    room.ask("DELETE", "k", query="versionId=v3")
    assert room.ask("GET", "k").body == b"22"
    assert b"<Size>4</Size>" in room.ask("GET", "big", query="uploadId=u1").body
    assert room.ask("GET", "gone").status == 404
