"""The objects' room on a folder of the test's own, with buckets that are set and a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.blobs import Blobs
from fogbank.cloud.objects.bucket import Bucket
from fogbank.cloud.objects.index import Index
from fogbank.cloud.objects.room import ObjectsRoom
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Version
from tests.fakes.buckets import FakeBuckets

SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request", "host": "127.0.0.1"}


@dataclass
class Room:
    """What a test calls."""

    folder: Path
    buckets: FakeBuckets
    shelf: Shelf
    events: list[str] = field(default_factory=list)
    time: float = 1_800_000_000.0

    def __post_init__(self) -> None:
        self.door = ObjectsRoom(self.shelf, lambda _: Answer(status=204), self._tell)

    def _tell(self, event: str, bucket: Bucket, version: Version) -> None:
        self.events.append(f"{event} {version.key}")

    def ask(self, method: str, key: str, body: bytes = b"", query: str = "", **headers: str) -> Answer:
        """One request about the bucket `b`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/b/{quote(key)}" if key else "/b"
        return self.door.handle(Request(method=method, path=path, query=query, headers={**SIGNED, **named}, body=body))

    def bodies(self) -> list[Path]:
        """Files there are."""
        return sorted(path for path in (self.folder / "bodies").rglob("*") if path.is_file())


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    buckets = FakeBuckets(Bucket(name="b", region="us-east-1"))
    times: list[Room] = []
    index = Index(tmp_path / "index.db", Blobs(tmp_path / "bodies", tmp_path / "incoming"))
    made = Room(tmp_path, buckets, Shelf(index, buckets, lambda: times[0].time))
    times.append(made)
    yield made
    index.close()
