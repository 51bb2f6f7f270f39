"""S3 in memory: the Objects that jobs and monitors are tested on. `part` is how long a part of an upload is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fogbank.cloud.ground.payload import Piece
from fogbank.cloud.jobs.objects import LaidObject, ObjectError, Source


class MemoryObjects:
    """Buckets as a mapping; `puts` are the keys written, in order. A bucket that was not given is not there. With a `folder` an object that
    is read lies there, in two files."""

    def __init__(self, **buckets: dict[str, bytes]) -> None:
        self.buckets = buckets
        self.folder: Path | None = None
        self.puts: list[str] = []
        self.reads: list[tuple[str, int]] = []
        self.uploads: dict[str, list[bytes]] = {}
        self.part = 1 << 24

    def get(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""
        try:
            return self._bucket(bucket)[key]
        except KeyError:
            raise ObjectError(f"NoSuchKey: {key}") from None

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object."""
        self._bucket(bucket)[key] = body
        self.puts.append(key)

    def list(self, bucket: str, prefix: str) -> list[str]:
        """Keys in the order of their UTF-8 bytes, as S3 gives them."""
        return sorted((key for key in self._bucket(bucket) if key.startswith(prefix)), key=str.encode)

    def download(self, bucket: str, key: str, file: Path) -> None:
        """An object as a file."""
        file.write_bytes(self.get(bucket, key))

    def folders(self, bucket: str, prefix: str) -> Sequence[str]:
        """The names of the folders right below a prefix."""
        rests = (key.removeprefix(prefix) for key in self.list(bucket, prefix))
        return sorted({rest.partition("/")[0] for rest in rests if "/" in rest})

    def any(self, bucket: str, prefix: str) -> bool:
        """Whether there is a key under a prefix."""
        return bool(self.list(bucket, prefix))

    def read(self, bucket: str, key: str, start: int = 0) -> Source:
        """An object's bytes, a few at a time; `reads` are what was read from where."""
        body = self.get(bucket, key)
        if start and start >= len(body):
            raise ObjectError("InvalidRange")
        self.reads.append((key, start))
        parts = (body[at : at + 7] for at in range(start, len(body), 7))
        return Source(etag=f'"{hash(body)}"', parts=parts, laid=self._laid(body[start:], start))

    def upload(self, bucket: str, key: str, state: tuple[str, Sequence[str]] | None = None) -> MemoryUpload:
        """An object part by part, each of `part` bytes or more."""
        if state is not None and state[0] not in self.uploads:
            raise ObjectError("NoSuchUpload")
        return MemoryUpload(self, bucket, key, *(state or ("", ())))

    def _laid(self, body: bytes, start: int) -> LaidObject | None:
        if self.folder is None:
            return None
        pieces = []
        for part in (body[: len(body) // 2], body[len(body) // 2 :]):
            file = self.folder / f"{len(list(self.folder.iterdir()))}"
            file.write_bytes(b"-" + part)
            pieces.append(Piece(file, 1, len(part)))
        return LaidObject(pieces, start)

    def _bucket(self, name: str) -> dict[str, bytes]:
        if name not in self.buckets:
            raise ObjectError(f"NoSuchBucket: {name}")
        return self.buckets[name]


@dataclass
class MemoryUpload:
    """An object on its way; its parts lie in the fake's `uploads`."""

    objects: MemoryObjects
    bucket: str
    key: str
    id: str
    etags: Sequence[str]
    held: list[bytes] = field(default_factory=list)

    def write(self, body: bytes) -> bool:
        """The next bytes."""
        self.held.append(body)
        if sum(map(len, self.held)) < self.objects.part:
            return False
        self.id = self.id or f"upload-{len(self.objects.uploads)}"
        parts = self.objects.uploads.setdefault(self.id, [])
        del parts[len(self.etags) :]
        parts.append(b"".join(self.held))
        self.held = []
        self.etags = [str(number) for number in range(len(parts))]
        return True

    def state(self) -> tuple[str, Sequence[str]]:
        """The id and the parts."""
        return self.id, self.etags

    def finish(self) -> None:
        """The object is whole."""
        parts = self.objects.uploads.pop(self.id, [])[: len(self.etags)]
        self.objects.put(self.bucket, self.key, b"".join([*parts, *self.held]))

    def abort(self) -> None:
        """There is no object."""
        self.objects.uploads.pop(self.id, None)
