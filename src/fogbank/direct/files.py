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
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from fogbank.contracts.container import MEBIBYTE
from fogbank.contracts.errors import DataError
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.scorer import DEFAULT_PAYLOAD_MB, Packed, Scorer, failed, loaded
from fogbank.ground.machine import keep_freed_memory
from fogbank.ground.places import read_at
from fogbank.transform.records import MiniBatch, RecordError, decompressed, lines_in, mini_batches, newlines, places

CHUNK = 1 << 20
WAITING = 4
"""Outputs that may wait for each worker, and for the one before them."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A mini-batch by its place: `size` bytes from `start` on, which are records from `first` on; 0 where they were not counted. `body` where
    the file is compressed."""

    start: int
    size: int
    first: int = 0
    count: int = 0
    body: bytes | None = None


@dataclass(frozen=True)
class LaidFile:
    """A file's bytes."""

    file: Path

    @cached_property
    def size(self) -> int:
        """How many it has."""
        return self.file.stat().st_size

    def read(self, start: int, size: int) -> bytes:
        """Some of them. Raises OSError where there are not so many."""
        with self.file.open("rb", buffering=0) as source:
            return read_at(source.fileno(), start, size)


@dataclass(frozen=True, kw_only=True)
class Work:
    """A package's job over a file, as it is sent to workers."""

    package: Packed
    request: str
    file: str

    def __call__(self, task: Task) -> bytes:
        """What a job writes of a mini-batch. Raises DataError."""
        laid = LaidFile(Path(self.file))
        body = laid.read(task.start, task.size) if task.body is None else task.body
        made, end = scorer(self), task.start + task.size
        try:
            return made(MiniBatch(body, task.first, task.count, end))
        except DataError:
            if task.first:
                raise
            return made(
                MiniBatch(body, 1 + newlines(laid, 0, task.start), lines_in(body), end)
            )  # which says the numbers


@lru_cache(maxsize=4)
def scorer(work: Work) -> Scorer:
    """A job's scorer, made once in a process. Raises DigestError, LoadError."""
    return Scorer(loaded(work.package), TransformRequest.from_json(work.request))


def tasks(file: Path, request: TransformRequest) -> Iterator[Task]:
    """The mini-batches of a file, in order. Raises DataError."""
    payload_mb = DEFAULT_PAYLOAD_MB if request.max_payload_mb is None else request.max_payload_mb
    source, compression = request.source, request.source.compression or "None"
    strategy = request.batch_strategy or "MultiRecord"
    split = source.split_type or "None"
    try:
        if (compression, split, strategy) == ("None", "Line", "MultiRecord"):
            for start, size in places(LaidFile(file), payload_mb * MEBIBYTE):
                yield Task(start=start, size=size)
            return
        parts = decompressed(_parts(file), compression)
        for batch in mini_batches(parts, split, strategy, payload_mb * MEBIBYTE):
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
        spawning.Pool(count, _begin, (folder,)) as pool,
    ):
        write(_in_order(pool.apply_async, work, tasks(Path(work.file), request), WAITING * count), target)


def _begin(folder: str) -> None:
    """What a worker unpacks goes with its parent's folder: a pool ends its workers without a word."""
    tempfile.tempdir = folder
    keep_freed_memory()


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
