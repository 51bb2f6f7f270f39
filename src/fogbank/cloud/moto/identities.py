"""Policies as moto keeps them: of roles, of who may assume them, of buckets, queues and functions.

In: an ARN; out: documents. Nothing is made by looking.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fogbank.cloud.moto.internals import bucket, queue
from fogbank.ground.aws import LOCAL_ACCOUNT


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A role's policies, the document that says who may assume it, and its boundary; None for one that has none."""

    policies: tuple[str, ...]
    trust: str
    boundary: str | None


def role(arn: str) -> Identity | None:
    """A role of this account; None where it is not there."""
    from moto.iam.models import iam_backends

    backend: Any = iam_backends[LOCAL_ACCOUNT].get("aws") if LOCAL_ACCOUNT in iam_backends else None
    name = arn.rpartition("/")[2] if f":{LOCAL_ACCOUNT}:" in arn else ""
    found: Any = next((each for each in backend.roles.values() if each.name == name), None) if backend else None
    if found is None:
        return None
    boundary = backend.managed_policies.get(found.permissions_boundary_arn) if found.permissions_boundary_arn else None
    managed = [_default(policy) for policy in found.managed_policies.values()]
    trust = found.assume_role_policy_document
    return Identity(
        policies=(*(_text(policy) for policy in found.policies.values()), *managed),
        trust=_text(trust),
        boundary=_default(boundary) if boundary is not None else None,
    )


def managed(arn: str) -> str | None:
    """A managed policy's document, of this account's or AWS's own; None where it is not there."""
    from moto.iam.models import iam_backends

    backend: Any = iam_backends[LOCAL_ACCOUNT].get("aws") if LOCAL_ACCOUNT in iam_backends else None
    policy = backend.managed_policies.get(arn) if backend else None
    return None if policy is None else _default(policy)


def of_resource(arn: str) -> list[str]:
    """The policies of a resource's own: of a bucket for what is in it too, of a queue, a topic, a function."""
    _, _, service, region, _, name = (*arn.split(":", 5), "", "", "", "", "")[:6]
    if service == "s3":
        known = bucket(name.partition("/")[0])
        return [_text(known.policy)] if known is not None and known.policy else []
    if service == "sqs":
        found = queue(LOCAL_ACCOUNT, region, name)
        return [_text(found.policy)] if found is not None and found.policy else []
    if service == "sns":
        return _of_topic(arn, region)
    if service == "lambda":
        return _of_function(region, name.removeprefix("function:"))
    return []


def _of_topic(arn: str, region: str) -> list[str]:
    from moto.sns.models import sns_backends

    backend: Any = sns_backends[LOCAL_ACCOUNT].get(region) if LOCAL_ACCOUNT in sns_backends else None
    topic: Any = backend.topics.get(arn) if backend else None
    return [_text(topic.policy)] if topic is not None else []


def _of_function(region: str, name: str) -> list[str]:
    from moto.awslambda.models import lambda_backends

    backend: Any = lambda_backends[LOCAL_ACCOUNT].get(region) if LOCAL_ACCOUNT in lambda_backends else None
    try:
        function: Any = backend.get_function(name.partition(":")[0]) if backend else None
    except Exception:  # noqa: BLE001 - moto's ways of saying that it is not there
        return []
    if function is None or not function.policy.statements:
        return []
    return [json.dumps(function.policy.get_policy()["Policy"])]


def _default(policy: Any) -> str:
    version = next(
        (each for each in policy.versions if each.version_id == policy.default_version_id), policy.versions[0]
    )
    return _text(version.document)


def _text(document: Any) -> str:
    return (
        document.decode()
        if isinstance(document, bytes)
        else document
        if isinstance(document, str)
        else json.dumps(document)
    )
