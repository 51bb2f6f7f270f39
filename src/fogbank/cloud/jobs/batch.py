"""One run of a transform job: objects from S3, scored by the model's own servers, outputs to S3.

In: the request, and what starts a server; out: an output for each object, or a JobError that names the first object that failed.
The instances start and work at the same time, each on objects of its own, as SageMaker spreads them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fogbank.cloud.ground.runner import Key, Runner, Work
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.lines import InstanceDownError
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.cloud.jobs.objects import ObjectError, Objects
from fogbank.cloud.jobs.records import RecordError, manifest_keys
from fogbank.cloud.jobs.scoring import Scorer, settings_of
from fogbank.cloud.jobs.shard import InputObject, Seat, Shard
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.aws import split_uri

LOOK_S = 0.1
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A run. `start` makes an instance (raises StartError), `key` is the job's, `log` takes lines of the data log."""

    request: TransformRequest
    store: Objects
    start: Callable[[], Scorer]
    runner: Runner
    key: Key
    log: Callable[[str], None]

    def run(self, stop: threading.Event) -> None:
        """Transform every object. Raises JobError after all were tried, JobStoppedError soon after `stop` is set."""
        objects = input_objects(self.request, self.store)
        count = min(self.request.resources.instance_count, len(objects))
        seats = [Seat(self.start, stop) for _ in range(count)]
        try:
            self._at_once("start", [seat.open for seat in seats], seats, stop)
            settings = settings_of(self.request, seats[0].scorer())
            self.log(f"[sagemaker logs]: {settings}")
            shards = [
                Shard(request=self.request, settings=settings, store=self.store, objects=objects[i::count], seat=seat, stop=stop, log=self.log)
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
            raise JobError("ClientError: " + next(f"{item}: {failures[item]}" for item in objects if item in failures))

    def _at_once(
        self, name: str, works: Sequence[Callable[[], T]], seats: Sequence[Seat], stop: threading.Event
    ) -> list[T]:
        """What all of `works` give, done at the same time; raises what the first of them raised, when all have ended."""
        results: dict[int, T] = {}
        errors: dict[int, Exception] = {}

        def work(number: int) -> Work:
            def run(_: threading.Event) -> None:
                try:
                    results[number] = works[number]()
                except Exception as error:  # noqa: BLE001 - raised again below, in the job's own thread
                    errors[number] = error

            return run

        tasks = [self.runner.submit((*self.key, name, str(i)), work(i)) for i in range(len(works))]
        for task in tasks:
            while not task.ended.wait(LOOK_S):
                if stop.is_set():
                    for seat in seats:
                        seat.close()
        if stop.is_set() or len(results) + len(errors) < len(works):  # a runner that is closed does nothing
            raise JobStoppedError
        if errors:
            raise errors[min(errors)]
        return [results[number] for number in range(len(works))]


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
    except (ObjectError, RecordError, ValueError) as error:
        raise JobError(f"ClientError: {uri} cannot be read: {error}") from error
    if not keys:
        raise JobError(f"ClientError: no object lies under {uri}; there is nothing to transform")
    return [InputObject(bucket=bucket, key=key, prefix=prefix) for key in keys]
