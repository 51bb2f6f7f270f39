"""A Lambda function of a component's own: its code, a log that is kept for so long, a role that may do what is said and write that log, and the rules
that call it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.contracts.names import shortened

RUNTIME = "python3.12"
LONGEST_BASE = 64 - 27
MOST_VARIABLES = 4096
"""Bytes, of the names and values as JSON. Source: the Lambda Developer Guide, "Lambda quotas"."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """A module alone, and the function in it that is called. It may work for `timeout_s`; what it writes is kept for `log_days`. Lambda gives a
    share of a processor by `memory_mb` (1,769 are one): in its own 128 MB boto3 alone takes seconds to import."""

    module: Path
    entry: str
    timeout_s: int
    log_days: int
    memory_mb: int = 512


def function(
    component: pulumi.Resource,
    name: str,
    code: Code,
    *,
    may: pulumi.Input[Sequence[Mapping[str, Any]]],
    variables: Mapping[str, pulumi.Input[str]],
    boundary: str | None,
    needs: Sequence[pulumi.Resource] = (),
    kms_key: pulumi.Input[str] | None = None,
) -> aws.lambda_.Function:
    """Declare it. `may` are statements of a policy, `boundary` is the ARN of what bounds its role; `needs` are there before it; `kms_key` is the
    ARN of the key that encrypts the bucket it works on, if any does."""
    child = pulumi.ResourceOptions(parent=component)
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=Account.of(component).trust("lambda.amazonaws.com"),
        permissions_boundary=boundary,
        opts=child,
    )
    group = aws.cloudwatch.LogGroup(
        f"{name}-log", name_prefix=f"/aws/lambda/{base_name(name)}-", retention_in_days=code.log_days, opts=child
    )
    allowed = aws.iam.RolePolicy(
        f"{name}-role-policy",
        role=role.name,
        policy=pulumi.Output.all(may, group.arn, kms_key or "").apply(lambda known: policy(*known)),
        opts=child,
    )
    return aws.lambda_.Function(
        f"{name}-function",
        name=group.name.apply(lambda known: known.removeprefix("/aws/lambda/")),
        role=role.arn,
        runtime=RUNTIME,
        handler=f"{code.module.stem}.{code.entry}",
        code=pulumi.AssetArchive({code.module.name: pulumi.FileAsset(str(code.module))}),
        timeout=code.timeout_s,
        memory_size=code.memory_mb,
        environment={"variables": pulumi.Output.all(**variables).apply(lambda known: fitting(name, known))},
        opts=pulumi.ResourceOptions(parent=component, depends_on=[allowed, *needs]),
    )


def base_name(name: str) -> str:
    """What a function's name begins with: the 26 characters that Terraform's `name_prefix` adds, and a hyphen, fit into Lambda's 64.

    >>> base_name("scores"), len(base_name("x" * 60))
    ('scores', 37)
    """
    return name if len(name) <= LONGEST_BASE else shortened(name, LONGEST_BASE)


def fitting(name: str, variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, if Lambda takes them: 4 KB together. Raises pulumi.RunError."""
    size = len(json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MOST_VARIABLES:
        largest = max(variables, key=lambda key: len(variables[key]))
        raise pulumi.RunError(
            f"the function of {name} has {size} bytes of environment variables, and Lambda takes {MOST_VARIABLES}; {largest} is the largest: "
            "give it fewer parameters or tags"
        )
    return variables


def policy(statements: Sequence[Mapping[str, Any]], log_group: str, kms_key: str = "") -> str:
    """What is said, writing one log, working with one key if there is one, and nothing else."""
    writing = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{log_group}:*"}
    key = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": kms_key}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, writing, *([key] if kms_key else [])]})


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
