"""Training jobs: a script in a framework's image over data from S3, run as a process; what it leaves in the model's folder goes to S3.

In: a CreateTrainingJob request; out: a job that ends with a real model.tar.gz, or the script's own words. Source: the SageMaker API
reference and Developer Guide ("SecondaryStatusTransition", "How Amazon SageMaker AI Processes Training Output").
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record
from fogbank.cloud.ground.roles import NO_GRANT, Grants
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.cloud.hosting.instance_sizes import memory_of
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, JobStoppedError, job_name_taken, unknown_job
from fogbank.cloud.jobs.objects import ObjectError, Objects, put_file
from fogbank.cloud.jobs.processing import Places
from fogbank.cloud.jobs.processing_data import no_output, placed
from fogbank.cloud.jobs.processor import JobTimeoutError, ProcessingContainer, run_process
from fogbank.cloud.training.images import brought
from fogbank.cloud.training.metrics import last_values
from fogbank.cloud.training.script import Script, arguments, input_config, resource_config, script_of, variables
from fogbank.contracts.errors import FogbankError
from fogbank.contracts.object_manifests import ManifestError, manifest_keys
from fogbank.contracts.status import PROCESSING_JOB as TRANSITIONS
from fogbank.ground.archive import ArchiveError, unpack_archive
from fogbank.ground.aws import join_key, split_uri
from fogbank.ground.folders import file_below, text_below
from fogbank.ground.paths import EscapeError

LONGEST_FAILURE = 1024
"""Bytes of /opt/ml/output/failure that are told: SageMaker tells as many."""

TRAINING_JOB = Kind(
    path="training-job",
    stem="TrainingJob",
    key="TrainingJobName",
    arn="TrainingJobArn",
    missing=unknown_job,
    taken=job_name_taken,
    listing=Listing(
        operation="ListTrainingJobs",
        answer="TrainingJobSummaries",
        name="TrainingJobName",
        status="TrainingJobStatus",
        page_size=10,
        newest_first=False,
    ),
    status="TrainingJobStatus",
    transitions=TRANSITIONS,
    deletable=False,
)
COURSE = Course(restart="fail", start="TrainingStartTime", end="TrainingEndTime")
DEFAULT_LIMIT_S = 86_400
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
Write = Callable[[str, str, str, str], None]
"""Writes a text to a region's CloudWatch Logs, by (region, group, stream, text)."""


