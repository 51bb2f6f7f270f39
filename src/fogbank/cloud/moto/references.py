"""Whether what a request names is there: KMS keys and their aliases, subnets, security groups, queues, topics, functions, in moto's backends.

In: a kind of thing, a value, a region; out: why it is missing, in a sentence, or nothing. A subnet or a security group whose name
has not the form that AWS gives (`subnet-1`) is a placeholder: it cannot exist anywhere, and is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fogbank.cloud.moto.functions import find
from fogbank.ground.aws import LOCAL_ACCOUNT

AWS_FORM = re.compile(r"(subnet|sg)-([0-9a-f]{8}|[0-9a-f]{17})")
KMS_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<id>(key|alias)/.+)")
MANAGED = "alias/aws/"
"""Aliases of keys that AWS makes when they are first used."""


def missing(kind: str, value: str, region: str) -> str | None:
    """Why the thing is not there; None where it is, or where nobody can tell."""
    look = LOOKS[kind]
    return look(value, region)


def _key(value: str, region: str) -> str | None:
    arn = KMS_ARN.fullmatch(value)
    account = arn["account"] if arn else LOCAL_ACCOUNT
    name = arn["id"].removeprefix("key/") if arn else value
    if name.startswith(MANAGED):
        return None
    from moto.kms.models import kms_backends

    backend = _backend(kms_backends, account, arn["region"] if arn else region)
    known = backend is not None and (backend.alias_exists(name) if name.startswith("alias/") else name in backend.keys)
    return None if known else f"KMS key {value} does not exist"


def _subnet(value: str, region: str) -> str | None:
    if not AWS_FORM.fullmatch(value):
        return None
    from moto.ec2.models import ec2_backends

    backend = _backend(ec2_backends, LOCAL_ACCOUNT, region)
    known = backend is not None and any(value in subnets for subnets in backend.subnets.values())
    return None if known else f"The subnet ID '{value}' does not exist"


def _security_group(value: str, region: str) -> str | None:
    if not AWS_FORM.fullmatch(value):
        return None
    from moto.ec2.models import ec2_backends

    backend = _backend(ec2_backends, LOCAL_ACCOUNT, region)
    known = backend is not None and backend.get_security_group_from_id(value) is not None
    return None if known else f"The security group '{value}' does not exist"


def _told(kind: str, value: str, region: str) -> str | None:
    """Of a queue, a topic or a function by its ARN, which is one of that kind's service; what is in another account may be there."""
    _, _, service, _, account, *name = f"{value}:::::".split(":")
    own, has = TOLD[kind]
    if service != own:
        return f"{value} is no ARN of a {kind}"
    if account != LOCAL_ACCOUNT or has(region, name[0], value):
        return None
    return f"{value} does not exist"


def _has_queue(region: str, name: str, _: str) -> bool:
    from moto.sqs.models import sqs_backends

    backend = _backend(sqs_backends, LOCAL_ACCOUNT, region)
    return backend is not None and name in backend.queues


def _has_topic(region: str, _: str, arn: str) -> bool:
    from moto.sns.models import sns_backends

    backend = _backend(sns_backends, LOCAL_ACCOUNT, region)
    return backend is not None and arn in backend.topics


def _has_function(region: str, _: str, arn: str) -> bool:
    return find(region, arn, None, 0.0) is not None


TOLD: Mapping[str, tuple[str, Callable[[str, str, str], bool]]] = {
    "queue": ("sqs", _has_queue),
    "topic": ("sns", _has_topic),
    "function": ("lambda", _has_function),
}
"""A kind's service, and what looks for one by region, name and ARN."""
LOOKS: Mapping[str, Callable[[str, str], str | None]] = {
    "kms-key": _key,
    "subnet": _subnet,
    "security-group": _security_group,
    **{kind: partial(_told, kind) for kind in TOLD},
}


def _backend(backends: Any, account: str, region: str) -> Any | None:
    """A region's backend if it was made: to look is not to make one, which would draw moto's random numbers."""
    return backends[account].get(region) if account in backends else None
