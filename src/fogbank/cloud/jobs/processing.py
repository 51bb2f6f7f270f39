"""Processing jobs: inputs from S3, the analyzer as a process, outputs to S3, its verdict in ExitMessage.

The local cloud runs what it can really run: images of the Model Monitor analyzer, whose work fogbank's own analyzer does.
Any other image ends in Failed with that reason.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.control import Operation, Params, Scope, page, refuse
from fogbank.cloud.api.errors import in_use, not_found, validation
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.contracts.monitoring import ANALYZER_IMAGE
from fogbank.contracts.status import PROCESSING_JOB, ended, step
from fogbank.ground.aws import join_key, split_uri

log = logging.getLogger("fogbank.cloud")
KIND = "processing-job"
ROOT = "/opt/ml"
DEFAULT_LIMIT_S = 3600


class ProcessingError(Exception):
    """A job's FailureReason."""


class ProcessingJobs:
    """The processing jobs of every region."""

    def __init__(
        self, store: Store, clock: Clock, environments: Environments, s3: Any, cloudwatch: Any, folder: Path, logs: Path
    ) -> None:
        self._store, self._clock, self._environments, self._s3, self._cloudwatch = (
            store,
            clock,
            environments,
            s3,
            cloudwatch,
        )
        self._folder, self._logs = folder, logs
        self._lock = threading.RLock()
        self._running: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": self.describe,
            "ListProcessingJobs": self.summaries,
            "StopProcessingJob": self.stop_job,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Runs the job in the background."""
        for item in params.get("ProcessingInputs", []):
            refuse(item, "DatasetDefinition")
        for item in params.get("ProcessingOutputConfig", {}).get("Outputs", []):
            refuse(item, "FeatureStoreOutput")
        document = self.add(scope, params)
        threading.Thread(target=self.run, args=(document,), daemon=True).start()
        return {"ProcessingJobArn": document["ProcessingJobArn"]}

    def add(self, scope: Scope, params: Params) -> Document:
        """The job's document, InProgress, without running it. Raises ResourceInUse."""
        name, arn = params["ProcessingJobName"], scope.arn("processing-job", params["ProcessingJobName"])
        with self._lock:
            if self._store.get(KIND, scope.region, name):
                raise in_use(
                    f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
                )
            now = self._clock.epoch()
            document: Document = {
                **params,
                "ProcessingJobArn": arn,
                "ProcessingJobStatus": "InProgress",
                "CreationTime": now,
                "LastModifiedTime": now,
                "_region": scope.region,
            }
            self._store.put(KIND, scope.region, name, document)
        return document

    def describe(self, scope: Scope, params: Params) -> Params:
        """The job."""
        return self._get(scope, params["ProcessingJobName"])

    def summaries(self, scope: Scope, params: Params) -> Params:
        """Summaries, newest first."""
        kept = [
            {**doc, "_name": doc["ProcessingJobName"], "_status": doc["ProcessingJobStatus"]}
            for doc in self._store.all(KIND, scope.region)
            if params.get("NameContains", "") in doc["ProcessingJobName"]
            and params.get("StatusEquals", doc["ProcessingJobStatus"]) == doc["ProcessingJobStatus"]
        ]
        return page(kept, params, "ProcessingJobSummaries")

    def stop_job(self, scope: Scope, params: Params) -> Params:
        """Stopping, then Stopped."""
        with self._lock:
            document = self._get(scope, params["ProcessingJobName"])
            if ended(PROCESSING_JOB, document["ProcessingJobStatus"]):
                raise validation(
                    f"The request was rejected because the processing job is in status {document['ProcessingJobStatus']}."
                )
            if document["ProcessingJobStatus"] == "InProgress":
                self._move(document, "Stopping")
            process = self._running.get((scope.region, params["ProcessingJobName"]))
        if process:
            process.terminate()
        return {}

    def fail_interrupted(self) -> None:
        """After a restart: a job that was running is Failed, and says why."""
        for document in self._store.all(KIND):
            if document["ProcessingJobStatus"] == "InProgress":
                self._end(
                    document, "Failed", "InternalServerError: the local cloud was stopped while the job ran", None
                )
            elif document["ProcessingJobStatus"] == "Stopping":
                self._end(document, "Stopped", None, None)

    def run(self, document: Document) -> Document:
        """Run an added job to its end; returns its last document."""
        home = self._folder / uuid.uuid4().hex[:12]
        document = (
            self._store.update(
                KIND, document["_region"], document["ProcessingJobName"], ProcessingStartTime=self._clock.epoch()
            )
            or document
        )
        try:
            message = self._process(document, home)
            return self._end(document, "Completed", None, message)
        except ProcessingError as error:
            return self._end(document, "Failed", str(error)[:1024], None)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _process(self, document: Document, home: Path) -> str | None:
        specification = document["AppSpecification"]
        if not ANALYZER_IMAGE.search(specification["ImageUri"]):
            raise ProcessingError(
                f"ClientError: the local cloud has no container engine for {specification['ImageUri']}; it runs the Model Monitor analyzer's images"
            )
        for item in document.get("ProcessingInputs", []):
            self._download(item["S3Input"]["S3Uri"], _below(home, item["S3Input"]["LocalPath"]))
        outputs = document.get("ProcessingOutputConfig", {}).get("Outputs", [])
        for item in outputs:
            _below(home, item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        status = self._analyze(document, home)
        message_file = home / "output" / "message"
        message = message_file.read_text()[:1024] if message_file.is_file() else None
        if status != 0:
            raise ProcessingError(f"AlgorithmError: {message or f'the analyzer ended with status {status}'}")
        for item in outputs:
            self._upload(_below(home, item["S3Output"]["LocalPath"]), item["S3Output"]["S3Uri"])
        self._publish(home / "output" / "metrics" / "cloudwatch", document["_region"])
        return message

    def _analyze(self, document: Document, home: Path) -> int:
        try:
            python = self._environments.python_for([])
        except DependencyError as error:
            raise ProcessingError(f"InternalServerError: the analyzer's environment cannot be made: {error}") from error
        given = {name: value.replace(ROOT + "/", f"{home}/") for name, value in document.get("Environment", {}).items()}
        env = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", **given, "SAGEMAKER_BASE_DIR": str(home)}
        limit = document.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_LIMIT_S)
        path = self._logs / "processing" / f"{document['ProcessingJobName']}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        key = (document["_region"], document["ProcessingJobName"])
        with path.open("ab") as out:
            process = subprocess.Popen(
                [str(python), "-P", "-m", "fogbank.monitor"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=home,
            )
        self._running[key] = process
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ProcessingError(f"ClientError: the job ran longer than MaxRuntimeInSeconds ({limit} s)") from None
        finally:
            del self._running[key]

    def _download(self, uri: str, target: Path) -> None:
        """An object, or everything under a prefix, below `target`. Raises ProcessingError."""
        try:
            bucket, prefix = split_uri(uri)
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            keys = [item["Key"] for found in pages for item in found.get("Contents", [])]
            folder = prefix[: prefix.rfind("/") + 1]
            for key in keys:
                path = target / key[len(folder) if key == prefix else len(prefix) :].lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                self._s3().download_file(bucket, key, str(path))
        except (ClientError, BotoCoreError, ValueError) as error:
            raise ProcessingError(f"ClientError: {uri} cannot be downloaded: {error}") from error
        if not keys:
            raise ProcessingError(f"ClientError: no object lies under {uri}")

    def _upload(self, folder: Path, uri: str) -> None:
        bucket, prefix = split_uri(uri)
        try:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                key = join_key(prefix, str(path.relative_to(folder)))
                self._s3().put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        except (ClientError, BotoCoreError) as error:
            raise ProcessingError(f"ClientError: outputs cannot be written to {uri}: {error}") from error

    def _publish(self, folder: Path, region: str) -> None:
        """The metric files that the container left, into CloudWatch."""
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
            lines = [json.loads(line) for line in path.read_text().splitlines() if line]
            for namespace in sorted({line.pop("Namespace") for line in [dict(item) for item in lines]}):
                data = [
                    {key: value for key, value in line.items() if key != "Namespace"}
                    for line in lines
                    if line["Namespace"] == namespace
                ]
                for start in range(0, len(data), 500):
                    self._cloudwatch(region).put_metric_data(Namespace=namespace, MetricData=data[start : start + 500])

    def _end(self, document: Document, status: str, reason: str | None, message: str | None) -> Document:
        with self._lock:
            current = self._store.get(KIND, document["_region"], document["ProcessingJobName"]) or document
            if current["ProcessingJobStatus"] == "Stopping":
                status, reason = "Stopped", None
            return self._move(
                current, status, FailureReason=reason, ExitMessage=message, ProcessingEndTime=self._clock.epoch()
            )

    def _get(self, scope: Scope, name: str) -> Document:
        document = self._store.get(KIND, scope.region, name)
        if document is None:
            raise not_found(f"Could not find requested job with name: {name}")
        return document

    def _move(self, document: Document, status: str, **changes: Any) -> Document:
        step(PROCESSING_JOB, document["ProcessingJobStatus"], status)
        changed = self._store.update(
            KIND,
            document["_region"],
            document["ProcessingJobName"],
            ProcessingJobStatus=status,
            LastModifiedTime=self._clock.epoch(),
            **changes,
        )
        return changed or document


def _below(home: Path, path: str) -> Path:
    """A path under /opt/ml as the job's own folder has it. Raises ProcessingError for one that leaves it."""
    target = (home / path.removeprefix(ROOT).lstrip("/")).resolve()
    if not path.startswith(ROOT + "/") or not target.is_relative_to(home.resolve()):
        raise ProcessingError(f"ClientError: LocalPath {path} does not lie under {ROOT}/")
    return target
