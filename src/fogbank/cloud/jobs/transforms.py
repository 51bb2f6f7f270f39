"""Batch transform jobs: read S3, score on the package's own servers, write S3.

Each object is handled alone and its output is written in one piece when all of it is there: no partial `.out` is ever to be
seen. A job that was running when the cloud was killed runs again from its beginning at the next start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.api.control import Operation, Params, Scope, page, refuse
from fogbank.cloud.api.errors import ApiError, in_use, not_found, validation
from fogbank.cloud.api.models import Models, container_of
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.hosting.instance import Instance, InstanceDownError, InstanceTimeoutError, StartError
from fogbank.cloud.hosting.workspace import Workspace
from fogbank.cloud.jobs.records import RecordError, assemble, batches, decompress, manifest_keys, output_key, split
from fogbank.contracts.container import BATCH_PAYLOAD_LIMIT, MEBIBYTE
from fogbank.contracts.status import TRANSFORM_JOB, ended, step
from fogbank.ground.aws import split_uri

log = logging.getLogger("fogbank.cloud")
KIND = "transform-job"


class JobError(Exception):
    """A job's FailureReason."""


class JobStoppedError(Exception):
    """The job was stopped."""


@dataclass(frozen=True, kw_only=True)
class BatchSettings:
    """How requests are made, after the rule request > /execution-parameters > default."""

    concurrency: int
    strategy: str
    payload_limit: int
    timeout_s: float
    retries: int


