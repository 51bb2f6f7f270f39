"""Processing jobs: inputs from S3, a container over them, outputs to S3, its verdict in ExitMessage, its metrics to CloudWatch."""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record
from fogbank.cloud.ground.roles import NO_GRANT, Grants
from fogbank.cloud.ground.runner import Key, Runner
from fogbank.cloud.hosting.instance_sizes import memory_of
from fogbank.cloud.jobs.commands import ROOT
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, job_name_taken, unknown_job
from fogbank.cloud.jobs.objects import CHUNK, ObjectError, Objects
from fogbank.cloud.jobs.processor import ProcessingContainer, Processor, is_analyzer
from fogbank.contracts.object_manifests import ManifestError, manifest_keys
from fogbank.contracts.processing import ProcessingInput, ProcessingRequest
from fogbank.contracts.status import PROCESSING_JOB as TRANSITIONS
from fogbank.ground.aws import join_key, split_uri
from fogbank.ground.paths import EscapeError, inside

DEFAULT_LIMIT_S = 3600
METRICS_A_CALL = 500
CONTINUOUS_S = 1.0
"""How often outputs that are uploaded while their container runs are looked through."""
HOST = "algo-1"

PROCESSING_JOB = Kind(
    path="processing-job",
    stem="ProcessingJob",
    key="ProcessingJobName",
    arn="ProcessingJobArn",
    missing=unknown_job,
    taken=job_name_taken,
    listing=Listing(
        operation="ListProcessingJobs",
        answer="ProcessingJobSummaries",
        name="ProcessingJobName",
        status="ProcessingJobStatus",
        newest_first=False,
    ),
    status="ProcessingJobStatus",
    transitions=TRANSITIONS,
    deletable=False,
)
COURSE = Course(restart="fail", start="ProcessingStartTime", end="ProcessingEndTime")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Folders: what jobs work in, and what they print."""

    work: Path
    logs: Path


class ProcessingJobs(Jobs[NoState]):
    """The processing jobs of every region; `cloudwatch` makes a client of a region's CloudWatch, `grant` what their roles get credentials
    with."""

    def __init__(
        self,
        ground: Ground,
        *,
        objects: Objects,
        processor: Processor,
        cloudwatch: Callable[[str], Any],
        places: Places,
        grant: Grants,
    ) -> None:
        super().__init__(PROCESSING_JOB, COURSE, NoState, ground)
        self._objects, self._processor, self._cloudwatch, self._places = objects, processor, cloudwatch, places
        self._grant = grant

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateProcessingJob": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses what could not run, then runs the job."""
        request = ProcessingRequest.decode(params)
        check(request)
        job = self.start(scope, request.job, params, NoState())
        return {"ProcessingJobArn": job.public["ProcessingJobArn"]}

    def start_for(self, scope: Scope, request: ProcessingRequest, schedule_arn: str) -> Record[NoState]:
        """A monitoring schedule's job."""
        return self.start(scope, request.job, {**request.encode(), "MonitoringScheduleArn": schedule_arn}, NoState())

    def work(self, job: Record[NoState], stop: threading.Event) -> Ending:
        """Download, run, upload."""
        home = self._places.work / uuid.uuid4().hex[:12]
        home.mkdir(parents=True)
        try:
            ending = self._work(ProcessingRequest.described(job.public), job.region, home, stop)
            if "MonitoringScheduleArn" in job.public:
                self._publish(home / "output" / "metrics" / "cloudwatch", job.region)
            return ending
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _work(self, request: ProcessingRequest, region: str, home: Path, stop: threading.Event) -> Ending:
        for item in request.inputs or ():
            self._download(item, below(home, item.local_path or ""))
        outputs = [(below(home, item.local_path or ""), item.uri or "") for item in request.outputs or ()]
        for folder, _ in outputs:
            folder.mkdir(parents=True, exist_ok=True)
        isolated = bool((request.network or {}).get("EnableNetworkIsolation"))
        grant = NO_GRANT if isolated else self._grant(request.role, request.job, region)
        container = ProcessingContainer(
            image=request.image,
            entrypoint=request.entrypoint,
            arguments=request.arguments or (),
            environment={**grant.environment, **(request.environment or {})},
            home=home,
            log=self._places.logs / "processing" / f"{request.job}.log",
            limit_s=request.max_runtime_s or DEFAULT_LIMIT_S,
            state=self._places.work.parent,
            network=not isolated,
            memory=memory_of(request.cluster.instance_type or ""),
        )
        _configured(home, request)
        continuous = Continuous(self._upload, request, home)
        try:
            with continuous.running(self.runner, (*self.key(region, request.job), "upload")):
                status = self._processor.run(container, stop)
        finally:
            grant.end()
        message = exit_message(home)
        if status != 0:
            raise JobError(f"AlgorithmError: {message or f'the container ended with status {status}'}")
        for (folder, uri), output in zip(outputs, request.outputs or (), strict=True):
            if output.upload_mode != "Continuous":
                self._upload(folder, uri)
        return Ending(members={"ExitMessage": message})

    def _download(self, item: ProcessingInput, target: Path) -> None:
        """An object, or everything under a prefix or in a manifest, below `target`."""
        try:
            bucket, names = self._names(item)
            for key, name in names:
                file = placed(target, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                self._objects.download(bucket, key, file)
        except (ObjectError, ManifestError, ValueError) as error:
            raise JobError(f"ClientError: {item.uri} cannot be downloaded: {error}") from error
        if not names:
            raise JobError(f"ClientError: no object lies under {item.uri}")

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

    def _upload(self, folder: Path, uri: str, only: Collection[Path] | None = None) -> None:
        try:
            bucket, prefix = split_uri(uri)
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                if only is None or path in only:
                    upload = self._objects.upload(bucket, join_key(prefix, str(path.relative_to(folder))))
                    with path.open("rb") as file:
                        for part in iter(lambda: file.read(CHUNK), b""):
                            upload.write(part)
                    upload.finish()
        except (ObjectError, ValueError) as error:
            raise JobError(f"ClientError: outputs cannot be written to {uri}: {error}") from error

    def _publish(self, folder: Path, region: str) -> None:
        """The metrics that a monitoring schedule's container left, into CloudWatch: of no other job's does AWS say that it reads them."""
        data = defaultdict(list)
        try:
            for line in metric_lines(folder):
                data[line.pop("Namespace")].append(line)
            for namespace, items in sorted(data.items()):
                for start in range(0, len(items), METRICS_A_CALL):
                    self._cloudwatch(region).put_metric_data(
                        Namespace=namespace, MetricData=items[start : start + METRICS_A_CALL]
                    )
        except (ClientError, BotoCoreError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise JobError(f"AlgorithmError: the container's metrics cannot be stored: {error!r}") from error


def _configured(home: Path, request: ProcessingRequest) -> None:
    """The files that tell a container about its job."""
    folder = home / "config"
    folder.mkdir(exist_ok=True)
    (folder / "processingjobconfig.json").write_text(json.dumps(request.encode()))
    (folder / "resourceconfig.json").write_text(json.dumps({"current_host": HOST, "hosts": [HOST]}))


@dataclass
class Continuous:
    """Outputs with S3UploadMode Continuous: their files go while the container runs, whenever they have changed."""

    upload: Callable[[Path, str, Collection[Path] | None], None]
    request: ProcessingRequest
    home: Path

    @contextmanager
    def running(self, runner: Runner, key: Key) -> Iterator[None]:
        """Meanwhile they go; at the end once more, however that was."""
        outputs = [item for item in self.request.outputs or () if item.upload_mode == "Continuous"]
        folders = [(below(self.home, item.local_path or ""), item.uri or "") for item in outputs]
        ended, seen = threading.Event(), dict[Path, tuple[int, int]]()

        def work(_: threading.Event) -> None:
            while not ended.wait(CONTINUOUS_S):
                self._changed(folders, seen)

        if not folders:
            yield
            return
        task = runner.submit(key, work)
        try:
            yield
        finally:
            ended.set()
            task.ended.wait()
            self._changed(folders, seen)

    def _changed(self, folders: Sequence[tuple[Path, str]], seen: dict[Path, tuple[int, int]]) -> None:
        for folder, uri in folders:
            with suppress(OSError):  # a file that the container takes away meanwhile
                stamps = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
                now = {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stamps.items()}
                self.upload(folder, uri, [path for path, stamp in now.items() if seen.get(path) != stamp])
                seen.update(now)


def check(request: ProcessingRequest) -> None:
    """Refuse what the local cloud could not run. Raises ValidationException."""
    for item in request.inputs or ():
        if not item.uri or not item.local_path:
            raise validation(f"ProcessingInput {item.name} needs an S3Input with a LocalPath.")
        if item.input_mode == "Pipe":
            raise validation("The local cloud does not have S3InputMode Pipe yet; it is refused, not ignored.")
    for output in request.outputs or ():
        if not output.uri:
            raise validation(f"ProcessingOutput {output.name} needs an S3Output.")
    if request.arguments and is_analyzer(request.image, request.entrypoint):
        raise validation("The analyzer takes no ContainerArguments.")
    if (request.cluster.instance_count or 1) > 1:
        raise validation("The local cloud runs a processing job on one instance: InstanceCount must be 1.")
    for uri in (*(item.uri for item in request.inputs or ()), *(output.uri for output in request.outputs or ())):
        try:
            split_uri(uri or "")
        except ValueError as error:
            raise validation(str(error)) from error


def below(home: Path, path: str) -> Path:
    """A path under /opt/ml as the job's own folder has it. Raises JobError for one that leaves it."""
    if not path.startswith(ROOT + "/"):
        raise JobError(f"ClientError: LocalPath {path} does not lie under {ROOT}/")
    return placed(home, path.removeprefix(ROOT + "/"))


def placed(folder: Path, name: str) -> Path:
    """A path below a folder. Raises JobError where the name would leave it: keys may hold anything."""
    try:
        return inside(folder, name)
    except EscapeError as error:
        raise JobError(f"ClientError: {name!r} would be written outside of the job's folder") from error


def exit_message(home: Path) -> str | None:
    """What the container says of its end, if anything."""
    file = home / "output" / "message"
    return file.read_text(errors="replace")[:1024] if file.is_file() else None


def metric_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of the metric files that a container left."""
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().split(b"\n"):
            if line.strip():
                yield json.loads(line)
