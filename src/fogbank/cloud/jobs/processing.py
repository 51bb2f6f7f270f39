"""Processing jobs: inputs from S3, a container over them, outputs to S3, its verdict in ExitMessage, its metrics to CloudWatch."""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record
from fogbank.cloud.ground.roles import NO_GRANT, Grants
from fogbank.cloud.ground.runner import Key
from fogbank.cloud.hosting.instance_sizes import memory_of
from fogbank.cloud.jobs.at_once import at_once
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, JobStoppedError, job_name_taken, unknown_job
from fogbank.cloud.jobs.objects import Objects
from fogbank.cloud.jobs.processing_data import Continuous, Given, ProcessingData, below
from fogbank.cloud.jobs.processing_hosts import Hosts, configured
from fogbank.cloud.jobs.processor import ProcessingContainer, Processor, is_analyzer
from fogbank.contracts.hosts import ISOLATED
from fogbank.contracts.processing import ProcessingRequest
from fogbank.contracts.status import PROCESSING_JOB as TRANSITIONS
from fogbank.ground.aws import split_uri
from fogbank.ground.folders import file_below, text_below

DEFAULT_LIMIT_S = 3600
METRICS_A_CALL = 500
LONGEST_MESSAGE = 1024
"""Bytes of what a container says of its end."""

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
        self._data = ProcessingData(objects)
        self._processor, self._cloudwatch, self._places = processor, cloudwatch, places
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
        """Download, run, upload: on all hosts at the same time."""
        home = self._places.work / uuid.uuid4().hex[:12]
        home.mkdir(parents=True)
        try:
            return self._work(job, ProcessingRequest.described(job.public), home, stop)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _work(self, job: Record[NoState], request: ProcessingRequest, home: Path, stop: threading.Event) -> Ending:
        arn, halt = job.public["ProcessingJobArn"], threading.Event()
        hosts = Hosts.of(arn, request.cluster.instance_count or 1)
        shares = self._data.shares(request.inputs or (), len(hosts.addresses))
        isolated = bool((request.network or {}).get("EnableNetworkIsolation"))
        grant = NO_GRANT if isolated else self._grant(request.role, request.job, job.region)
        works = []

        def tend(failed: bool) -> None:
            if failed or stop.is_set():
                halt.set()

        try:
            environment = {**grant.environment, **hosts.environment, **(request.environment or {})}
            for name, share in zip(hosts.addresses, shares, strict=True):
                folder = home / name
                folder.mkdir()
                configured(folder, arn, request, name, hosts)
                container = self._container(request, name, environment, folder, {} if isolated else hosts.seen())
                key = (*self.key(job.region, request.job), "upload", name)
                works.append(partial(self._host, request, container, share, halt, key))
            at_once(self.runner, (*self.key(job.region, request.job), "host"), works, stop, tend)
        finally:
            grant.end()
        self._uploaded(request, {name: home / name for name in hosts.addresses})
        if "MonitoringScheduleArn" in job.public:
            for name in hosts.addresses:
                self._publish(home / name, job.region)
        messages = (exit_message(home / name) for name in hosts.addresses)
        return Ending(members={"ExitMessage": next((message for message in messages if message), None)})

    def _container(
        self,
        request: ProcessingRequest,
        host: str,
        environment: Mapping[str, str],
        home: Path,
        hosts: Mapping[str, str],
    ) -> ProcessingContainer:
        return ProcessingContainer(
            image=request.image,
            entrypoint=request.entrypoint,
            arguments=request.arguments or (),
            environment=environment,
            home=home,
            log=self._log(request.job, host),
            limit_s=request.max_runtime_s or DEFAULT_LIMIT_S,
            state=self._places.work.parent,
            network=not (request.network or {}).get("EnableNetworkIsolation"),
            memory=memory_of(request.cluster.instance_type or ""),
            hosts=hosts,
        )

    def _log(self, job: str, host: str) -> Path:
        """The file of what a host prints."""
        return self._places.logs / "processing" / log_name(job, host)

    def _host(
        self,
        request: ProcessingRequest,
        container: ProcessingContainer,
        share: Sequence[Given],
        halt: threading.Event,
        key: Key,
    ) -> None:
        """One host's part. Raises JobError, JobStoppedError soon after `halt` is set."""
        for given in share:
            self._data.download(given, container.home)
            if halt.is_set():
                raise JobStoppedError
        for output in request.outputs or ():
            below(container.home, output.local_path or "").mkdir(parents=True, exist_ok=True)
        continuous = Continuous(self._data.upload, request.outputs or (), container.home)
        with continuous.running(self.runner, key):
            status = self._processor.run(container, halt)
        if status != 0:
            who = f"{container.home.name}: " if (request.cluster.instance_count or 1) > 1 else ""
            said = exit_message(container.home) or f"the container ended with status {status}"
            raise JobError(f"AlgorithmError: {who}{said}")

    def _uploaded(self, request: ProcessingRequest, homes: Mapping[str, Path]) -> None:
        """The outputs of all hosts, one host after another: of files of the same name the last host's stays, which its log tells."""
        written: dict[str, str] = {}
        for name, home in homes.items():
            for output in request.outputs or ():
                if output.upload_mode == "Continuous":
                    continue
                for key in self._data.upload(home, below(home, output.local_path or ""), output.uri or ""):
                    if written.setdefault(key, name) != name:
                        log = self._log(request.job, name)
                        log.parent.mkdir(parents=True, exist_ok=True)
                        with log.open("a") as lines:
                            lines.write(f"[fogbank] {key} of {written[key]} is replaced by that of {name}\n")

    def _publish(self, home: Path, region: str) -> None:
        """The metrics that a monitoring schedule's container left, into CloudWatch: of no other job's does AWS say that it reads them."""
        data = defaultdict(list)
        try:
            for line in metric_lines(home):
                data[line.pop("Namespace")].append(line)
            for namespace, items in sorted(data.items()):
                for start in range(0, len(items), METRICS_A_CALL):
                    self._cloudwatch(region).put_metric_data(
                        Namespace=namespace, MetricData=items[start : start + METRICS_A_CALL]
                    )
        except (ClientError, BotoCoreError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise JobError(f"AlgorithmError: the container's metrics cannot be stored: {error!r}") from error


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
    if (
        (request.cluster.instance_count or 1) > 1
        and (request.network or {}).get("EnableNetworkIsolation")
        and is_analyzer(request.image, request.entrypoint)
    ):
        raise validation(ISOLATED)
    for uri in (*(item.uri for item in request.inputs or ()), *(output.uri for output in request.outputs or ())):
        try:
            split_uri(uri or "")
        except ValueError as error:
            raise validation(str(error)) from error


def log_name(job: str, host: str) -> str:
    """The file of what a host prints, below the folder of the logs.

    >>> log_name("j", "algo-1"), log_name("j", "algo-2")
    ('j.log', 'j.algo-2.log')
    """
    return f"{job}.log" if host == "algo-1" else f"{job}.{host}.log"


def exit_message(home: Path) -> str | None:
    """What the container says of its end, if anything."""
    return text_below(home, home / "output" / "message", LONGEST_MESSAGE)


def metric_lines(home: Path) -> Iterator[dict[str, Any]]:
    """The lines of the metric files that a container left. Raises EscapeError, OSError, ValueError."""
    for path in sorted((home / "output" / "metrics" / "cloudwatch").glob("*.jsonl")):
        with file_below(home, path) as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)