class TransformJobs:
    """The transform jobs of every region."""

    def __init__(self, store: Store, clock: Clock, models: Models, workspace: Workspace, s3: Any, logs: Path) -> None:
        self._store, self._clock, self._models, self._workspace, self._s3, self._logs = (
            store,
            clock,
            models,
            workspace,
            s3,
            logs,
        )
        self._lock = threading.RLock()
        self._threads: dict[tuple[str, str], threading.Thread] = {}

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            "CreateTransformJob": self.create,
            "DescribeTransformJob": self.describe,
            "ListTransformJobs": self.summaries,
            "StopTransformJob": self.stop_job,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Checks what can be checked, then runs the job in the background."""
        name, arn = params["TransformJobName"], scope.arn("transform-job", params["TransformJobName"])
        model = self._models.get(scope.region, params["ModelName"]).public
        check_job(params)
        with self._lock:
            if self._store.get(KIND, scope.region, name):
                raise in_use(
                    f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
                )
            document: Document = {
                **params,
                "TransformJobArn": arn,
                "TransformJobStatus": "InProgress",
                "CreationTime": self._clock.epoch(),
                "_region": scope.region,
                "_model": {**model, "PrimaryContainer": container_of(model)},
            }
            self._store.put(KIND, scope.region, name, document)
            self._launch(document)
        return {"TransformJobArn": arn}

    def describe(self, scope: Scope, params: Params) -> Params:
        """The job."""
        return self._get(scope, params["TransformJobName"])

    def summaries(self, scope: Scope, params: Params) -> Params:
        """Summaries, newest first."""
        kept = [
            {**doc, "_name": doc["TransformJobName"], "_status": doc["TransformJobStatus"]}
            for doc in self._store.all(KIND, scope.region)
            if params.get("NameContains", "") in doc["TransformJobName"]
            and params.get("StatusEquals", doc["TransformJobStatus"]) == doc["TransformJobStatus"]
        ]
        return page(kept, params, "TransformJobSummaries")

    def stop_job(self, scope: Scope, params: Params) -> Params:
        """Stopping, then Stopped; objects that are finished keep their outputs."""
        with self._lock:
            document = self._get(scope, params["TransformJobName"])
            if ended(TRANSFORM_JOB, document["TransformJobStatus"]):
                raise validation(
                    f"The request was rejected because the transform job is in status {document['TransformJobStatus']}."
                )
            if document["TransformJobStatus"] == "InProgress":
                self._move(document, "Stopping")
        return {}

    def resume(self) -> None:
        """After a restart: run again what was running; finish stopping what was stopping."""
        for document in self._store.all(KIND):
            if document["TransformJobStatus"] == "InProgress":
                self._launch(document)
            elif document["TransformJobStatus"] == "Stopping":
                self._move(document, "Stopped", TransformEndTime=self._clock.epoch())

    def wait(self, region: str, name: str) -> None:
        """Return when the job has ended."""
        thread = self._threads.get((region, name))
        if thread:
            thread.join()

    def _launch(self, document: Document) -> None:
        key = (document["_region"], document["TransformJobName"])
        thread = threading.Thread(target=self._run, args=(document,), daemon=True, name=f"transform-{key[1]}")
        self._threads[key] = thread
        thread.start()

    def _run(self, document: Document) -> None:
        document = self._update(document, TransformStartTime=self._clock.epoch())
        status, reason = "Completed", None
        try:
            self._transform(document)
        except JobStoppedError:
            status = "Stopped"
        except JobError as error:
            status, reason = "Failed", str(error)[:1024]
        except Exception as error:
            log.exception("transform job %s", document["TransformJobName"])
            status, reason = "Failed", f"InternalServerError: {error!r}"[:1024]
        with self._lock:
            current = self._store.get(KIND, document["_region"], document["TransformJobName"])
            if current is None:
                return
            if current["TransformJobStatus"] == "Stopping":
                status, reason = "Stopped", None
            self._move(current, status, TransformEndTime=self._clock.epoch(), FailureReason=reason)

    def _transform(self, document: Document) -> None:
        objects = self._inputs(document)
        name = document["TransformJobName"]
        batch = {"SAGEMAKER_BATCH": "true", **_batch_environment(document), **document.get("Environment", {})}
        count = min(document["TransformResources"]["InstanceCount"], len(objects))
        instances: list[Instance] = []
        try:
            for _ in range(count):
                instances.append(self._workspace.start(document["_model"], f"transform/{name}", batch))
            settings = batch_settings(document, instances[0])
            failures = [
                failure
                for i in range(count)
                if (failure := self._objects(document, objects[i::count], instances[i], settings))
            ]
        except StartError as error:
            raise JobError(f"AlgorithmError: {error}") from error
        finally:
            for instance in instances:
                self._workspace.stop(instance)
        if failures:
            raise JobError(failures[0])

    def _objects(
        self, document: Document, objects: list[tuple[str, str, str]], instance: Instance, settings: BatchSettings
    ) -> str | None:
        """Transform objects on one instance; the first failure's text, after all were tried."""
        failure = None
        for bucket, key, target in objects:
            try:
                self._object(document, bucket, key, target, instance, settings)
            except (JobError, RecordError) as error:
                self._data_log(document, f"{bucket}/{key}: {error}")
                failure = failure or f"ClientError: {bucket}/{key}: {error}"
        return failure

    def _object(
        self, document: Document, bucket: str, key: str, target: str, instance: Instance, settings: BatchSettings
    ) -> None:
        source, output = document["TransformInput"], document["TransformOutput"]
        body = decompress(
            self._s3().get_object(Bucket=bucket, Key=key)["Body"].read(), source.get("CompressionType", "None")
        )
        headers = {"Content-Type": source.get("ContentType", "application/octet-stream")}
        if output.get("Accept"):
            headers["Accept"] = output["Accept"]
        requests = batches(split(body, source.get("SplitType", "None")), settings.strategy, settings.payload_limit)
        with ThreadPoolExecutor(settings.concurrency) as pool:
            replies = list(
                pool.map(lambda request: self._post(document, instance, request, headers, settings), requests)
            )
        out_bucket, out_prefix = split_uri(output["S3OutputPath"])
        self._s3().put_object(
            Bucket=out_bucket,
            Key=output_key(target, key, out_prefix),
            Body=assemble(replies, output.get("AssembleWith", "None")),
        )

    def _post(
        self, document: Document, instance: Instance, body: bytes, headers: Mapping[str, str], settings: BatchSettings
    ) -> bytes:
        said = ""
        for _ in range(settings.retries + 1):
            current = self._store.get(KIND, document["_region"], document["TransformJobName"])
            if current is None or current["TransformJobStatus"] == "Stopping":
                raise JobStoppedError
            try:
                reply = instance.invoke(body, headers, settings.timeout_s)
            except (InstanceDownError, InstanceTimeoutError) as error:
                said = str(error)
                continue
            if reply.status == 200:
                return reply.data
            said = f"{reply.status}: {reply.data.decode(errors='replace')[:500]}"
            if reply.status < 500:
                break
        raise JobError(said)

    def _inputs(self, document: Document) -> list[tuple[str, str, str]]:
        """(bucket, key, the prefix that its output's name is relative to) of every input object. Raises JobError."""
        source = document["TransformInput"]["DataSource"]["S3DataSource"]
        try:
            if source["S3DataType"] == "ManifestFile":
                bucket, key = split_uri(source["S3Uri"])
                prefix_uri, names = manifest_keys(self._s3().get_object(Bucket=bucket, Key=key)["Body"].read())
                bucket, prefix = split_uri(prefix_uri)
                found = [(bucket, prefix + name, prefix) for name in names]
            else:
                bucket, prefix = split_uri(source["S3Uri"])
                pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                found = [
                    (bucket, item["Key"], prefix)
                    for page_ in pages
                    for item in page_.get("Contents", [])
                    if not item["Key"].endswith("/")
                ]
        except (ClientError, BotoCoreError, RecordError) as error:
            raise JobError(f"ClientError: {source['S3Uri']} cannot be read: {error}") from error
        if not found:
            raise JobError(f"ClientError: no object lies under {source['S3Uri']}; there is nothing to transform")
        return found

    def _data_log(self, document: Document, line: str) -> None:
        path = self._logs / "transform" / f"{document['TransformJobName']}-data-log.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as stream:
            stream.write(line + "\n")

    def _get(self, scope: Scope, name: str) -> Document:
        document = self._store.get(KIND, scope.region, name)
        if document is None:
            raise not_found(f"Could not find requested job with name: {name}")
        return document

    def _update(self, document: Document, **changes: Any) -> Document:
        return self._store.update(KIND, document["_region"], document["TransformJobName"], **changes) or document

    def _move(self, document: Document, status: str, **changes: Any) -> None:
        step(TRANSFORM_JOB, document["TransformJobStatus"], status)
        self._update(document, TransformJobStatus=status, **changes)


