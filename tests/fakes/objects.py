"""S3 in memory: the Objects that jobs and monitors are tested on."""

from __future__ import annotations

from pathlib import Path

from fogbank.cloud.jobs.objects import ObjectError


class MemoryObjects:
    """Buckets as a mapping; `puts` are the keys written, in order. A bucket that was not given is not there."""

    def __init__(self, **buckets: dict[str, bytes]) -> None:
        self.buckets = buckets
        self.puts: list[str] = []

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

    def _bucket(self, name: str) -> dict[str, bytes]:
        if name not in self.buckets:
            raise ObjectError(f"NoSuchBucket: {name}")
        return self.buckets[name]