class TrainingJobs(Jobs[NoState]):
    """The training jobs of every region. `grant` is what their roles get credentials with, `write` takes what they print."""

    def __init__(
        self,
        ground: Ground,
        *,
        objects: Objects,
        environments: Environments,
        places: Places,
        grant: Grants,
        write: Write,
    ) -> None:
        super().__init__(TRAINING_JOB, COURSE, NoState, ground)
        self._objects, self._environments, self._places = objects, environments, places
        self._grant, self._write = grant, write

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateTrainingJob": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses what could not run, then runs the job."""
        check(params)
        name = params["TrainingJobName"]
        output = join_key(params["OutputDataConfig"]["S3OutputPath"].rstrip("/"), name, "output")
        public = {
            **params,
            "SecondaryStatus": "Starting",
            "SecondaryStatusTransitions": [],
            "ModelArtifacts": {"S3ModelArtifacts": f"{output}/model.tar.gz"},
            "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_LIMIT_S, **params.get("StoppingCondition", {})},
        }
        job = self.start(scope, name, public, NoState())
        return {"TrainingJobArn": job.public["TrainingJobArn"]}

    def work(self, job: Record[NoState], stop: threading.Event) -> Ending:
        """Download, train, upload."""
        home = self._places.work / uuid.uuid4().hex[:12]
        log = self._places.logs / "training" / f"{job.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        try:
            self._stage(job, "Downloading")
            ending = self._work(job, home, log, stop)
        except JobStoppedError:
            self._stage(job, "Stopped")
            raise
        except JobError:
            self._stage(job, "Failed")
            raise
        finally:
            self._write(job.region, LOG_GROUP, f"{job.name}/algo-1", log.read_text(errors="replace"))
            shutil.rmtree(home, ignore_errors=True)
        self._stage(job, "Completed" if ending.status == "Completed" else "MaxRuntimeExceeded")
        return ending

    def _work(self, job: Record[NoState], home: Path, log: Path, stop: threading.Event) -> Ending:
        request, script = job.public, script_of(job.public)
        lines = brought(request["AlgorithmSpecification"]["TrainingImage"])
        if script is None or lines is None:  # one that an earlier version let in
            raise JobError("ClientError: the job has no script that the local cloud runs")
        self._prepare(request, script, home)
        requirements = home / "code" / "requirements.txt"
        own = requirements.read_text().splitlines() if requirements.is_file() else []
        try:
            python = self._environments.python_for([*lines, *own])
        except DependencyError as error:
            raise JobError(f"ClientError: the image's libraries cannot be installed: {error}") from error
        if stop.is_set():
            raise JobStoppedError
        self._stage(job, "Training")
        isolated = request.get("EnableNetworkIsolation", False)
        grant = NO_GRANT if isolated else self._grant(request["RoleArn"], job.name, job.region)
        arn = job.public["TrainingJobArn"]
        container = ProcessingContainer(
            image=request["AlgorithmSpecification"]["TrainingImage"],
            environment={
                **grant.environment,
                **variables(request, script, home, arn),
                **request.get("Environment", {}),
            },
            home=home,
            log=log,
            limit_s=request["StoppingCondition"]["MaxRuntimeInSeconds"],
            state=self._places.work.parent,
            network=not isolated,
            memory=memory_of(request.get("ResourceConfig", {}).get("InstanceType", "")),
        )
        program = home / "code" / script.program
        command = [
            str(python),
            str(program),
            *(word.replace("/opt/ml/", f"{home}/") for word in arguments(script.parameters)),
        ]
        try:
            seen = (self._environments.folder,)
            status = run_process(command, container, stop, seen=seen, programs=(python,))
        except JobStoppedError:
            self._upload(job, home)
            raise
        except JobTimeoutError:
            self._upload(job, home)
            return Ending(status="Stopped")
        finally:
            grant.end()
        if status != 0:
            raise JobError(_reason(home, log, status, command[1:]))
        self._stage(job, "Uploading")
        self._upload(job, home)
        metrics = self._metrics(request, log)
        return Ending(members={"FinalMetricDataList": metrics} if metrics else {})

    def _prepare(self, request: Document, script: Script, home: Path) -> None:
        """The folder that stands for /opt/ml, with code, data and settings. Raises JobError."""
        for folder in ("code", "input/config", "model", "output/data", "output/intermediate"):
            (home / folder).mkdir(parents=True)
        for item in request.get("InputDataConfig", []):
            self._download(item["DataSource"]["S3DataSource"], placed(home / "input" / "data", item["ChannelName"]))
        config = home / "input" / "config"
        kind = request.get("ResourceConfig", {}).get("InstanceType", "ml.m5.large")
        (config / "hyperparameters.json").write_text(json.dumps(request.get("HyperParameters", {})))
        (config / "inputdataconfig.json").write_text(json.dumps(input_config(request)))
        (config / "resourceconfig.json").write_text(json.dumps(resource_config(kind)))
        archive = home / "source.tar.gz"
        try:
            self._objects.download(*split_uri(script.source), archive)
            unpack_archive(archive, home / "code")
            archive.unlink()
        except (ObjectError, ArchiveError, FogbankError, ValueError) as error:
            raise JobError(f"ClientError: the script's archive {script.source} cannot be used: {error}") from error
        if not placed(home / "code", script.program).is_file():
            raise JobError(f"ClientError: {script.program} is not in {script.source}")

    def _download(self, source: Document, folder: Path) -> None:
        folder.mkdir(parents=True)
        try:
            bucket, prefix = split_uri(source["S3Uri"])
            if source["S3DataType"] == "ManifestFile":
                base, names = manifest_keys(self._objects.get(bucket, prefix))
                bucket, prefix = split_uri(base)
                keys = [(prefix + name, name) for name in names]
            else:
                listed = [key for key in self._objects.list(bucket, prefix) if not key.endswith("/")]
                parent = prefix[: prefix.rfind("/") + 1]
                keys = [(key, key[len(parent if key == prefix else prefix) :].lstrip("/")) for key in listed]
            for key, name in keys:
                file = placed(folder, name or key.rpartition("/")[2])
                file.parent.mkdir(parents=True, exist_ok=True)
                self._objects.download(bucket, key, file)
        except (ObjectError, ManifestError, ValueError) as error:
            raise JobError(f"ClientError: Data download failed: {source['S3Uri']}: {error}") from error
        if not keys:
            raise JobError(f"ClientError: Data download failed: no object lies under {source['S3Uri']}")

    def _upload(self, job: Record[NoState], home: Path) -> None:
        output = job.public["OutputDataConfig"]
        bucket, prefix = split_uri(output["S3OutputPath"])
        base = join_key(prefix, job.name, "output")
        try:
            for name, folder in (("model", home / "model"), ("output", home / "output" / "data")):
                files = sorted(path for path in folder.rglob("*") if path.is_file())
                if files or name == "model":
                    with tempfile.TemporaryFile(dir=home.parent) as archive:
                        archive_below(archive, home, folder, files)
                        archive.seek(0)
                        put_file(self._objects, bucket, f"{base}/{name}.tar.gz", archive)
        except EscapeError as error:
            raise JobError(no_output(error)) from error
        except (ObjectError, ValueError) as error:
            raise JobError(f"ClientError: outputs cannot be written to {output['S3OutputPath']}: {error}") from error

    def _metrics(self, request: Document, log: Path) -> list[Document]:
        """The last value of each metric whose expression the log has."""
        metrics = request["AlgorithmSpecification"].get("MetricDefinitions", [])
        values = last_values([metric["Regex"] for metric in metrics], log)
        return [
            {"MetricName": metric["Name"], "Value": value, "Timestamp": self.clock.epoch()}
            for metric, value in zip(metrics, values, strict=True)
            if value is not None
        ]

    def _stage(self, job: Record[NoState], status: str) -> None:
        now = self.clock.epoch()
        with self.lock:
            record = self.find(job.region, job.name)
            if record is None:
                return
            stages: list[Any] = list(record.public.get("SecondaryStatusTransitions", []))
            if stages:
                stages[-1] = {**stages[-1], "EndTime": now}
            stages.append({"Status": status, "StartTime": now, "StatusMessage": f"{status} the training job"})
            self.change(job.region, job.name, SecondaryStatus=status, SecondaryStatusTransitions=stages)


