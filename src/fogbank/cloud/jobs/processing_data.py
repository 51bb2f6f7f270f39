"""What a processing job's hosts find below /opt/ml, and what of it goes to S3.

In: the job's inputs and outputs; out: files in the folder of each host, which is given all objects of an input or its own share, and
objects. Source: the SageMaker API reference, ProcessingS3Input (S3DataDistributionType) and ProcessingS3Output.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fogbank.cloud.ground.runner import Key, Runner
from fogbank.cloud.jobs.commands import ROOT
from fogbank.cloud.jobs.job import JobError
from fogbank.cloud.jobs.objects import ObjectError, Objects, put_file
from fogbank.contracts.object_manifests import ManifestError, manifest_keys
from fogbank.contracts.processing import SHARDED, ProcessingInput, ProcessingOutput
from fogbank.ground.aws import join_key, split_uri
from fogbank.ground.folders import file_below
from fogbank.ground.paths import EscapeError, inside

CONTINUOUS_S = 1.0
"""How often outputs that are uploaded while their container runs are looked through."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a host is given of an input: objects of a bucket, each with its place below the input's LocalPath."""

    item: ProcessingInput
    bucket: str
    names: Sequence[tuple[str, str]]


class ProcessingData:
    """Moves the data of processing jobs."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def shares(self, inputs: Sequence[ProcessingInput], hosts: int) -> list[list[Given]]:
        """What each of so many hosts is given. All of an input, or of one that is ShardedByS3Key every so many-th object: the next of
        such inputs goes on where the last one ended, so that inputs of one object each are spread too. Raises JobError.
        """
        shares: list[list[Given]] = [[] for _ in range(hosts)]
        begun = 0
        for item in inputs:
            whole = self._given(item)
            for number, share in enumerate(shares):
                first = (number - begun) % hosts
                share.append(replace(whole, names=whole.names[first::hosts]) if item.distribution == SHARDED else whole)
            begun += len(whole.names) if item.distribution == SHARDED else 0
        return shares

    def download(self, given: Given, home: Path) -> None:
        """An input's objects, below a host's folder; one without any is an empty folder. Raises JobError."""
        target = below(home, given.item.local_path or "")
        target.mkdir(parents=True, exist_ok=True)
        try:
            for key, name in given.names:
                file = placed(target, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                self._objects.download(given.bucket, key, file)
        except ObjectError as error:
            raise _unreachable(given.item, error) from error

    def upload(self, home: Path, folder: Path, uri: str, only: Collection[Path] | None = None) -> list[str]:
        """What lies in a folder of a host's, or those files of it; the keys. The host's program makes what it likes in there: a link that
        leads out of `home` is no output. Raises JobError."""
        keys = []
        try:
            bucket, prefix = split_uri(uri)
            for path in sorted(_files(home, folder) if only is None else only):
                keys.append(join_key(prefix, str(path.relative_to(folder))))
                with file_below(home, path) as file:
                    put_file(self._objects, bucket, keys[-1], file)
        except EscapeError as error:
            raise JobError(no_output(error)) from error
        except (ObjectError, ValueError) as error:
            raise JobError(f"ClientError: outputs cannot be written to {uri}: {error}") from error
        return keys

    def _given(self, item: ProcessingInput) -> Given:
        """All of an input. Raises JobError."""
        try:
            bucket, names = self._names(item)
        except (ObjectError, ManifestError, ValueError) as error:
            raise _unreachable(item, error) from error
        if not names:
            raise JobError(f"ClientError: no object lies under {item.uri}")
        return Given(item=item, bucket=bucket, names=names)

    def _names(self, item: ProcessingInput) -> tuple[str, list[tuple[str, str]]]:
        """The bucket, and (key, path below the input's folder) of what an input names."""
        bucket, prefix = split_uri(item.uri or "")
        if item.data_type == "ManifestFile":
            prefix_uri, names = manifest_keys(self._objects.get(bucket, prefix))
            bucket, prefix = split_uri(prefix_uri)
            return bucket, [(prefix + name, name or prefix.rpartition("/")[2]) for name in names]
        folder = prefix[: prefix.rfind("/") + 1]
        keys = [key for key in self._objects.list(bucket, prefix) if not key.endswith("/")]
        return bucket, [(key, key[len(folder if key == prefix else prefix) :].lstrip("/")) for key in keys]


@dataclass
class Continuous:
    """Outputs with S3UploadMode Continuous: their files go while the container runs, whenever they have changed. One that
    cannot go is tried again, and keeps no other from it; at the end it is told."""

    upload: Callable[[Path, Path, str, Collection[Path] | None], object]
    outputs: Sequence[ProcessingOutput]
    home: Path

    @contextmanager
    def running(self, runner: Runner, key: Key) -> Iterator[None]:
        """Meanwhile they go; at the end once more, however that was. Raises JobError for one that cannot."""
        outputs = [item for item in self.outputs if item.upload_mode == "Continuous"]
        folders = [(below(self.home, item.local_path or ""), item.uri or "") for item in outputs]
        ended, seen = threading.Event(), dict[Path, tuple[int, int]]()

        def work(_: threading.Event) -> None:
            while not ended.wait(CONTINUOUS_S):
                for folder, uri in folders:
                    self._changed(folder, uri, seen)  # what could not go is told at the end

        if not folders:
            yield
            return
        task = runner.submit(key, work)
        try:
            yield
        finally:
            ended.set()
            task.ended.wait()
            problems = [self._changed(folder, uri, seen) for folder, uri in folders]
            for problem in filter(None, problems):
                raise problem

    def _changed(self, folder: Path, uri: str, seen: dict[Path, tuple[int, int]]) -> JobError | None:
        """Upload what has changed since it was `seen`; why the first of those that cannot go does not."""
        problem = None
        try:
            with suppress(OSError):  # a folder that the container takes away meanwhile
                for path in sorted(_files(self.home, folder)):
                    try:
                        self._changed_file(folder, uri, path, seen)
                    except JobError as error:
                        problem = problem or error
        except EscapeError as error:
            problem = JobError(no_output(error))
        return problem

    def _changed_file(self, folder: Path, uri: str, path: Path, seen: dict[Path, tuple[int, int]]) -> None:
        """Raises JobError."""
        with suppress(OSError):  # the container may take it away meanwhile
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if seen.get(path) != stamp:
                self.upload(self.home, folder, uri, [path])
                seen[path] = stamp


def below(home: Path, path: str) -> Path:
    """A path under /opt/ml as a host's own folder has it. Raises JobError for one that leaves it."""
    if not path.startswith(ROOT + "/"):
        raise JobError(f"ClientError: LocalPath {path} does not lie under {ROOT}/")
    return placed(home, path.removeprefix(ROOT + "/"))


def _files(home: Path, folder: Path) -> list[Path]:
    """What lies in a folder of a host's. Raises EscapeError where it is a link out of the host's by now, before anything there is looked at."""
    if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(home)):
        raise EscapeError(f"{folder.name!r} is a link that leads out of its folder")
    return [path for path in folder.rglob("*") if path.is_file()]


def placed(folder: Path, name: str) -> Path:
    """A path below a folder. Raises JobError where the name would leave it: keys may hold anything."""
    try:
        return inside(folder, name)
    except EscapeError as error:
        raise JobError(f"ClientError: {name!r} would be written outside of the job's folder") from error


def no_output(error: EscapeError) -> str:
    """The FailureReason of a job one of whose outputs is a link that leads out of its home."""
    return f"AlgorithmError: an output is none: below {ROOT}, {error}: write a copy there, not a link"


def _unreachable(item: ProcessingInput, error: Exception) -> JobError:
    return JobError(f"ClientError: {item.uri} cannot be downloaded: {error}")
