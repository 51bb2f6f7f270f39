"""BatchTransform: a transform job as infrastructure, on a schedule, once, or once for each object that arrives.

pulumi-aws has no transform job. On a schedule EventBridge Scheduler calls CreateTransformJob by its universal target, and each run is a
job of its own, named after the schedule's execution; once, it is a TransformJob of fogbank's own provider; for each object, a function
starts it, and keeps a ledger (arrivals.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.arrivals import RUNS, Arrivals, Unscored, circular, declare_once_each
from fogbank.components.failures import Failures, buried, dead_letters, sending
from fogbank.components.grants import folder, granted, once_too
from fogbank.components.naming import default_tags
from fogbank.components.others import not_in_batches
from fogbank.components.refusals import refuse
from fogbank.components.service import ModelService
from fogbank.components.transform_job import Once, TransformJob
from fogbank.contracts.names import check_name, job_prefix
from fogbank.contracts.scheduler import EXECUTION_ID, universal_target
from fogbank.contracts.tokens import BATCH_TRANSFORM
from fogbank.contracts.transform import (
    CREATE_TRANSFORM_JOB,
    BatchCapture,
    DataProcessing,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
)

RETRIES: aws.scheduler.ScheduleTargetRetryPolicyArgsDict = {
    "maximum_retry_attempts": 2,
    "maximum_event_age_in_seconds": 3600,
}
"""Scheduler's own are 185 attempts in a day, each with an execution id of its own: a night could be scored more than once."""


class BatchTransform(pulumi.ComponentResource):
    """A batch transform of every CSV object under an S3 prefix of the service's bucket.

    `schedule` is an EventBridge expression such as `cron(0 2 * * ? *)`, or `Once()`: `up` runs the job, waits for its end, fails with
    its reason, and runs it again when the model, a setting or one of the triggers changes; or `Arrivals()`: each object that arrives is scored
    by itself, once; or `Unscored(schedule=...)`: at those times what has not been scored. These two keep a ledger below `ledger_prefix`.
    `input_prefix` and `output_prefix` lie in the service's bucket, as `capture_prefix` does, below which manifests of what was read and written
    go, so that a MonitoringSchedule can look at it; `inference_ids` writes an id and a time behind each answer, by which labels are matched.
    `processing` says what of a row the model sees, and what is written beside its answer. `failures` says where failed jobs of a schedule, and
    what could not be started, go.

    Outputs: `schedule_name` (empty for one that has none), `input_uri`, `output_uri`, `job`, the CreateTransformJob request as JSON;
    `job_name` of one that ran once; `function_name` and `ledger_uri` of one with a ledger.
    """

    def __init__(
        self,
        name: str,
        *,
        service: ModelService,
        schedule: str | Once | Arrivals | Unscored,
        input_prefix: str = "batch/in/",
        output_prefix: str = "batch/out/",
        ledger_prefix: str = "batch/ledger/",
        schedule_name: str | None = None,
        instance_type: str = "ml.m5.large",
        instance_count: int = 1,
        max_payload_mb: int = 6,
        processing: DataProcessing | None = None,
        capture_prefix: str | None = None,
        inference_ids: bool = False,
        failures: Failures | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        _check_times(schedule)
        input_prefix, output_prefix, ledger_prefix = (
            input_prefix.lstrip("/"),
            folder(output_prefix),
            folder(ledger_prefix),
        )
        capture_prefix = None if capture_prefix is None else folder(capture_prefix)
        if isinstance(schedule, Arrivals | Unscored):
            written = {"output_prefix": output_prefix, "capture_prefix": capture_prefix, "ledger_prefix": ledger_prefix}
            refuse(list(circular(input_prefix, written)), f"the batch {name} has")
        if isinstance(schedule, Once) and (failures or schedule_name):
            raise ValueError("failures and schedule_name are a schedule's: a job that runs once fails the `up` itself")
        if inference_ids and capture_prefix is None:
            raise ValueError("inference_ids are data capture's: give capture_prefix too")
        refuse(list(not_in_batches(service.others)))
        public_name = check_name("schedule_name", schedule_name or name)
        super().__init__(BATCH_TRANSFORM, name, None, opts)
        self.service, self.processing, self.inference_ids = service, processing, inference_ids
        self.capture_prefix = capture_prefix
        self.capture_uri = None if capture_prefix is None else service.uri(capture_prefix.rstrip("/"))
        self.input_uri = service.uri(input_prefix)
        self.output_uri = service.uri(output_prefix)
        resources = TransformResources(instance_type=instance_type, instance_count=instance_count)
        self.job = self._job(public_name, resources, max_payload_mb)
        ledger = f"{ledger_prefix}{public_name}/" if isinstance(schedule, Arrivals | Unscored) else ""
        needs = granted(
            name,
            self,
            service,
            reads=[*once_too(input_prefix), *([f"{ledger}{RUNS}"] if ledger else [])],
            writes=[*once_too(output_prefix), *([capture_prefix] if capture_prefix else [])],
        )
        self.job_name = self.schedule_name = self.function_name = self.ledger_uri = pulumi.Output.from_input("")
        if isinstance(schedule, Once):
            self.job_name = self._once(name, service, schedule, needs)
        elif isinstance(schedule, Arrivals | Unscored):
            self.ledger_uri = service.uri(ledger)
            self.function_name = self._each(name, public_name, schedule, input_prefix, ledger, failures, needs)
        else:
            self.schedule_name = self._scheduled(name, service, schedule, public_name, failures, needs)
        self.register_outputs(
            {
                "schedule_name": self.schedule_name,
                "job_name": self.job_name,
                "function_name": self.function_name,
                "ledger_uri": self.ledger_uri,
                "input_uri": self.input_uri,
                "output_uri": self.output_uri,
                "job": self.job,
            }
        )

    def _job(self, public_name: str, resources: TransformResources, payload_mb: int) -> pulumi.Output[str]:
        """The CreateTransformJob request of each run."""
        tags, job = default_tags(), f"{job_prefix(public_name)}{EXECUTION_ID}"
        processing, inference_ids = self.processing, self.inference_ids
        captured = "" if self.capture_uri is None else self.capture_uri
        return pulumi.Output.all(self.service.model_name, self.input_uri, self.output_uri, captured).apply(
            lambda known: transform_request(
                job=job,
                model=known[0],
                source=known[1],
                target=known[2],
                capture=known[3],
                inference_ids=inference_ids,
                resources=resources,
                payload_mb=payload_mb,
                processing=processing,
                tags=tags,
            )
        )

    def _each(
        self,
        name: str,
        public_name: str,
        schedule: Arrivals | Unscored,
        source: str,
        ledger: str,
        failures: Failures | None,
        needs: Sequence[pulumi.Resource],
    ) -> pulumi.Output[str]:
        """What scores each object once; its function's name."""
        starts = job_prefix(public_name)
        if failures is not None:
            buried(self, name, failures, "Transform", starts)
        return declare_once_each(
            self,
            name,
            self.service,
            schedule,
            prefix=starts,
            request=self.job,
            source=source,
            ledger=ledger,
            needs=needs,
        )

    def _once(
        self, name: str, service: ModelService, once: Once, needs: Sequence[pulumi.Resource]
    ) -> pulumi.Output[str]:
        """The job; its name."""
        triggers = pulumi.Output.all(**once.triggers).apply(lambda known: json.dumps(known, sort_keys=True))
        options = pulumi.ResourceOptions(parent=self, depends_on=[*service.ready, *needs, *once.after])
        return TransformJob(f"{name}-job", prefix=name, request=self.job, triggers=triggers, opts=options).job

    def _scheduled(
        self,
        name: str,
        service: ModelService,
        schedule: str,
        public_name: str,
        failures: Failures | None,
        needs: Sequence[pulumi.Resource],
    ) -> pulumi.Output[str]:
        """The schedule, and what it may; its name."""
        account = Account.of(self)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=account.trust("scheduler.amazonaws.com"),
            permissions_boundary=service.permissions_boundary,
            opts=child,
        )
        prefix = job_prefix(public_name)
        queue = buried(self, name, failures, "Transform", prefix) if failures else None
        policy = aws.iam.RolePolicy(
            f"{name}-role-policy",
            role=role.name,
            policy=pulumi.Output.all(account.partition, account.id, queue or "").apply(
                lambda known: start_policy(*known, prefix=prefix)
            ),
            opts=child,
        )
        scheduled = aws.scheduler.Schedule(
            f"{name}-schedule",
            name=public_name,
            schedule_expression=schedule,
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": account.partition.apply(lambda known: universal_target(known, CREATE_TRANSFORM_JOB)),
                "role_arn": role.arn,
                "input": self.job,
                "retry_policy": RETRIES,
                **dead_letters(queue),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *needs, *service.ready]),
        )
        return scheduled.name