def check(params: Params) -> None:
    """Refuse what the local cloud could not run. Raises ValidationException."""
    algorithm = params.get("AlgorithmSpecification") or {}
    image = algorithm.get("TrainingImage", "")
    if brought(image) is None:
        raise validation(
            f"The local cloud does not run the training image {image or 'of none'}: it runs scripts in AWS's images of scikit-learn, "
            "XGBoost, PyTorch and TensorFlow; it is refused, not ignored."
        )
    if script_of(params) is None:
        raise validation(
            "The local cloud trains by scripts: name one with the hyperparameters sagemaker_program and sagemaker_submit_directory."
        )
    modes = {
        algorithm.get("TrainingInputMode"),
        *(item.get("InputMode", "File") for item in params.get("InputDataConfig", [])),
    }
    if modes - {"File", "FastFile"}:
        raise validation("The local cloud does not have TrainingInputMode Pipe yet; it is refused, not ignored.")
    if (params.get("ResourceConfig") or {}).get("InstanceCount", 1) > 1:
        raise validation("The local cloud trains on one instance: InstanceCount must be 1.")
    if params["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        raise validation(
            "The local cloud does not have the CompressionType NONE of training outputs yet; it is refused, not ignored."
        )
    for metric in algorithm.get("MetricDefinitions", []):
        try:
            re.compile(metric["Regex"])
        except (re.error, OverflowError, RecursionError) as error:
            raise validation(f"The Regex of the metric {metric['Name']} is none: {error}") from error


def _reason(home: Path, log: Path, status: int, command: list[str]) -> str:
    """A FailureReason: the script's own words, else the end of what it printed."""
    said = text_below(home, home / "output" / "failure", LONGEST_FAILURE)
    if said is not None:
        return f"AlgorithmError: {said}"
    lines = log.read_text(errors="replace").strip().splitlines()
    message = "\n".join(lines[-8:])[-600:]
    return f'AlgorithmError: ExecuteUserScriptError:\nExitCode {status}\nErrorMessage "{message}"\nCommand "{" ".join(command)[:120]}", exit code: {status}'


def archive_below(out: IO[bytes], home: Path, folder: Path, files: Sequence[Path]) -> None:
    """A tar.gz of files below the job's home, the same bytes for the same content. Raises EscapeError for a link that leads out of it."""
    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in files:
            with file_below(home, file) as body:
                entry = tarfile.TarInfo(str(file.relative_to(folder)))
                entry.size, entry.mode = os.fstat(body.fileno()).st_size, 0o644
                archive.addfile(entry, body)
