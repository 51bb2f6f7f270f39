"""What an explaining monitor may do besides: a shadow endpoint of the model, under the service's own role."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.execution import shadow_policy
from fogbank.components.service import ModelService


def shadowed(name: str, component: pulumi.Resource, service: ModelService) -> list[pulumi.Resource]:
    """Declare it; a role that was brought is its owner's."""
    if service.role is None:
        return []
    account = Account.of(component)
    policy = pulumi.Output.all(account.partition, account.id, service.model_name).apply(
        lambda known: shadow_policy(*known)
    )
    options = pulumi.ResourceOptions(parent=component)
    return [aws.iam.RolePolicy(f"{name}-shadow-policy", role=service.role.name, policy=policy, opts=options)]