def _check_times(schedule: object) -> None:
    """Raises ValueError for a text that is no expression of EventBridge Scheduler's."""
    if isinstance(schedule, str) and not schedule.startswith(("cron(", "rate(", "at(")):
        raise ValueError(f"schedule must be cron(...), rate(...) or at(...), not {schedule!r}")


def transform_request(
    *,
    job: str,
    model: str,
    source: str,
    target: str,
    resources: TransformResources,
    payload_mb: int,
    processing: DataProcessing | None = None,
    capture: str = "",
    inference_ids: bool = False,
    tags: Sequence[Mapping[str, str]] | None = None,
) -> str:
    """A CreateTransformJob request as JSON: CSV in, CSV out, as many whole lines a request as fit.

    What is joined, filtered or told apart by an id is a line an answer (the API reference: DataProcessing needs AssembleWith `Line`).
    """
    return TransformRequest(
        job=job,
        model=model,
        batch_strategy="MultiRecord",
        max_payload_mb=payload_mb,
        source=TransformInput(data_type="S3Prefix", uri=source, content_type="text/csv", split_type="Line"),
        target=TransformOutput(
            uri=target, accept="text/csv", assemble_with="Line" if processing or inference_ids else "None"
        ),
        resources=resources,
        processing=processing,
        capture=BatchCapture(uri=capture, generate_inference_id=inference_ids or None) if capture else None,
        tags=tags,
    ).to_json()


def start_policy(partition: str, account: str, queue: str = "", *, prefix: str) -> str:
    """Start this schedule's transform jobs, bury what could not be delivered if there is a `queue`, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateTransformJob", "sagemaker:AddTags"],
        "Resource": f"arn:{partition}:sagemaker:*:{account}:transform-job/{prefix.lower()}*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement, *([sending(queue)] if queue else [])]})
