"""S3 as jobs and monitors see it: objects that are read, written and listed, whole or part by part.

In: buckets and keys; out: bytes and names, or an ObjectError with S3's own words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any, Protocol

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.payload import Piece

CHUNK = 1 << 20
PART = 16 << 20
"""Bytes of a part of an output; a part of S3 has at least 5 MiB, and an object at most 10,000 parts, so that they grow."""
GROWS = 1000
"""How many parts have one size: the next have twice that."""


class ObjectError(Exception):
    """S3 refused, or did not answer."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """An object that is read: its ETag, and its bytes as they come, which raise ObjectError; where it lies on this machine until it is
    closed, if that is known."""

    etag: str
    parts: Iterator[bytes]
    laid: LaidObject | None = None
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class LaidObject:
    """An object, from byte `start` of it on, in pieces of files."""

    pieces: Sequence[Piece]
    start: int

    @cached_property
    def size(self) -> int:
        """The byte behind its last one."""
        return self.start + sum(piece.size for piece in self.pieces)

    def at(self, start: int, size: int) -> list[Piece]:
        """Where some of its bytes lie."""
        found, begin = [], self.start
        for piece in self.pieces:
            first, last = max(start, begin), min(start + size, begin + piece.size)
            if first < last:
                found.append(Piece(piece.file, piece.offset + first - begin, last - first))
            begin += piece.size
        return found

    def read(self, start: int, size: int) -> bytes:
        """Some of its bytes. Raises OSError where it has not so many."""
        return b"".join([part for piece in self.at(start, size) for part in piece.parts(piece.size)])


class Upload(Protocol):
    """An object that is written part by part: nobody sees it before `finish`. Each call raises ObjectError."""

    def write(self, body: bytes) -> bool:
        """The next bytes. Whether all that were given are S3's now: it can go on from here, in another process too."""

    def state(self) -> tuple[str, Sequence[str]]:
        """What `upload` goes on from: an id and the parts that S3 has."""

    def finish(self) -> None:
        """The object is whole."""

    def abort(self) -> None:
        """There is no object. Raises nothing."""


