"""Where the failures of a schedule go: what EventBridge Scheduler could not deliver, and jobs that ended in Failed, into one queue of its
own; the latter to a topic too.

Sources: EventBridge Scheduler User Guide, "Configuring a dead-letter queue"; the Developer Guide, "SageMaker events that are sent to
EventBridge" (names of events and their details); SQS Developer Guide (1 to 14 days of retention).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

DAY_S = 86400
Job = Literal["Transform", "Processing"]


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Keep failures for `keep_days` (1 to 14) in a queue, and tell the `topic` (its ARN) of jobs that failed: its own policy must let
    events.amazonaws.com publish."""

    topic: pulumi.Input[str] | None = None
    keep_days: int = 14

    def __post_init__(self) -> None:
        """Refuse what SQS would."""
        if not 1 <= self.keep_days <= 14:
            raise ValueError(f"keep_days must be 1 to 14, not {self.keep_days}")


def pattern(job: Job, prefix: str) -> str:
    """The events of a kind of job that failed, by how its names begin."""
    detail = {f"{job}JobStatus": ["Failed"], f"{job}JobName": [{"prefix": prefix}]}
    event = {"source": ["aws.sagemaker"], "detail-type": [f"SageMaker {job} Job State Change"], "detail": detail}
    return json.dumps(event, sort_keys=True)


def queue_policy(queue: str, rule: str) -> str:
    """One rule may send to the queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def sending(queue: str) -> dict[str, Any]:
    """The statement by which a schedule's role buries what it could not deliver."""
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}


def dead_letters(queue: pulumi.Output[str] | None) -> aws.scheduler.ScheduleTargetArgsDict:
    """A schedule's target's own member, where there is a queue."""
    found: Any = {} if queue is None else {"dead_letter_config": {"arn": queue}}
    return found  # type: ignore[no-any-return]  # a part of the target


def buried(component: pulumi.Resource, name: str, failures: Failures, job: Job, prefix: str) -> pulumi.Output[str]:
    """Declare the queue and the rule; the queue's ARN, for the schedule's dead letters."""
    child = pulumi.ResourceOptions(parent=component)
    queue = aws.sqs.Queue(f"{name}-failures", message_retention_seconds=failures.keep_days * DAY_S, opts=child)
    rule = aws.cloudwatch.EventRule(
        f"{name}-failed",
        description=f"{job} jobs {prefix}* that failed",
        event_pattern=pattern(job, prefix),
        opts=child,
    )
    allowed = aws.sqs.QueuePolicy(
        f"{name}-failures-policy",
        queue_url=queue.url,
        policy=pulumi.Output.all(queue.arn, rule.arn).apply(lambda known: queue_policy(known[0], known[1])),
        opts=child,
    )
    for place, arn in (("queue", queue.arn), ("topic", failures.topic)):
        if arn is not None:
            aws.cloudwatch.EventTarget(
                f"{name}-failed-{place}",
                rule=rule.name,
                arn=arn,
                opts=pulumi.ResourceOptions(parent=component, depends_on=[allowed]),
            )
    return queue.arn
