"""Transform jobs: CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob. How one runs is in batch.py.

A job that was running when the cloud was stopped or killed runs again from its beginning at the next start.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Kind, Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.workspace import Workspace
from fogbank.cloud.jobs.batch import Batch
from fogbank.cloud.jobs.job import Course, Ending, Jobs, job_name_taken, unknown_job
from fogbank.cloud.jobs.objects import Objects
from fogbank.cloud.jobs.scoring import Reply, Scorer, environment_of
from fogbank.contracts.container import BATCH_PAYLOAD_LIMIT, MEBIBYTE
from fogbank.contracts.status import TRANSFORM_JOB as TRANSITIONS
from fogbank.contracts.transform import DataProcessing, TransformRequest
from fogbank.ground.aws import split_uri

TRANSFORM_JOB = Kind(
    path="transform-job",
    stem="TransformJob",
    key="TransformJobName",
    arn="TransformJobArn",
    missing=unknown_job,
    taken=job_name_taken,
    listing=Listing(
        operation="ListTransformJobs",
        answer="TransformJobSummaries",
        name="TransformJobName",
        status="TransformJobStatus",
        page_size=10,
    ),
    status="TransformJobStatus",
    transitions=TRANSITIONS,
    deletable=False,
)
COURSE = Course(restart="again", start="TransformStartTime", end="TransformEndTime")
STOP_GRACE_S = 2.0
"""How long an instance may still answer when its job has ended or is stopped."""


@dataclass(frozen=True, kw_only=True)
class TransformState:
    """`model`, as it was when the job was created: it may be deleted while the job runs."""

    model: Document

    def encode(self) -> Document:
        """As JSON values."""
        return {"model": self.model}

    @classmethod
    def decode(cls, document: Document) -> TransformState:
        """From what `encode` gave."""
        return cls(model=document.get("model", {}))


class TransformJobs(Jobs[TransformState]):
    """The transform jobs of every region."""

    def __init__(self, ground: Ground, *, models: Models, workspace: Workspace, objects: Objects, logs: Path) -> None:
        super().__init__(TRANSFORM_JOB, COURSE, TransformState, ground)
        self._models, self._workspace, self._objects, self._logs = models, workspace, objects, logs

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateTransformJob": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Checks what can be checked, then runs the job."""
        request = TransformRequest.decode(params)
        model = self._models.get(scope.region, request.model).public
        check(request)
        job = self.start(scope, request.job, params, TransformState(model=model))
        return {"TransformJobArn": job.public["TransformJobArn"]}

    def work(self, job: Record[TransformState], stop: threading.Event) -> Ending:
        """Transform every object."""
        request = TransformRequest.described(job.public)

        def start() -> Scorer:
            environment = environment_of(request)
            instance = self._workspace.start(job.state.model, f"transform/{job.name}", environment, stop=stop)
            return WorkspaceScorer(self._workspace, instance)

        def log(line: str) -> None:
            path = self._logs / "transform" / f"{job.name}-data-log.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(line + "\n")

        key = self.key(job.region, job.name)
        Batch(request=request, store=self._objects, start=start, runner=self.runner, key=key, log=log).run(stop)
        return Ending()


@dataclass(frozen=True)
class WorkspaceScorer:
    """An instance of the workspace's, as a job sees it."""

    workspace: Workspace
    instance: Instance

    def alive(self) -> bool:
        """Whether its process is there."""
        return self.instance.alive()

    def get(self, path: str) -> Reply:
        """GET."""
        return self.instance.get(path)

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """POST /invocations."""
        return self.instance.invoke(body, headers, timeout_s)

    def close(self) -> None:
        """End it and remove its folder."""
        self.workspace.stop(self.instance, STOP_GRACE_S)


def check(request: TransformRequest) -> None:
    """Refuse combinations that SageMaker refuses, and what the local cloud lacks. Raises ValidationException."""
    split_type = request.source.split_type or "None"
    if split_type not in {"None", "Line"}:
        raise _lacking(f"SplitType {split_type}")
    if request.source.data_type == "AugmentedManifestFile":
        raise validation("AugmentedManifestFile is not supported by batch transform.")
    if request.batch_strategy == "MultiRecord" and split_type == "None":
        raise validation("BatchStrategy MultiRecord needs a SplitType other than None.")
    payload_mb = 6 if request.max_payload_mb is None else request.max_payload_mb
    if payload_mb * max(1, request.max_concurrent or 1) * MEBIBYTE > BATCH_PAYLOAD_LIMIT:
        raise validation("MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB.")
    processing = request.processing or DataProcessing()
    filters = {processing.input_filter or "$", processing.output_filter or "$"}
    if filters != {"$"} or (processing.join_source or "None") != "None":
        raise _lacking("DataProcessing (filters and join)")
    for uri in (request.source.uri, request.target.uri):
        try:
            split_uri(uri)
        except ValueError as error:
            raise validation(str(error)) from error


def _lacking(what: str) -> ApiError:
    return validation(f"The local cloud does not have {what} yet; it is refused, not ignored.")
