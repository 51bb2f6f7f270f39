"""Who is told of monitoring runs that found violations: an event of the run's processing job goes to a topic, and to a function, and an alarm
counts it.

The verdict is the job's ExitMessage, of either carrier. Source: the Developer Guide, "Events that Amazon SageMaker AI sends to Amazon
EventBridge": a processing job's detail is what DescribeProcessingJob says of it; the EventBridge User Guide, "EventBridge metrics".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.refusals import refuse
from fogbank.contracts.names import job_prefix

VERDICT = "CompletedWithViolations"
TRIGGERED, PERIOD_S, MOST_ACTIONS = "TriggeredRules", 300, 5


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm of CloudWatch on runs that found violations: in ALARM for `hours` (1 to 24) after one, then OK again. `actions` are ARNs, such
    as a topic's, that are told when it goes off; the same ones are told when it is over, if `over` says so."""

    hours: int = 1
    actions: Sequence[pulumi.Input[str]] = ()
    over: bool = False

    def __post_init__(self) -> None:
        """Refuse what CloudWatch would: an alarm looks back for a day at most where its periods are shorter than one."""
        problems = [] if 1 <= self.hours <= 24 else [f"hours must be 1 to 24, not {self.hours}"]
        if len(self.actions) > MOST_ACTIONS:
            problems.append(f"at most {MOST_ACTIONS} actions, not {len(self.actions)}")
        refuse(problems)

    def args(self, rule: pulumi.Input[str]) -> dict[str, Any]:
        """MetricAlarm's arguments, but for its name."""
        return {
            "alarm_description": "Monitoring runs that found violations",
            "namespace": "AWS/Events", "metric_name": TRIGGERED, "dimensions": {"RuleName": rule}, "statistic": "Sum",
            "period": PERIOD_S, "evaluation_periods": self.hours * 3600 // PERIOD_S, "datapoints_to_alarm": 1, "threshold": 0.0,
            "comparison_operator": "GreaterThanThreshold", "treat_missing_data": "notBreaching",
            "alarm_actions": [*self.actions], "ok_actions": [*self.actions] if self.over else [],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Violations:
    """Tell the `topic` (its ARN; its own policy must let events.amazonaws.com publish) and the `function` (a Lambda function's ARN, such as
    `handlers/alarm.py`'s, which is allowed to be called by this monitor's rule); `alarm` makes an alarm of CloudWatch, called
    `<schedule>-violations`."""

    topic: pulumi.Input[str] | None = None
    function: pulumi.Input[str] | None = None
    alarm: Alarm | None = None

    def __post_init__(self) -> None:
        """Refuse nobody."""
        if self.topic is None and self.function is None and self.alarm is None:
            raise ValueError("on_violations tells nobody: give a topic, a function, or an alarm")


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


def told(
    component: pulumi.Resource, name: str, violations: Violations, carrier: str, schedule: str
) -> pulumi.Output[str]:
    """Declare the rule and its targets; the rule's name."""
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
    if violations.alarm is not None:
        aws.cloudwatch.MetricAlarm(
            f"{name}-violated-alarm", name=f"{schedule}-violations", **violations.alarm.args(rule.name), opts=child
        )
    return rule.name