class Objects(Protocol):
    """Objects in buckets. Each call raises ObjectError."""

    def get(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object; nobody ever sees a part of it."""

    def list(self, bucket: str, prefix: str) -> list[str]:
        """The keys under a prefix, in S3's order."""

    def folders(self, bucket: str, prefix: str) -> Sequence[str]:
        """The names of the folders right below a prefix that ends with a slash, in S3's order."""

    def any(self, bucket: str, prefix: str) -> bool:
        """Whether there is an object under a prefix."""

    def download(self, bucket: str, key: str, file: Path) -> None:
        """An object as a file."""

    def read(self, bucket: str, key: str, start: int = 0) -> Source:
        """An object's bytes from `start` on, as they come."""

    def upload(self, bucket: str, key: str, state: tuple[str, Sequence[str]] | None = None) -> Upload:
        """Write an object part by part, from its beginning or from a `state`, if S3 still has it."""


def put_file(objects: Objects, bucket: str, key: str, file: IO[bytes]) -> None:
    """A file that may be large as an object, part by part; of one that cannot be read or written to its end nothing is left. Raises
    ObjectError, and what reading raises."""
    upload = objects.upload(bucket, key)
    try:
        for part in iter(partial(file.read, CHUNK), b""):
            upload.write(part)
        upload.finish()
    except BaseException:
        upload.abort()
        raise


class S3Objects:
    """Objects of an S3; `client` makes a boto3 client of it, `lying` says of a body that it answered where on this machine it lies."""

    def __init__(self, client: Callable[[], Any], lying: Callable[[Any], Sequence[Piece]] | None = None) -> None:
        self._client, self._lying = client, lying

    def get(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""
        body: bytes = _call(lambda s3: s3.get_object(Bucket=bucket, Key=key)["Body"].read(), self._client)
        return body

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object in one piece."""
        _call(lambda s3: s3.put_object(Bucket=bucket, Key=key, Body=body), self._client)

    def list(self, bucket: str, prefix: str) -> list[str]:
        """The keys under a prefix, page by page."""

        def keys(s3: Any) -> list[str]:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

        listed: list[str] = _call(keys, self._client)
        return listed

    def folders(self, bucket: str, prefix: str) -> Sequence[str]:
        """The names of the folders, page by page."""

        def names(s3: Any) -> Sequence[str]:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
            found = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
            return [name.removeprefix(prefix).rstrip("/") for name in found]

        listed: Sequence[str] = _call(names, self._client)
        return listed

    def any(self, bucket: str, prefix: str) -> bool:
        """Whether the first page has a key."""
        page = _call(lambda s3: s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1), self._client)
        return bool(page.get("KeyCount"))

    def download(self, bucket: str, key: str, file: Path) -> None:
        """An object as a file."""
        _call(lambda s3: s3.download_file(bucket, key, str(file)), self._client)

    def read(self, bucket: str, key: str, start: int = 0) -> Source:
        """By a range, where it does not begin at the beginning."""
        ranged = {"Range": f"bytes={start}-"} if start else {}
        answer = _call(lambda s3: s3.get_object(Bucket=bucket, Key=key, **ranged), self._client)

        def parts() -> Iterator[bytes]:
            with contextlib.closing(answer["Body"]) as body:
                try:
                    while part := body.read(CHUNK):
                        yield part
                except (BotoCoreError, OSError) as error:
                    raise ObjectError(f"{key} cannot be read to its end: {error}") from error

        body = answer["Body"]
        pieces = self._lying(body) if self._lying else ()
        laid = LaidObject(pieces, start) if pieces else None
        return Source(etag=answer["ETag"], parts=parts(), laid=laid, close=body.close)

    def upload(self, bucket: str, key: str, state: tuple[str, Sequence[str]] | None = None) -> Upload:
        """A multipart upload; an object that is short is put in one piece."""
        if state is not None:
            _call(lambda s3: s3.list_parts(Bucket=bucket, Key=key, UploadId=state[0], MaxParts=1), self._client)
        return S3Upload(partial(_call, client=self._client), {"Bucket": bucket, "Key": key}, state)


class S3Upload:
    """An object on its way."""

    def __init__(
        self,
        call: Callable[[Callable[[Any], Any]], Any],
        place: dict[str, str],
        state: tuple[str, Sequence[str]] | None,
    ) -> None:
        self._call, self._place = call, place
        self._id, etags = state or ("", ())
        self._etags = list(etags)
        self._held: list[bytes] = []
        self._size = 0

    def write(self, body: bytes) -> bool:
        """A part goes when it is long enough; what was given at once stays in one part."""
        self._held.append(body)
        self._size += len(body)
        if self._size < PART << len(self._etags) // GROWS:
            return False
        self._send()
        return True

    def state(self) -> tuple[str, Sequence[str]]:
        """The upload's id, and the ETags of its parts in order."""
        return self._id, tuple(self._etags)

    def finish(self) -> None:
        """What is left goes, and the parts become the object."""
        if not self._id:
            body, self._held = b"".join(self._held), []
            self._call(lambda s3: s3.put_object(**self._place, Body=body))
            return
        if self._size:
            self._send()
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self._etags, 1)]
        self._call(
            lambda s3: s3.complete_multipart_upload(**self._place, UploadId=self._id, MultipartUpload={"Parts": parts})
        )

    def abort(self) -> None:
        """S3 lets go of the parts."""
        if self._id:
            with contextlib.suppress(ObjectError):
                self._call(lambda s3: s3.abort_multipart_upload(**self._place, UploadId=self._id))

    def _send(self) -> None:
        body, self._held, self._size = b"".join(self._held), [], 0
        if not self._id:
            self._id = self._call(lambda s3: s3.create_multipart_upload(**self._place))["UploadId"]
        part = {**self._place, "UploadId": self._id, "PartNumber": len(self._etags) + 1}
        self._etags.append(self._call(lambda s3: s3.upload_part(**part, Body=body))["ETag"])


def _call(what: Callable[[Any], Any], client: Callable[[], Any]) -> Any:
    try:
        return what(client())
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise ObjectError(str(error)) from error
