"""Objects that somebody else kept before: written as they were, with their ids and dates.

In: versions in order, bodies in memory; out: the same on the shelf.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.objects.checksums import digest
from fogbank.cloud.objects.facts import described
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.version import Part, Pieces, Upload, Version


class Kept(Protocol):
    """A version as it was; no body means a marker."""

    @property
    def bucket(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def modified(self) -> float: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def etag(self) -> str: ...
    @property
    def facts(self) -> dict[str, Any]: ...


class Begun(Protocol):
    """An upload as it was."""

    @property
    def id(self) -> str: ...
    @property
    def bucket(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def parts(self) -> dict[int, bytes]: ...
    @property
    def metadata(self) -> dict[str, str]: ...


def adopt(shelf: Shelf, versions: Iterable[Kept], uploads: Iterable[Begun]) -> int:
    """Write them all, over nothing; returns how many versions those were."""
    shelf.index.clear()
    count = 0
    for kept in versions:
        with shelf.index.change():
            pieces = _pieces(shelf, kept.body) if kept.body is not None else ()
            shelf.index.add(_version(kept), pieces)
        count += 1
    for begun in uploads:
        with shelf.index.change():
            _begin(shelf, begun)
    return count


def _version(kept: Kept) -> Version:
    return Version(
        bucket=kept.bucket,
        key=kept.key,
        id=kept.version,
        modified=kept.modified,
        marker=kept.body is None,
        size=len(kept.body or b""),
        etag=kept.etag,
        facts=kept.facts,
    )


def _pieces(shelf: Shelf, body: bytes) -> Pieces:
    name = digest([body]).sha256
    shelf.blobs.place(shelf.blobs.draft(Payload.of(body)), name)
    return [(name, len(body))]


def _begin(shelf: Shelf, begun: Begun) -> None:
    facts: Mapping[str, Any] = described(begun.metadata)
    shelf.index.put_upload(Upload(id=begun.id, bucket=begun.bucket, key=begun.key, started=shelf.now(), facts=facts))
    for number, body in begun.parts.items():
        etag = f'"{digest([body]).md5}"'
        part = Part(seq=0, number=number, modified=shelf.now(), size=len(body), etag=etag, checksums={})
        shelf.index.put_part(begun.id, part, _pieces(shelf, body))
