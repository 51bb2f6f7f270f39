"""BatchTransform: a transform job on a schedule, as infrastructure.

pulumi-aws has no transform job: EventBridge Scheduler calls CreateTransformJob by its universal target, and each run is a job
of its own, named after the schedule's execution.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.service import ModelService
from fogbank.contracts.names import check_name
from fogbank.contracts.tokens import BATCH_TRANSFORM
from fogbank.contracts.transform import (
    EXECUTION_ID,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
    create_transform_job_target,
)

RETRIES: aws.scheduler.ScheduleTargetRetryPolicyArgsDict = {
    "maximum_retry_attempts": 2,
    "maximum_event_age_in_seconds": 3600,
}
"""Scheduler's own are 185 attempts in a day, each with an execution id of its own: a night could be scored more than once."""


class BatchTransform(pulumi.ComponentResource):
    """A scheduled batch transform of every CSV object under an S3 prefix of the service's bucket.

    `schedule` is an EventBridge expression such as `cron(0 2 * * ? *)`. `input_prefix` and `output_prefix` lie in the
    service's bucket. Outputs: `schedule_name`, `input_uri`, `output_uri`, `job`, the CreateTransformJob request as JSON.
    """

    def __init__(
        self,
        name: str,
        *,
        service: ModelService,
        schedule: str,
        input_prefix: str = "batch/in/",
        output_prefix: str = "batch/out/",
        schedule_name: str | None = None,
        instance_type: str = "ml.m5.large",
        instance_count: int = 1,
        max_payload_mb: int = 6,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if not schedule.startswith(("cron(", "rate(", "at(")):
            raise ValueError(f"schedule must be cron(...), rate(...) or at(...), not {schedule!r}")
        public_name = check_name("schedule_name", schedule_name or name)
        super().__init__(BATCH_TRANSFORM, name, None, opts)
        account = Account.of(self)
        child = pulumi.ResourceOptions(parent=self)
        self.input_uri = service.uri(input_prefix)
        self.output_uri = service.uri(output_prefix)
        self.job = pulumi.Output.all(service.model_name, self.input_uri, self.output_uri).apply(
            lambda known: transform_request(
                job=f"{public_name[:26]}-{EXECUTION_ID}",
                model=known[0],
                source=known[1],
                target=known[2],
                resources=TransformResources(instance_type=instance_type, instance_count=instance_count),
                payload_mb=max_payload_mb,
            )
        )
        role = aws.iam.Role(f"{name}-role", assume_role_policy=account.trust("scheduler.amazonaws.com"), opts=child)
        policy = aws.iam.RolePolicy(
            f"{name}-role-policy", role=role.name, policy=account.partition.apply(start_policy), opts=child
        )
        scheduled = aws.scheduler.Schedule(
            f"{name}-schedule",
            name=public_name,
            schedule_expression=schedule,
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": account.partition.apply(create_transform_job_target),
                "role_arn": role.arn,
                "input": self.job,
                "retry_policy": RETRIES,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *service.ready]),
        )
        self.schedule_name = scheduled.name
        self.register_outputs(
            {
                "schedule_name": self.schedule_name,
                "input_uri": self.input_uri,
                "output_uri": self.output_uri,
                "job": self.job,
            }
        )


def transform_request(
    *, job: str, model: str, source: str, target: str, resources: TransformResources, payload_mb: int
) -> str:
    """A CreateTransformJob request as JSON: CSV in, CSV out, as many whole lines a request as fit."""
    return TransformRequest(
        job=job,
        model=model,
        batch_strategy="MultiRecord",
        max_payload_mb=payload_mb,
        source=TransformInput(data_type="S3Prefix", uri=source, content_type="text/csv", split_type="Line"),
        target=TransformOutput(uri=target, accept="text/csv", assemble_with="None"),
        resources=resources,
    ).to_json()


def start_policy(partition: str) -> str:
    """Start transform jobs, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateTransformJob", "sagemaker:AddTags"],
        "Resource": f"arn:{partition}:sagemaker:*:*:transform-job/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
