"""What a job may do besides what every container of its service may, under the service's own role: its prefixes, and an image of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.execution import data_policy, keys_policy
from fogbank.components.service import ModelService


def granted(
    name: str,
    component: pulumi.Resource,
    service: ModelService,
    *,
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
    image: pulumi.Input[str] = "",
) -> list[pulumi.Resource]:
    """Declare it, where it is anything; a role that was brought is its owner's. `reads` and `writes` are what keys begin with."""
    if service.role is None or not (reads or writes or image):
        return []
    policy = pulumi.Output.all(service.bucket_arn, Account.of(component).partition, image).apply(
        lambda known: data_policy(known[0], known[1], reads, writes, known[2])
    )
    options = pulumi.ResourceOptions(parent=component)
    return [aws.iam.RolePolicy(f"{name}-data-policy", role=service.role.name, policy=policy, opts=options)]


def ciphering(
    name: str, component: pulumi.Resource, services: Sequence[ModelService], keys: Sequence[pulumi.Input[str] | None]
) -> list[pulumi.Resource]:
    """Let the roles of these services write, and read again, by these keys; a role that was brought is its owner's, one of several is asked once."""
    given = [key for key in keys if key is not None]
    roles = {id(service): service.role for service in services if service.role is not None} if given else {}
    account = Account.of(component)
    policy = (
        pulumi.Output.all(account.partition, account.id, *given).apply(lambda known: keys_policy(*known))
        if roles
        else ""
    )
    options = pulumi.ResourceOptions(parent=component)
    return [
        aws.iam.RolePolicy(
            f"{name}-keys-policy" + (f"-{number}" if number else ""), role=role.name, policy=policy, opts=options
        )
        for number, role in enumerate(roles.values())
    ]


def folder(prefix: str) -> str:
    """A prefix as keys begin with it, and nothing beside it.

    >>> folder("/batch/out"), folder("batch/out/")
    ('batch/out/', 'batch/out/')
    """
    return f"{prefix.strip('/')}/"


def once_too(prefix: str) -> list[str]:
    """A prefix, and that of `fogbank transform`, which runs a schedule's job over one file, now.

    >>> once_too("batch/in/")
    ['batch/in/', 'batch/in-once/']
    """
    return [prefix.lstrip("/"), f"{prefix.strip('/')}-once/"]
