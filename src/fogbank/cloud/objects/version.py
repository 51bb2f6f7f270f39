"""One version of one object, and one part of an upload, as rows of the index. Words only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

NULL = "null"
"""The id of the one version of an object in a bucket that keeps none."""
Pieces = Sequence[tuple[str, int]]
"""The files of a body, (name, size), in order."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version or, with `marker`, a delete marker. `facts` is everything that a client said of it and reads back."""

    bucket: str
    key: str
    id: str
    modified: float
    seq: int = 0
    latest: bool = True
    marker: bool = False
    size: int = 0
    etag: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Version:
        """From a row in the order of COLUMNS."""
        seq, bucket, key, name, latest, marker, modified, size, etag, facts = row
        return cls(
            seq=seq,
            bucket=bucket,
            key=key,
            id=name,
            latest=bool(latest),
            marker=bool(marker),
            modified=modified,
            size=size,
            etag=etag,
            facts=orjson.loads(facts),
        )

    def fact(self, name: str, default: Any = None) -> Any:
        """One of the facts."""
        return self.facts.get(name, default)


COLUMNS = "seq, bucket, key, version, latest, marker, modified, size, etag, facts"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an upload."""

    seq: int
    number: int
    modified: float
    size: int
    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    id: str
    bucket: str
    key: str
    started: float
    facts: Mapping[str, Any]
