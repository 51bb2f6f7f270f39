"""A monitor carried by EventBridge Scheduler: at each time a processing job with fogbank's own analyzer, out of the service's image."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.batch import RETRIES
from fogbank.components.failures import buried, dead_letters, sending
from fogbank.components.naming import default_tags
from fogbank.components.watch import Watch
from fogbank.contracts.analysis import CREATE_PROCESSING_JOB, ScheduledAnalysis, encoded
from fogbank.contracts.names import job_prefix
from fogbank.contracts.scheduler import later, universal_target


def scheduled_monitor(watch: Watch) -> pulumi.Output[str]:
    """Declare it; the schedule's name."""
    service, account = watch.looks_at.service, Account.of(watch.component)
    role = aws.iam.Role(
        f"{watch.name}-role",
        assume_role_policy=account.trust("scheduler.amazonaws.com"),
        permissions_boundary=service.permissions_boundary,
        opts=watch.child,
    )
    prefix = job_prefix(watch.public_name)
    queue = buried(watch.component, watch.name, watch.failures, "Processing", prefix) if watch.failures else None
    policy = aws.iam.RolePolicy(
        f"{watch.name}-role-policy",
        role=role.name,
        policy=pulumi.Output.all(account.partition, account.id, service.role_arn, queue or "").apply(
            lambda known: start_policy(*known, prefix=prefix)
        ),
        opts=watch.child,
    )
    scheduled = aws.scheduler.Schedule(
        f"{watch.name}-schedule",
        name=watch.public_name,
        description=f"{_spelled(watch.kind.type)} of {_whose(watch)}, by fogbank's analyzer",
        schedule_expression=later(watch.schedule, watch.delay_s // 60),
        schedule_expression_timezone="UTC",
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": account.partition.apply(lambda known: universal_target(known, CREATE_PROCESSING_JOB)),
            "role_arn": role.arn,
            "input": _input(watch, account),
            "retry_policy": RETRIES,
            **dead_letters(queue),
        },
        opts=pulumi.ResourceOptions(
            parent=watch.component,
            depends_on=[policy, *watch.granted(watch.image), *watch.files.values(), *service.ready],
        ),
    )
    return scheduled.name


def _spelled(kind: str) -> str:
    """`Data quality` for DataQuality."""
    return " ".join(re.findall("[A-Z][a-z]+", kind)).capitalize()


def _whose(watch: Watch) -> str:
    return "batch transform jobs" if watch.looks_at.endpoint is None else "an endpoint's captured traffic"


def _input(watch: Watch, account: Account) -> pulumi.Output[str]:
    """The CreateProcessingJob request, as JSON."""
    service, tags = watch.looks_at.service, default_tags()
    known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
        endpoint=watch.looks_at.endpoint or "",
        image=service.image if watch.image is None else watch.image,
        role=service.role_arn,
        capture=watch.looks_at.uri,
        results=watch.results,
        asks=watch.asks,
        **watch.uris(),
        region=account.region,
        dns_suffix=account.dns_suffix,
    )
    return known.apply(
        lambda facts: encoded(
            ScheduledAnalysis(
                schedule=watch.public_name,
                window_s=watch.window_s,
                delay_s=watch.delay_s,
                instance_type=watch.instance_type,
                instance_count=watch.instance_count,
                tags=tags,
                **facts,
            ).request()
        )
    )


def start_policy(partition: str, account: str, role: str, queue: str = "", *, prefix: str) -> str:
    """Start this schedule's processing jobs under the service's role, bury what could not be delivered if there is a `queue`, and nothing else.

    CreateProcessingJob takes a role, so the caller must be allowed to pass it (IAM User Guide, "Grant a user permissions to pass a role").
    """
    jobs = {
        "Effect": "Allow",
        "Action": ["sagemaker:CreateProcessingJob", "sagemaker:AddTags"],
        "Resource": f"arn:{partition}:sagemaker:*:{account}:processing-job/{prefix.lower()}*",
    }
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [jobs, passing, *([sending(queue)] if queue else [])]})
