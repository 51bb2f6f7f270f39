"""Manifest files, pure: those that name a job's objects, and those that batch data capture writes of what a job read and wrote.

Source: S3DataSource in the API reference; AWS Developer Guide, "Capture data from batch transform job", and AWS's samples of batch monitors.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence


class ManifestError(Exception):
    """An object that is no manifest."""


def manifest_keys(body: bytes) -> tuple[str, list[str]]:
    """The prefix URI and the names of a manifest file, `[{"prefix": "s3://b/p/"}, "a.csv", ...]`. Raises ManifestError."""
    try:
        head, *names = json.loads(body)
        prefix = head["prefix"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ManifestError(f"the manifest file is not a SageMaker manifest: {error!r}") from error
    return prefix, [name for name in names if isinstance(name, str)]


def capture_manifest(bucket: str, prefix: str, keys: Sequence[str]) -> bytes:
    """A manifest of objects below a prefix. One that is the prefix itself has an empty name.

    >>> capture_manifest("b", "out/", ["out/a.csv.out"])
    b'[{"prefix":"s3://b/out/"},"a.csv.out"]'
    """
    names = [key.removeprefix(prefix) for key in keys]
    return json.dumps(
        [{"prefix": f"s3://{bucket}/{prefix}"}, *names], separators=(",", ":"), ensure_ascii=False
    ).encode()


def capture_key(prefix: str, side: str, started: float, name: str) -> str:
    """Where the manifest of a `side` (input or output) of a job goes that started at that time (Unix seconds): by its hour in UTC."""
    parts = (prefix.strip("/"), side, time.strftime("%Y/%m/%d/%H", time.gmtime(started)), f"{name}.json")
    return "/".join(part for part in parts if part)
