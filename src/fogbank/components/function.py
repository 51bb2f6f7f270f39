"""A Lambda function of a component's: one Python file, a role of its own that may do one thing, and a log that is kept for some days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account

RUNTIME = "python3.12"


def function(
    component: pulumi.Resource,
    name: str,
    handler: Path,
    *,
    allows: Callable[[pulumi.Output[str]], pulumi.Output[str]],
    environment: Mapping[str, pulumi.Input[str]],
    timeout_s: int,
    log_days: int,
    boundary: str | None,
) -> aws.lambda_.Function:
    """Declare it. `handler` is a file with a function `handler`; `allows` gives its role's policy, of the ARN of its log group."""
    child = pulumi.ResourceOptions(parent=component)
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=Account.of(component).trust("lambda.amazonaws.com"),
        permissions_boundary=boundary,
        opts=child,
    )
    group = aws.cloudwatch.LogGroup(
        f"{name}-log", name_prefix=f"/aws/lambda/{name}-", retention_in_days=log_days, opts=child
    )
    allowed = aws.iam.RolePolicy(f"{name}-role-policy", role=role.name, policy=allows(group.arn), opts=child)
    return aws.lambda_.Function(
        f"{name}-function",
        name=group.name.apply(lambda known: known.removeprefix("/aws/lambda/")),
        role=role.arn,
        runtime=RUNTIME,
        handler=f"{handler.stem}.handler",
        code=pulumi.AssetArchive({handler.name: pulumi.FileAsset(str(handler))}),
        timeout=timeout_s,
        environment={"variables": {**environment}},
        opts=pulumi.ResourceOptions(parent=component, depends_on=[allowed]),
    )


def logging_to(log_group: str) -> dict[str, Any]:
    """The statement by which a function writes its log."""
    return {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{log_group}:*"}


def started_by(component: pulumi.Resource, name: str, about: str, target: aws.lambda_.Function, **rule: Any) -> None:
    """Declare a rule of EventBridge, an EventRule of these arguments, that calls the function."""
    child = pulumi.ResourceOptions(parent=component)
    declared = aws.cloudwatch.EventRule(f"{name}-{about}", **rule, opts=child)
    permission = aws.lambda_.Permission(
        f"{name}-{about}-permission",
        action="lambda:InvokeFunction",
        function=target.name,
        principal="events.amazonaws.com",
        source_arn=declared.arn,
        opts=child,
    )
    aws.cloudwatch.EventTarget(
        f"{name}-{about}-target",
        rule=declared.name,
        arn=target.arn,
        opts=pulumi.ResourceOptions(parent=component, depends_on=[permission]),
    )
