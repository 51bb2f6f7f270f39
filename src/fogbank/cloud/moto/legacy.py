"""Objects of a state in which moto still kept them: read from moto's memory after its journal was played back, once.

In: moto's buckets; out: versions, oldest first, as plain words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from fogbank.ground.aws import LOCAL_ACCOUNT

CONTENT = frozenset(
    {"cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"}
)


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """One version or marker; `body` is None for a marker."""

    bucket: str
    key: str
    version: str
    modified: float
    body: bytes | None = None
    etag: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RememberedUpload:
    """An upload that was under way, with its parts by number."""

    id: str
    bucket: str
    key: str
    parts: dict[int, bytes]
    metadata: dict[str, str]


def remembered() -> Iterator[Remembered]:
    """Every version that moto has."""
    from moto.s3.models import FakeDeleteMarker, s3_backends

    backend = s3_backends[LOCAL_ACCOUNT]["aws"]
    for bucket in backend.buckets.values():
        for name, versions in bucket.keys.lists():
            for version in versions:
                modified = version.last_modified.replace(tzinfo=UTC).timestamp()
                common = {"bucket": bucket.name, "key": name, "version": version.version_id, "modified": modified}
                if isinstance(version, FakeDeleteMarker):
                    yield Remembered(**common)
                else:
                    tags = backend.tagger.get_tag_dict_for_resource(version.arn)
                    yield Remembered(**common, body=version.value, etag=version.etag, facts=_facts(version, tags))


def uploads() -> Iterator[RememberedUpload]:
    """Every upload that moto has."""
    from moto.s3.models import s3_backends

    for bucket in s3_backends[LOCAL_ACCOUNT]["aws"].buckets.values():
        for upload in bucket.multiparts.values():
            yield RememberedUpload(
                id=upload.id,
                bucket=bucket.name,
                key=upload.key_name,
                parts={number: part.value for number, part in upload.parts.items()},
                metadata={name.lower(): str(value) for name, value in dict(upload.metadata).items()},
            )


def _facts(version: Any, tags: dict[str, str]) -> dict[str, Any]:
    metadata = {name.lower(): str(value) for name, value in version.metadata.items()}
    content = {name: value for name, value in metadata.items() if name in CONTENT}
    own = {name.removeprefix("x-amz-meta-"): value for name, value in metadata.items() if name not in CONTENT}
    facts: dict[str, Any] = {"content": content, "metadata": own, "storage": version.storage_class, "tags": tags}
    if version.encryption:
        facts["encryption"] = {"SSEAlgorithm": version.encryption}
    if version.lock_mode and version.lock_until:
        facts["retention"] = {"Mode": version.lock_mode, "RetainUntilDate": version.lock_until}
    if version.lock_legal_status:
        facts["hold"] = version.lock_legal_status
    if version.checksum_algorithm and version.checksum_value:
        facts["checksums"] = {version.checksum_algorithm.upper(): version.checksum_value}
    return {name: value for name, value in facts.items() if value}
