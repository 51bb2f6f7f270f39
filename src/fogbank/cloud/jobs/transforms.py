"""Transform jobs: CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob. How one runs is in batch.py.

A job that was running when the cloud was stopped or killed goes on at the next start: objects that were done are, and one that was being
written goes on after the last part of it that S3 has.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.models import Models, containers, has_source, is_direct
from fogbank.cloud.api.resource import Ground, Kind, Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.instance import Instance, LaunchPlan, StreamedReply
from fogbank.cloud.hosting.instance_sizes import memory_of
from fogbank.cloud.hosting.pipeline import Machine
from fogbank.cloud.hosting.workspace import Terms, Workspace
from fogbank.cloud.jobs.batch import Batch
from fogbank.cloud.jobs.direct import BY_SERVER, Direct, DirectProcesses, NotDirectError, note
from fogbank.cloud.jobs.experiments import Experiments
from fogbank.cloud.jobs.job import Course, Ending, JobError, Jobs, JobStoppedError, job_name_taken, unknown_job
from fogbank.cloud.jobs.objects import Objects
from fogbank.cloud.jobs.progress import StoredProgress
from fogbank.cloud.jobs.refusals import check, check_input
from fogbank.cloud.jobs.scoring import Reply, Scorer, environment_of
from fogbank.contracts.status import TRANSFORM_JOB as TRANSITIONS
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.machine import memory_limit, usable_cores

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

    def __init__(
        self,
        ground: Ground,
        *,
        models: Models,
        workspace: Workspace,
        objects: Objects,
        experiments: Experiments,
        logs: Path,
    ) -> None:
        super().__init__(TRANSFORM_JOB, COURSE, TransformState, ground)
        self._models, self._workspace, self._objects, self._logs = models, workspace, objects, logs
        self._experiments = experiments

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateTransformJob": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Checks what can be checked, then runs the job."""
        request = TransformRequest.decode(params)
        model = self._models.get(scope.region, request.model).public
        check_model(model)
        check(request)
        if self.find(scope.region, request.job) is not None:
            raise self.kind.taken(scope.arn(self.kind.path, request.job))
        check_input(request.source.uri, self._objects, scope.region, str(model.get("ExecutionRoleArn", "")))
        self._experiments.associate(scope.region, self.kind.path, request.job, request.experiment)
        job = self.start(scope, request.job, params, TransformState(model=model))
        return {"TransformJobArn": job.public["TransformJobArn"]}

    def role(self, job: Record[TransformState]) -> str:
        """The model's."""
        return str(job.state.model.get("ExecutionRoleArn", ""))

    def work(self, job: Record[TransformState], stop: threading.Event) -> Ending:
        """Transform every object."""
        request = TransformRequest.described(job.public)

        instances = Instances(self._workspace, job.state.model, request, stop)

        def log(line: str) -> None:
            path = self._logs / "transform" / f"{job.name}-data-log.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(line + "\n")

        batch = Batch(
            request=request,
            store=self._objects,
            start=instances.start,
            direct=instances.direct,
            runner=self.runner,
            key=self.key(job.region, job.name),
            progress=StoredProgress(self.store, job.region, job.name),
            started=float(job.public.get("TransformStartTime") or self.clock.epoch()),
            log=log,
        )
        try:
            batch.run(stop)
        except JobStoppedError:
            if self._interrupts(job):  # by the end of the cloud: it goes on
                raise
            batch.forget()
            raise
        except JobError:
            batch.forget()
            raise
        finally:
            instances.close()
        batch.forget()
        return Ending()

    def _interrupts(self, job: Record[TransformState]) -> bool:
        """Whether nobody has stopped the job itself."""
        found = self.find(job.region, job.name)
        return found is not None and found.public["TransformJobStatus"] != "Stopping"


class Instances:
    """What starts the instances of a job, and processes that score without HTTP."""

    def __init__(self, workspace: Workspace, model: Document, request: TransformRequest, stop: threading.Event) -> None:
        self._workspace, self._model, self._request, self._stop = workspace, model, request, stop
        self._log, self._environment = f"transform/{request.job}", environment_of(request)
        self._terms = Terms(memory=memory_of(request.resources.instance_type))
        self._planned: SimpleQueue[LaunchPlan] = SimpleQueue()

    def start(self) -> Scorer:
        """A ready instance, of what was fetched already if `direct` could do nothing with it. Raises StartError."""
        planned = None
        with suppress(Empty):
            planned = self._planned.get_nowait()
        instance = self._workspace.start(
            self._model, self._log, self._environment, stop=self._stop, terms=self._terms, planned=planned
        )
        return WorkspaceScorer(self._workspace, instance)

    def close(self) -> None:
        """Remove what was fetched and not used."""
        with suppress(Empty):
            while True:
                self._workspace.discard(self._planned.get_nowait())

    def direct(self) -> Direct | None:
        """Processes that score as the instance would. Raises StartError."""
        if len(containers(self._model)) > 1:
            return None
        plan = self._workspace.plan(self._model, self._log, self._environment, self._terms)
        count = self._request.resources.instance_count
        workers, share = max(1, usable_cores() // count), memory_limit() // 2 // count
        budget = min(share, self._terms.memory or share)
        try:
            return DirectProcesses(
                self._request, plan, workers, lambda: self._workspace.discard(plan), self._stop, budget
            )
        except NotDirectError as error:
            note(plan.log, BY_SERVER.format(error))
            self._planned.put(plan)
            return None


@dataclass(frozen=True)
class WorkspaceScorer:
    """An instance of the workspace's, as a job sees it."""

    workspace: Workspace
    instance: Machine

    def alive(self) -> bool:
        """Whether its process is there."""
        return self.instance.alive()

    def get(self, path: str) -> Reply:
        """GET."""
        return self.instance.get(path)

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """POST /invocations."""
        return self.instance.invoke(body, headers, timeout_s)

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> StreamedReply:
        """POST /invocations in chunks; between several containers a body is in one piece."""
        if isinstance(self.instance, Instance):
            return self.instance.stream(parts, headers, timeout_s)
        reply = self.instance.invoke(b"".join(parts), headers, timeout_s)
        return StreamedReply(reply.status, iter([reply.data]))

    def close(self) -> None:
        """End it and remove its folder."""
        self.workspace.stop(self.instance, STOP_GRACE_S)


def check_model(model: Document) -> None:
    """Refuse models whose requests must name a model or a container, which a job has no name of, and those with a ModelDataSource.
    Raises ValidationException."""
    if is_direct(model) or any(container.multi_model for container in containers(model)):
        raise validation(
            "Batch transform does not support multi-model containers and InferenceExecutionConfig.Mode Direct: "
            "a transform job names neither a model nor a container."
        )
    if has_source(model):
        raise validation(
            "Batch transform does not support models with a ModelDataSource or AdditionalModelDataSources."
        )
