"""A file cut into the mini-batches that a transform job would make of it, scored anywhere, put together again in order.

In: a file that every worker can read; out: the job's output beside it, whole or not there. What flows between processes is places in the
file and outputs, so memory is a few mini-batches, whatever the file's size.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fogbank.contracts.container import MEBIBYTE
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.scorer import DEFAULT_PAYLOAD_MB, Packed, Scorer, failed, loaded
from fogbank.transform.records import MiniBatch, RecordError, decompressed, mini_batches

CHUNK = 1 << 20
WAITING = 4
"""Outputs that may wait for each worker, and for the one before them."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A mini-batch by its place: `size` bytes from `start` on, which are records from `first` on. `body` where the file is compressed."""

    start: int
    size: int
    first: int
    count: int
    body: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Work:
    """A package's job over a file, as it is sent to workers."""

    package: Packed
    request: str
    file: str

    def __call__(self, task: Task) -> bytes:
        """What a job writes of a mini-batch. Raises DataError."""
        body = task.body
        if body is None:
            with Path(self.file).open("rb") as source:
                source.seek(task.start)
                body = source.read(task.size)
        return scorer(self)(MiniBatch(body, task.first, task.count, task.start + task.size))


@lru_cache(maxsize=4)
def scorer(work: Work) -> Scorer:
    """A job's scorer, made once in a process. Raises DigestError, LoadError."""
    return Scorer(loaded(work.package), TransformRequest.from_json(work.request))


def tasks(file: Path, request: TransformRequest) -> Iterator[Task]:
    """The mini-batches of a file, in order. Raises DataError."""
    payload_mb = DEFAULT_PAYLOAD_MB if request.max_payload_mb is None else request.max_payload_mb
    source, compression = request.source, request.source.compression or "None"
    strategy = request.batch_strategy or "MultiRecord"
    try:
        parts = decompressed(_parts(file), compression)
        for batch in mini_batches(parts, source.split_type or "None", strategy, payload_mb * MEBIBYTE):
            size = len(batch.body)
            yield Task(
                start=batch.end - size,
                size=size,
                first=batch.first,
                count=batch.count,
                body=None if compression == "None" else batch.body,
            )
    except RecordError as error:
        raise failed(f"{file.name}: {error}") from error


def write(outputs: Iterable[bytes], target: Path) -> None:
    """The output, which appears when it is whole."""
    partial_file = target.with_name(target.name + ".part")
    try:
        with partial_file.open("wb") as out:
            for output in outputs:
                out.write(output)
        partial_file.replace(target)
    finally:
        partial_file.unlink(missing_ok=True)


def score(work: Work, target: Path, workers: int = 0) -> None:
    """The whole file on this machine, by as many processes as it has cores. Raises DataError, DigestError, LoadError."""
    request = TransformRequest.from_json(work.request)
    count = workers or len(os.sched_getaffinity(0))
    spawning = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="fogbank-direct-") as folder,
        spawning.Pool(count, _unpack_in, (folder,)) as pool,
    ):
        write(_in_order(pool.apply_async, work, tasks(Path(work.file), request), WAITING * count), target)


def _unpack_in(folder: str) -> None:
    """What a worker unpacks goes with its parent's folder: a pool ends its workers without a word."""
    tempfile.tempdir = folder


def _in_order(submit: Any, work: Work, todo: Iterator[Task], ahead: int) -> Iterator[bytes]:
    waiting: deque[Any] = deque()
    for task in todo:
        waiting.append(submit(work, (task,)))
        if len(waiting) >= ahead:
            yield waiting.popleft().get()
    while waiting:
        yield waiting.popleft().get()


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while part := source.read(CHUNK):
            yield part
