"""An endpoint's variants that scale, declared: targets, policies, and what wakes an asynchronous endpoint that has no instance."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from fogbank.components.scaling import Scaling, resource_id, waking_alarm
from fogbank.components.variants import Provisioned, Variant


def scaled(
    component: pulumi.Resource,
    name: str,
    endpoint: str,
    variants: Sequence[Variant],
    rollout: pulumi.Resource,
    *,
    asynchronous: bool,
) -> None:
    """Let variants scale that are to; a variant is there when the rollout is."""
    for variant in variants:
        scaling = variant.on.scaling if isinstance(variant.on, Provisioned) else None
        if not isinstance(scaling, Scaling):
            continue
        options = pulumi.ResourceOptions(parent=component, depends_on=[rollout])
        target = aws.appautoscaling.Target(
            f"{name}-{variant.name}-scaled",
            resource_id=resource_id(endpoint, variant.name),
            **scaling.target_args(),
            opts=options,
        )
        aws.appautoscaling.Policy(
            f"{name}-{variant.name}-scaling",
            resource_id=target.resource_id,
            **scaling.policy_args(endpoint if asynchronous else ""),
            opts=pulumi.ResourceOptions(parent=component),
        )
        if not scaling.least:
            _woken(component, f"{name}-{variant.name}", f"{endpoint}-{variant.name}", endpoint, target, scaling)


def _woken(
    component: pulumi.Resource, name: str, alarm: str, endpoint: str, target: aws.appautoscaling.Target, scaling: Scaling
) -> None:  # fmt: skip
    """Target tracking brings no first instance: without one there is no metric for each."""
    policy = aws.appautoscaling.Policy(
        f"{name}-waking",
        resource_id=target.resource_id,
        **scaling.waking_args(),
        opts=pulumi.ResourceOptions(parent=component),
    )
    aws.cloudwatch.MetricAlarm(
        f"{name}-waits",
        name=f"{alarm}-waits",
        **waking_alarm(endpoint),
        alarm_actions=[policy.arn],
        opts=pulumi.ResourceOptions(parent=component),
    )
