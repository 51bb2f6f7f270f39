"""One run of a transform job: objects from S3, scored by the model's own servers, outputs to S3.

In: the request, and what starts a server; out: an output for each object, or a JobError that names the first object that failed.
The instances start and work at the same time, each on objects of its own, as SageMaker spreads them.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fogbank.cloud.ground.runner import Key, Runner
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.lines import InstanceDownError
from fogbank.cloud.jobs.at_once import at_once
from fogbank.cloud.jobs.direct import Direct
from fogbank.cloud.jobs.job import JobError
from fogbank.cloud.jobs.objects import ObjectError, Objects
from fogbank.cloud.jobs.progress import InputObject, Progress
from fogbank.cloud.jobs.scoring import Scorer, settings_of
from fogbank.cloud.jobs.shard import Seat, Shard
from fogbank.contracts.object_manifests import ManifestError, capture_key, capture_manifest, manifest_keys
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.aws import split_uri
from fogbank.transform.association import Associated, Association, associated
from fogbank.transform.records import output_key

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A run. `start` makes an instance (raises StartError), `direct` processes that score without HTTP, where those may; `key` is the
    job's, `log` takes lines of the data log.

    `progress` knows how far an earlier run came; `started` is the job's time, Unix seconds.
    """

    request: TransformRequest
    store: Objects
    start: Callable[[], Scorer]
    direct: Callable[[], Direct | None] = lambda: None
    runner: Runner
    key: Key
    progress: Progress
    started: float
    log: Callable[[str], None]

    def run(self, stop: threading.Event) -> None:
        """Transform every object. Raises JobError after all were tried, JobStoppedError soon after `stop` is set."""
        objects = input_objects(self.request, self.store)
        count = min(self.request.resources.instance_count, len(objects))
        seats = [Seat(self.start, stop, self.direct) for _ in range(count)]
        try:
            self._at_once("start", [seat.begin for seat in seats], seats, stop)
            settings = settings_of(self.request, seats[0].parameters())
            self.log(f"[sagemaker logs]: {settings}")
            shards = [
                Shard(
                    request=self.request, settings=settings, associated=self._associated(), store=self.store,
                    objects=objects[i::count], seat=seat, progress=self.progress, stop=stop, log=self.log,
                )
                for i, seat in enumerate(seats)
            ]  # fmt: skip
            parts = self._at_once("work", [shard.run for shard in shards], seats, stop)
        except (StartError, InstanceDownError) as error:
            raise JobError(f"AlgorithmError: {error}") from error
        finally:
            for seat in seats:
                seat.close()
        failures = {item: reason for part in parts for item, reason in part.items()}
        if failures:
            first = next(item for item in objects if item in failures)
            raise JobError(f"{failures[first].blame}: {first}: {failures[first].reason}")
        self._capture(objects)

    def forget(self) -> None:
        """The job has ended: what of outputs is S3's and no object goes, and nobody goes on."""
        try:
            objects = input_objects(self.request, self.store)
        except JobError:
            return
        for item in objects:
            mark = self.progress.get(item)
            if mark is not None and mark.upload and not mark.done:
                with contextlib.suppress(ObjectError):
                    self.store.upload(*self._place(item), (mark.upload, mark.parts)).abort()
        self.progress.clear(objects)

    def _place(self, item: InputObject) -> tuple[str, str]:
        """Bucket and key of an object's output."""
        bucket, prefix = split_uri(self.request.target.uri)
        return bucket, output_key(item.prefix, item.key, prefix)

    def _associated(self) -> Associated:
        """What is done to records; with GenerateInferenceId each gets an id, and the job's time."""
        time_of = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started))
        stamped = self.request.capture is not None and bool(self.request.capture.generate_inference_id)
        stamp = (lambda: (str(uuid.uuid4()), time_of)) if stamped else None
        source, target = self.request.source, self.request.target
        media = (target.accept or source.content_type or "").partition(";")[0].strip().lower()
        lines = source.split_type == "Line" or target.assemble_with == "Line"
        return associated(Association.of(self.request.processing, stamp), media, lines=lines)

    def _capture(self, objects: Sequence[InputObject]) -> None:
        """Manifests of what was read and written, where batch data capture wants them. Raises JobError."""
        if self.request.capture is None:
            return
        first, name = objects[0], uuid.uuid4().hex
        bucket, prefix = split_uri(self.request.capture.uri)
        places = [self._place(item) for item in objects]
        folder = split_uri(self.request.target.uri)[1].rstrip("/")
        read = capture_manifest(first.bucket, first.prefix, [item.key for item in objects])
        written = capture_manifest(places[0][0], f"{folder}/" if folder else "", [key for _, key in places])
        try:
            for side, manifest in (("input", read), ("output", written)):
                self.store.put(bucket, capture_key(prefix, side, self.started, name), manifest)
        except ObjectError as error:
            raise JobError(f"ClientError: the manifests of data capture cannot be written: {error}") from error

    def _at_once(
        self, name: str, works: Sequence[Callable[[], T]], seats: Sequence[Seat], stop: threading.Event
    ) -> list[T]:
        """What all of `works` give, done at the same time; a stop closes the seats, which ends what waits for them."""

        def tend(_: bool) -> None:
            if stop.is_set():
                for seat in seats:
                    seat.close()

        return at_once(self.runner, (*self.key, name), works, stop, tend)


def input_objects(request: TransformRequest, objects: Objects) -> list[InputObject]:
    """Every object that a job reads. Raises JobError."""
    uri = request.source.uri
    try:
        bucket, prefix = split_uri(uri)
        if request.source.data_type == "ManifestFile":
            prefix_uri, names = manifest_keys(objects.get(bucket, prefix))
            bucket, prefix = split_uri(prefix_uri)
            keys = [prefix + name for name in names]
        else:
            keys = [key for key in objects.list(bucket, prefix) if not key.endswith("/")]
    except (ObjectError, ManifestError, ValueError) as error:
        raise JobError(f"ClientError: {uri} cannot be read: {error}") from error
    if not keys:
        raise JobError(f"ClientError: no object lies under {uri}; there is nothing to transform")
    return [InputObject(bucket=bucket, key=key, prefix=prefix) for key in keys]
