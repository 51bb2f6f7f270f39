"""Batch transform's arithmetic, pure: objects into records, records into requests, replies into one output object.

Source: CreateTransformJob in the API reference; AWS Developer Guide "Use Batch Transform"; the SageMaker SDK's local mode.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator

from fogbank.ground.aws import join_key


class RecordError(Exception):
    """An object that cannot be split as the job says."""


def decompress(body: bytes, compression: str) -> bytes:
    """The object's bytes; `Gzip` is undone before splitting. Raises RecordError."""
    if compression != "Gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(f"CompressionType is Gzip and the object is not gzip: {error}") from error


def split(body: bytes, split_type: str) -> Iterator[bytes]:
    """Records, each with its own newline. `None`: the whole object is one record. A final newline makes no record.

    A line ends at a newline and nowhere else: a carriage return alone is a part of its record.

    >>> list(split(b"1,2\\n3,4\\n", "Line"))
    [b'1,2\\n', b'3,4\\n']
    """
    return iter((body,)) if split_type == "None" else iter(io.BytesIO(body))


def batches(records: Iterable[bytes], strategy: str, limit: int) -> Iterator[bytes]:
    """Request bodies: one record each, or as many whole records as fit into `limit` bytes (0: no limit). Raises RecordError."""
    waiting: list[bytes] = []
    size = 0
    for number, record in enumerate(records, 1):
        if limit and len(record) > limit:
            raise RecordError(
                f"record {number} has {len(record)} bytes, more than MaxPayloadInMB allows ({limit} bytes)"
            )
        if waiting and (strategy == "SingleRecord" or (limit and size + len(record) > limit)):
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(record)
        size += len(record)
    if waiting:
        yield b"".join(waiting)


def assemble(replies: Iterable[bytes], assemble_with: str) -> bytes:
    """The output object: replies one after the other; with `Line`, each ends in exactly one newline.

    (AWS's pages say that a newline is added after each reply. A reply that has one already is not given a second.)
    """
    if assemble_with != "Line":
        return b"".join(replies)
    return b"".join(reply if reply.endswith(b"\n") else reply + b"\n" for reply in replies)


def output_key(prefix: str, key: str, output_prefix: str) -> str:
    """Where the reply to the object `key` goes: its path below the input prefix's folder, and `.out`.

    >>> output_key("in/", "in/a/b.csv", "out")
    'out/a/b.csv.out'
    """
    folder = prefix[: prefix.rfind("/") + 1]  # a prefix may end inside a name: `in/day-` matches `in/day-1.csv`
    below = key[len(folder) :]
    return join_key(output_prefix, below) + ".out"


def manifest_keys(body: bytes) -> tuple[str, list[str]]:
    """The prefix URI and the names of a manifest file, `[{"prefix": "s3://b/p/"}, "a.csv", ...]`. Raises RecordError."""
    try:
        head, *names = json.loads(body)
        prefix = head["prefix"]
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(f"the manifest file is not a SageMaker manifest: {error!r}") from error
    return prefix, [name for name in names if isinstance(name, str)]
