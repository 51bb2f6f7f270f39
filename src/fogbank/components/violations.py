"""Who is told of monitoring runs that found violations: an event of the run's processing job goes to a topic, and to a function.

The verdict is the job's ExitMessage, of either carrier. Source: the Developer Guide, "Events that Amazon SageMaker AI sends to Amazon
EventBridge": a processing job's detail is what DescribeProcessingJob says of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.contracts.analysis import job_prefix

VERDICT = "CompletedWithViolations"


@dataclass(frozen=True, kw_only=True)
class Violations:
    """Tell the `topic` (its ARN; its own policy must let events.amazonaws.com publish) and the `function` (a Lambda function's ARN, such as
    `handlers/alarm.py`'s, which is allowed to be called by this monitor's rule)."""

    topic: pulumi.Input[str] | None = None
    function: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        """Refuse nobody."""
        if self.topic is None and self.function is None:
            raise ValueError("on_violations tells nobody: give a topic, or a function")


def pattern(carrier: str, schedule: str, arn: str) -> str:
    """The events of a monitor's runs that found violations: the scheduler's jobs by their names, Model Monitor's by their schedule."""
    whose: Mapping[str, Any] = (
        {"ProcessingJobName": [{"prefix": job_prefix(schedule)}]}
        if carrier == "scheduler"
        else {"MonitoringScheduleArn": [arn]}
    )
    detail = {"ProcessingJobStatus": ["Completed"], "ExitMessage": [{"prefix": VERDICT}], **whose}
    event = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Processing Job State Change"], "detail": detail}
    return json.dumps(event, sort_keys=True)


def told(component: pulumi.Resource, name: str, violations: Violations, carrier: str, schedule: str) -> None:
    """Declare the rule and its targets."""
    child, account = pulumi.ResourceOptions(parent=component), Account.of(component)
    region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=component)).region
    arn = pulumi.Output.format(
        "arn:{0}:sagemaker:{1}:{2}:monitoring-schedule/{3}", account.partition, region, account.id, schedule
    )
    rule = aws.cloudwatch.EventRule(
        f"{name}-violated",
        description=f"Runs of the monitor {schedule} that found violations",
        event_pattern=arn.apply(lambda known: pattern(carrier, schedule, known)),
        opts=child,
    )
    for place, target in (("topic", violations.topic), ("function", violations.function)):
        if target is not None:
            aws.cloudwatch.EventTarget(f"{name}-violated-{place}", rule=rule.name, arn=target, opts=child)
    if violations.function is not None:
        aws.lambda_.Permission(
            f"{name}-violated-permission",
            action="lambda:InvokeFunction",
            function=violations.function,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=child,
        )