def check_job(params: Params) -> None:
    """Refuse combinations that SageMaker refuses, and what the local cloud lacks. Raises ApiError."""
    source, output = params["TransformInput"], params["TransformOutput"]
    split_type = source.get("SplitType", "None")
    if split_type not in {"None", "Line"}:
        raise _lacking(f"SplitType {split_type}")
    if source["DataSource"]["S3DataSource"]["S3DataType"] == "AugmentedManifestFile":
        raise validation("AugmentedManifestFile is not supported by batch transform.")
    if params.get("BatchStrategy") == "MultiRecord" and split_type == "None":
        raise validation("BatchStrategy MultiRecord needs a SplitType other than None.")
    if (
        params.get("MaxPayloadInMB", 6) * max(1, params.get("MaxConcurrentTransforms", 1)) * MEBIBYTE
        > BATCH_PAYLOAD_LIMIT
    ):
        raise validation("MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB.")
    processing = params.get("DataProcessing", {})
    if (
        processing.get("InputFilter", "$") != "$"
        or processing.get("OutputFilter", "$") != "$"
        or processing.get("JoinSource", "None") != "None"
    ):
        raise _lacking("DataProcessing (filters and join)")
    refuse(params, "DataCaptureConfig")
    for uri in (source["DataSource"]["S3DataSource"]["S3Uri"], output["S3OutputPath"]):
        try:
            split_uri(uri)
        except ValueError as error:
            raise validation(str(error)) from error


def _lacking(what: str) -> ApiError:
    return validation(f"The local cloud does not have {what} yet; it is refused, not ignored.")


def _batch_environment(document: Document) -> dict[str, str]:
    """SageMaker sets these three only where the request gave them."""
    env = {}
    if "MaxPayloadInMB" in document:
        env["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(document["MaxPayloadInMB"])
    if "BatchStrategy" in document:
        env["SAGEMAKER_BATCH_STRATEGY"] = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}[
            document["BatchStrategy"]
        ]
    if "MaxConcurrentTransforms" in document:
        env["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(document["MaxConcurrentTransforms"])
    return env


def batch_settings(document: Document, instance: Instance) -> BatchSettings:
    """Request, then the container's /execution-parameters, then the defaults 1, MultiRecord and 6 MB."""
    reply = instance.get("/execution-parameters")
    said: dict[str, Any] = reply.json() if reply.status == 200 else {}
    client = document.get("ModelClientConfig", {})
    strategy = {"SINGLE_RECORD": "SingleRecord"}.get(said.get("BatchStrategy", ""), "MultiRecord")
    return BatchSettings(
        concurrency=max(1, document.get("MaxConcurrentTransforms") or said.get("MaxConcurrentTransforms") or 1),
        strategy=document.get("BatchStrategy") or strategy,
        payload_limit=int(document.get("MaxPayloadInMB", said.get("MaxPayloadInMB", 6)) * MEBIBYTE),
        timeout_s=client.get("InvocationsTimeoutInSeconds", 600),
        retries=client.get("InvocationsMaxRetries", 3),
    )
