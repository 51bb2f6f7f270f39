"""The part of a transform job that one instance does: its objects, one after another, each into its output.

In: objects and an instance; out: an output for each object, in one piece when all of it is there, or the reason why there is none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.cloud.jobs.objects import ObjectError, Objects
from fogbank.cloud.jobs.records import RecordError, assemble, batches, decompress, output_key, split
from fogbank.cloud.jobs.scoring import Scorer, Settings, headers_of
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.aws import split_uri

LONGEST_QUOTE = 500
PAUSE_S = 0.1
"""Before a server that broke a connection is asked again: its supervisor may be about to replace a worker."""


@dataclass(frozen=True, kw_only=True)
class InputObject:
    """An object to transform; the name of its output is relative to `prefix`."""

    bucket: str
    key: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}"


class Seat:
    """One instance's place in the job. An instance that died is replaced by another."""

    def __init__(self, start: Callable[[], Scorer], stop: threading.Event) -> None:
        self._start, self._stop = start, stop
        self._scorer: Scorer | None = None

    def open(self) -> None:
        """Start an instance in place of the one that is there, if any. Raises StartError, JobStoppedError."""
        self.close()
        if self._stop.is_set():
            raise JobStoppedError
        self._scorer = self._start()

    def revive(self) -> None:
        """Open it again where its instance is not there any more. Raises StartError, JobStoppedError."""
        if self._scorer is None or not self._scorer.alive():
            self.open()

    def scorer(self) -> Scorer:
        """The instance. Raises JobStoppedError where it was ended."""
        if self._scorer is None:
            raise JobStoppedError
        return self._scorer

    def close(self) -> None:
        """End the instance, if there is one."""
        scorer, self._scorer = self._scorer, None
        if scorer is not None:
            scorer.close()


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The objects of one instance; `log` takes lines of the data log."""

    request: TransformRequest
    settings: Settings
    store: Objects
    objects: Sequence[InputObject]
    seat: Seat
    stop: threading.Event
    log: Callable[[str], None]

    def run(self) -> dict[InputObject, str]:
        """Transform them one after another; returns why objects failed, which keeps no other. Raises StartError, JobStoppedError."""
        failures = {}
        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            for item in self.objects:
                try:
                    self._transform(item, pool)
                except (JobError, RecordError, ObjectError) as error:
                    self.log(f"{item}: {error}")
                    failures[item] = str(error)
        return failures

    def _transform(self, item: InputObject, pool: Executor) -> None:
        source, target = self.request.source, self.request.target
        body = decompress(self.store.get(item.bucket, item.key), source.compression or "None")
        replies = self._replies(body, pool)
        if self.stop.is_set():
            raise JobStoppedError
        bucket, prefix = split_uri(target.uri)
        output = assemble(replies, target.assemble_with or "None")
        self.store.put(bucket, output_key(item.prefix, item.key, prefix), output)

    def _replies(self, body: bytes, pool: Executor) -> list[bytes]:
        """The answers to an object's requests; after the death of the instance all of them are asked again, of another."""
        settings, problem = self.settings, ""
        for _ in range(settings.retries + 1):
            self.seat.revive()
            records = split(body, self.request.source.split_type or "None")
            requests = batches(records, settings.strategy, settings.payload_limit)
            try:
                if settings.concurrency == 1:
                    return [self._post(request) for request in requests]
                return list(in_order(pool, self._post, requests, 2 * settings.concurrency))
            except InstanceDownError as error:
                problem = f"the instance died: {error}"
        raise JobError(problem)

    def _post(self, body: bytes) -> bytes:
        """One answer. Raises JobError, InstanceDownError where the instance is not there any more."""
        headers, problem = headers_of(self.request), ""
        for _ in range(self.settings.retries + 1):
            scorer = self.seat.scorer()
            if self.stop.is_set():
                raise JobStoppedError
            try:
                reply = scorer.invoke(body, headers, self.settings.timeout_s)
            except InstanceTimeoutError as error:
                problem = str(error)
                continue
            except InstanceDownError as error:
                if self.stop.wait(PAUSE_S):
                    raise JobStoppedError from error
                if not scorer.alive():
                    raise
                problem = str(error)
                continue
            if reply.status == 200:
                return reply.data
            problem = f"{reply.status}: {reply.data.decode(errors='replace')[:LONGEST_QUOTE]}"
            if reply.status < 500:
                break
        raise JobError(problem)


def in_order(pool: Executor, work: Callable[[bytes], bytes], items: Iterable[bytes], ahead: int) -> Iterator[bytes]:
    """What `work` makes of each item, in the items' order; at most `ahead` are under way."""
    waiting: deque[Future[bytes]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
