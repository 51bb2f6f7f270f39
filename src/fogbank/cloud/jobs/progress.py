"""How far a transform job has come, object by object: what a job that was interrupted goes on from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Protocol

from fogbank.cloud.ground.store import Store

KIND = "transform-progress"


@dataclass(frozen=True, kw_only=True)
class InputObject:
    """An object to transform; the name of its output is relative to `prefix`."""

    bucket: str
    key: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What is S3's of an object's output: `parts` of an `upload`, for the first `records` of the input, which end at byte `offset` of it.

    `etag` is the input's: of another object nothing is known. `done`: the output is whole.
    """

    etag: str
    offset: int = 0
    records: int = 0
    upload: str = ""
    parts: tuple[str, ...] = ()
    done: bool = False


class Progress(Protocol):
    """The marks of one job."""

    def get(self, item: InputObject) -> Mark | None:
        """The last mark of an object."""

    def put(self, item: InputObject, mark: Mark) -> None:
        """It has come so far."""

    def clear(self, items: Iterable[InputObject]) -> None:
        """The job has ended: nothing goes on."""


class StoredProgress:
    """Marks in the cloud's store."""

    def __init__(self, store: Store, region: str, job: str) -> None:
        self._store, self._region, self._job = store, region, job

    def get(self, item: InputObject) -> Mark | None:
        """The last mark of an object."""
        found = self._store.get(KIND, self._region, f"{self._job}/{item}")
        return None if found is None else Mark(**{**found, "parts": tuple(found["parts"])})

    def put(self, item: InputObject, mark: Mark) -> None:
        """It has come so far."""
        self._store.put(KIND, self._region, f"{self._job}/{item}", asdict(mark))

    def clear(self, items: Iterable[InputObject]) -> None:
        """The job has ended: nothing goes on."""
        for item in items:
            self._store.delete(KIND, self._region, f"{self._job}/{item}")
