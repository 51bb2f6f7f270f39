"""The part of a transform job that one instance does: its objects, one after another, each into its output.

In: objects and an instance; out: an output for each object, in one piece when all of it is there, or the reason why there is none. What
lies in memory is a mini-batch for each request that is under way, and a part of the output. Where processes score without HTTP, the
instance is asked only for what is not a plain success.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError
from fogbank.cloud.jobs.direct import Direct
from fogbank.cloud.jobs.job import JobStoppedError
from fogbank.cloud.jobs.objects import LaidObject, ObjectError, Objects, Source, Upload
from fogbank.cloud.jobs.problems import ALGORITHM, CLIENT, LONGEST_QUOTE, PAUSE_S, ObjectFailedError
from fogbank.cloud.jobs.progress import InputObject, Mark, Progress
from fogbank.cloud.jobs.scoring import Parameters, Scorer, Settings, headers_of
from fogbank.cloud.jobs.streamed import Streamed, is_streamed
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.aws import split_uri
from fogbank.transform.association import Associated, AssociationError
from fogbank.transform.records import (
    SINGLE,
    MiniBatch,
    RecordError,
    assembled,
    decompressed,
    lines_in,
    mini_batches,
    newlines,
    output_key,
    places,
    without,
)

Written = tuple[bytes, int, int]
"""What is written of a mini-batch, the byte of the object that it ends at, and how many records there are up to there."""
T = TypeVar("T")
R = TypeVar("R")


class Seat:
    """One instance's place in the job. An instance that died is replaced by another; where `direct` gives processes that score without
    HTTP there is none before it is asked for."""

    def __init__(
        self, start: Callable[[], Scorer], stop: threading.Event, direct: Callable[[], Direct | None] = lambda: None
    ) -> None:
        self._start, self._stop, self._begin = start, stop, direct
        self._scorer: Scorer | None = None
        self.direct: Direct | None = None
        self._opening = threading.Lock()
        self.turn = threading.Lock()

    def begin(self) -> None:
        """Start what scores: processes without HTTP, or else an instance. Raises StartError, JobStoppedError."""
        if self._stop.is_set():
            raise JobStoppedError
        self.direct = self._begin()
        if self.direct is None:
            self.open()

    def parameters(self) -> Parameters:
        """What says the model's /execution-parameters."""
        return self.direct or self.scorer()

    def open(self) -> None:
        """Start an instance in place of the one that is there, if any. Raises StartError, JobStoppedError."""
        self._leave()
        if self._stop.is_set():
            raise JobStoppedError
        self._scorer = self._start()

    def scorer(self) -> Scorer:
        """The instance, or another where it is not there any more. Raises StartError, JobStoppedError."""
        with self._opening:
            if self._scorer is None or not self._scorer.alive():
                self.open()
            scorer = self._scorer
        if scorer is None:
            raise JobStoppedError
        return scorer

    def close(self) -> None:
        """End what is there."""
        self._leave()
        direct, self.direct = self.direct, None
        if direct is not None:
            direct.close()

    def _leave(self) -> None:
        """End the instance, if there is one."""
        scorer, self._scorer = self._scorer, None
        if scorer is not None:
            scorer.close()


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The objects of one instance; `log` takes lines of the data log."""

    request: TransformRequest
    settings: Settings
    associated: Associated
    store: Objects
    objects: Sequence[InputObject]
    seat: Seat
    progress: Progress
    stop: threading.Event
    log: Callable[[str], None]

    def run(self) -> dict[InputObject, ObjectFailedError]:
        """Transform them one after another; returns why objects failed, which keeps no other. Raises StartError, JobStoppedError."""
        failures = {}
        direct = self.seat.direct
        with ThreadPoolExecutor(direct.workers if direct else self.settings.concurrency) as pool:
            for item in self.objects:
                try:
                    self._transform(item, pool)
                except ObjectFailedError as error:
                    failures[item] = error
                    for line in error.lines():
                        self.log(f"[sagemaker logs]: {item}: {line}")
        return failures

    def _transform(self, item: InputObject, pool: Executor) -> None:
        mark = self.progress.get(item)
        if mark is not None and mark.done:
            return
        try:
            source, upload, mark = self._opened(item, mark)
            try:
                if is_streamed(self.request, self.settings, self.associated):
                    self._stream(item, source)
                else:
                    self._score(item, source, upload, mark, pool)
            except BaseException as error:
                if not isinstance(error, JobStoppedError):  # which may go on
                    upload.abort()
                raise
            finally:
                source.close()
        except (RecordError, ObjectError) as error:
            raise ObjectFailedError(CLIENT, str(error)) from error
        self.progress.put(item, replace(mark, done=True))

    def _opened(self, item: InputObject, mark: Mark | None) -> tuple[Source, Upload, Mark]:
        """The input from where its mark is, and what its output goes on with; from the beginning where S3 has not both any more."""
        bucket, key = self._target(item)
        if mark is not None:
            try:
                upload = self.store.upload(bucket, key, (mark.upload, mark.parts))
                last = 0 if self._compressed else mark.offset - 1  # a range must not begin at the end
                source = self.store.read(item.bucket, item.key, last)
                if source.etag == mark.etag:
                    return replace(source, parts=without(self._plain(source), mark.offset - last)), upload, mark
                upload.abort()
            except ObjectError:
                pass  # whatever it is, it comes again below, or was about the mark
        source = self.store.read(item.bucket, item.key)
        return replace(source, parts=self._plain(source)), self.store.upload(bucket, key), Mark(etag=source.etag)

    def _target(self, item: InputObject) -> tuple[str, str]:
        """The bucket and the key of its output."""
        bucket, prefix = split_uri(self.request.target.uri)
        return bucket, output_key(item.prefix, item.key, prefix)

    @property
    def _compressed(self) -> bool:
        return (self.request.source.compression or "None") != "None"

    def _plain(self, source: Source) -> Iterator[bytes]:
        return decompressed(source.parts, self.request.source.compression or "None")

    def _stream(self, item: InputObject, source: Source) -> None:
        """All of the object as one request."""
        opened = iter([source.parts])

        def parts() -> Iterator[bytes]:
            """From the beginning; what is open is read first."""
            begun = next(opened, None)
            if begun is not None:
                return begun
            again = self.store.read(item.bucket, item.key)
            if again.etag != source.etag:
                again.close()
                raise ObjectError("the object was written anew while it was read")
            return self._plain(again)

        Streamed(
            request=self.request, settings=self.settings, associated=self.associated, parts=parts,
            scorer=self.seat.scorer, upload=lambda: self.store.upload(*self._target(item)), stop=self.stop,
        ).write()  # fmt: skip

    def _score(self, item: InputObject, source: Source, upload: Upload, mark: Mark, pool: Executor) -> None:
        direct, laid = self.seat.direct, source.laid
        written = (
            self._as_it_comes(source, mark, pool)
            if direct is None or laid is None or not self._in_places
            else self._as_it_lies(laid, direct, mark, pool)
        )
        for output, end, records in written:
            if self.stop.is_set():
                raise JobStoppedError
            if upload.write(output):
                identifier, parts = upload.state()
                mark = replace(mark, offset=end, records=records, upload=identifier, parts=tuple(parts))
                self.progress.put(item, mark)
        if self.stop.is_set():
            raise JobStoppedError
        upload.finish()

    def _as_it_comes(self, source: Source, mark: Mark, pool: Executor) -> Iterator[Written]:
        """Behind the mark, of bytes that are read here. Raises RecordError, ObjectFailedError, StartError."""
        batches = mini_batches(
            source.parts, self.request.source.split_type or "None", self.settings.strategy, self.settings.payload_limit,
            at=mark.offset, first=mark.records + 1,
        )  # fmt: skip
        for batch, output in in_order(pool, self._output, batches, self._ahead()):
            yield output, batch.end, batch.first + batch.count - 1

    @property
    def _in_places(self) -> bool:
        """Whether mini-batches are found by their ends alone."""
        lines = self.request.source.split_type == "Line" and self.settings.strategy != SINGLE
        return lines and not self._compressed

    def _as_it_lies(self, laid: LaidObject, direct: Direct, mark: Mark, pool: Executor) -> Iterator[Written]:
        """Behind the mark, of bytes that only the processes read. Raises RecordError, ObjectFailedError, StartError."""

        def work(place: tuple[int, int]) -> tuple[bytes, int]:
            start, size = place
            if self.stop.is_set():
                raise JobStoppedError
            made = direct.output_of(laid.at(start, size), self.settings.timeout_s)
            if made is not None:
                return made
            body = laid.read(start, size)
            batch = MiniBatch(body, 1, lines_in(body), start + size)
            try:
                with self.seat.turn:  # there are more threads than MaxConcurrentTransforms
                    return self._by_server(batch), batch.count
            except ObjectFailedError as error:  # it alone says numbers: to count them all before it is read once more
                raise error.behind(mark.records + newlines(laid, mark.offset, start)) from error

        records = mark.records
        found = places(laid, self.settings.payload_limit, at=mark.offset, first=mark.records + 1)
        try:
            for (start, size), (output, count) in in_order(pool, work, found, self._ahead()):
                records += count
                yield output, start + size, records
        except OSError as error:
            raise ObjectError(f"the object cannot be read to its end: {error}") from error

    def _asked(self, batch: MiniBatch) -> bytes | None:
        """What the model gets of a mini-batch; None where it holds no record. Raises ObjectFailedError."""
        with _named(batch):
            body = self.associated.request(batch.body)
        if self.settings.payload_limit and len(body) > self.settings.payload_limit:
            raise ObjectFailedError(
                CLIENT, "what InputFilter makes of it has more bytes than MaxPayloadInMB allows", where=batch
            )
        return body if body or not batch.body else None

    def _ahead(self) -> int:
        """How many mini-batches are under way or wait to be written. One is enough where a server answers, which is slower than that."""
        direct = self.seat.direct
        return 2 * direct.workers + 1 if direct else self.settings.concurrency + 1

    def _output(self, batch: MiniBatch) -> bytes:
        """What is written of a mini-batch. Raises ObjectFailedError, StartError."""
        direct = self.seat.direct
        if direct is None:
            return self._by_server(batch)
        output = direct.output(batch.body, self.settings.timeout_s)
        if output is not None:
            return output
        with self.seat.turn:  # there are more threads than MaxConcurrentTransforms
            return self._by_server(batch)

    def _by_server(self, batch: MiniBatch) -> bytes:
        """As `_output`, over HTTP."""
        body = self._asked(batch)
        if body is None:
            return b""
        reply = self._post(batch, body)
        with _named(batch):
            output = self.associated.output(batch.body, reply)
        return assembled(output, self.request.target.assemble_with or "None")

    def _post(self, batch: MiniBatch, body: bytes) -> bytes:
        """The model's answer. An instance that died is replaced, as often as a request is tried. Raises ObjectFailedError, StartError."""
        headers, problem = headers_of(self.request), ObjectFailedError(ALGORITHM, "")
        for _ in range(self.settings.retries + 1):
            scorer = self.seat.scorer()
            if self.stop.is_set():
                raise JobStoppedError
            try:
                reply = scorer.invoke(body, headers, self.settings.timeout_s)
            except InstanceTimeoutError as error:
                problem = ObjectFailedError(ALGORITHM, str(error), where=batch)
                continue
            except InstanceDownError as error:
                if self.stop.wait(PAUSE_S):
                    raise JobStoppedError from error
                died = "" if scorer.alive() else "the instance died: "
                problem = ObjectFailedError(ALGORITHM, f"{died}{error}", where=batch)
                continue
            if reply.status == 200:
                return reply.data
            blame, message = ALGORITHM if reply.status >= 500 else CLIENT, reply.data.decode(errors="replace")
            problem = ObjectFailedError(blame, str(reply.status), message[:LONGEST_QUOTE], batch)
            if blame == CLIENT:
                break
        raise problem


@contextmanager
def _named(batch: MiniBatch) -> Iterator[None]:
    """Errors of records get the number of the record in its object."""
    try:
        yield
    except AssociationError as error:
        where = batch
        if error.record is not None and batch.count > 1:
            lines = enumerate(batch.body.split(b"\n"), batch.first)
            numbers = [number for number, line in lines if line.strip()]  # an empty line is no record
            if error.record < len(numbers):
                where = replace(batch, first=numbers[error.record], count=1)
        raise ObjectFailedError(CLIENT, str(error), where=where) from error


def in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[tuple[T, R]]:
    """Each item with what `work` makes of it, in the items' order; at most `ahead` are under way or wait."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) >= ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
