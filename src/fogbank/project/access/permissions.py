"""The least policies for calls that were made, and what of a policy calls need. Pure.

In: calls, as the local cloud's ledger has them, and policies; out: policies whose names are as general as a stack's own are: what Pulumi,
a clock or a digest put at a name's end is a star. Sources: IAM User Guide, "IAM JSON policy elements"; names by components/naming.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.cloud.enforcement.ledger import Call
from fogbank.cloud.enforcement.policy import Asked, verdict

MADE_UP = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|\d{8,}|[0-9a-f]{7})(?![0-9a-z])"
)
"""A UUID, a digest, a time, Pulumi's seven letters: what another deployment, or another run, has otherwise."""
DEPTH = 2
"""As many folders of a key say what it is of (`batch/in/`, `monitor/results/`); below are files, hours and digests."""
FREE = frozenset({"sts:GetCallerIdentity"})
"""What needs no permission."""
Statement = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the removal of a statement does: how many recorded calls IAM refuses then. None refused: it is not needed."""

    statement: Statement
    refused: int


def principal(name: str) -> str:
    """A principal's name in another deployment.

    >>> principal("churn-role-1a2b3c4"), principal("user")
    ('churn-role-*', 'user')
    """
    return MADE_UP.sub("*", name)


def general(resource: str | None) -> str:
    """A resource's ARN in another deployment, whose names are as this one's but for what was made up.

    >>> general("arn:aws:s3:::churn-bucket-1a2b3c4/batch/in/rows.csv")
    'arn:aws:s3:::churn-bucket-*/batch/in/*'
    >>> general("arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/churn-live-1a2b3c4")
    'arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/churn-live-*'
    >>> general(None)
    '*'
    """
    if resource is None:
        return "*"
    head, separator, name = resource.rpartition(":") if resource.count(":") > 5 else _cut(resource)
    if resource.startswith("arn:aws:s3:::"):
        bucket, slash, key = name.partition("/")
        folders = key.split("/")[:-1]
        said = next((number for number, folder in enumerate(folders) if MADE_UP.search(folder)), len(folders))
        kept = "".join(f"{folder}/" for folder in folders[: min(said, DEPTH)])
        return f"{head}{separator}{MADE_UP.sub('*', bucket)}{slash}{kept}{'*' if slash else ''}"
    return f"{head}{separator}{MADE_UP.sub('*', name)}"


def _cut(arn: str) -> tuple[str, str, str]:
    """An ARN before its sixth member, and that: an account's number is none that was made up."""
    parts = arn.split(":", 5)
    return ":".join(parts[:-1]), ":" if len(parts) > 1 else "", parts[-1]


def least(calls: Iterable[Call]) -> dict[str, Any]:
    """The least policy for calls: one statement for each set of resources that the same actions are done to."""
    actions: dict[tuple[str, str, str], set[str]] = {}
    for call in calls:
        if call.action not in FREE:
            actions.setdefault((general(call.resource), call.passed_to, listing(call)), set()).add(call.action)
    resources: dict[tuple[tuple[str, ...], str, str], list[str]] = {}
    for (resource, service, prefix), names in sorted(actions.items()):
        resources.setdefault((tuple(sorted(names)), service, prefix), []).append(resource)
    said = [_statement(names, places, service, prefix) for (names, service, prefix), places in resources.items()]
    return {"Version": "2012-10-17", "Statement": said}


def listing(call: Call) -> str:
    """What the keys that a call lists begin with in another deployment; empty for any, and for a call that lists none.

    >>> listing(Call(principal="p", action="s3:ListBucket", resource="arn:aws:s3:::b", prefix="capture/live/AllTraffic/2026/"))
    'capture/live/*'
    """
    return general(f"{call.resource}/{call.prefix}").partition("/")[2] if call.prefix else ""


def _statement(actions: Sequence[str], resources: Sequence[str], service: str, prefix: str) -> dict[str, Any]:
    conditions = {
        **({"StringEquals": {"iam:PassedToService": service}} if service else {}),
        **({"StringLike": {"s3:prefix": prefix}} if prefix else {}),
    }
    condition = {"Condition": conditions} if conditions else {}
    return {"Effect": "Allow", "Action": [*actions], "Resource": [*resources], **condition}


def refused(policy: Mapping[str, Any], calls: Iterable[Call]) -> list[Call]:
    """The calls that IAM would refuse under a policy alone."""
    document = json.dumps(policy)
    return [call for call in calls if call.action not in FREE and verdict([document], _asked(call)) != "allow"]


def removals(policy: Mapping[str, Any], calls: Sequence[Call]) -> list[Proof]:
    """What the removal of each statement does."""
    said = statements(policy)
    return [
        Proof(
            statement=statement,
            refused=len(refused({**policy, "Statement": [*said[:number], *said[number + 1 :]]}, calls)),
        )
        for number, statement in enumerate(said)
    ]


def statements(policy: Mapping[str, Any]) -> list[Statement]:
    """A policy's statements: IAM takes one without a list around it.

    >>> statements({"Statement": {"Effect": "Deny"}})
    [{'Effect': 'Deny'}]
    """
    said = policy.get("Statement", [])
    return said if isinstance(said, list) else [said]


def unused(policy: Mapping[str, Any], calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The parts of a policy's statements that no call needed: actions on resources that none did there, and denials that none met. One of
    all but some actions or resources is told as a whole."""
    found: list[dict[str, Any]] = []
    for statement in statements(policy):
        allowing = {**statement, "Effect": "Allow"}
        if "Action" not in statement or "Resource" not in statement:
            found += [] if _used(allowing, calls) else [{**statement}]
            continue
        left: dict[tuple[str, ...], list[str]] = {}
        for resource in listed(statement["Resource"]):
            one = {**allowing, "Resource": resource}
            silent = tuple(
                action for action in listed(statement["Action"]) if not _used({**one, "Action": action}, calls)
            )
            if silent:
                left.setdefault(silent, []).append(resource)
        found += [{**statement, "Action": [*actions], "Resource": resources} for actions, resources in left.items()]
    return found


def listed(value: Any) -> list[str]:
    """What IAM takes alone or in a list."""
    return value if isinstance(value, list) else [value]


def _used(statement: Statement, calls: Iterable[Call]) -> bool:
    document = json.dumps({"Statement": [statement]})
    return any(verdict([document], _asked(call)) == "allow" for call in calls)


def _asked(call: Call) -> Asked:
    passing = {"iam:passedtoservice": [call.passed_to]} if call.passed_to else {}
    prefix = {"s3:prefix": [call.prefix]} if call.prefix else {}
    return Asked(action=call.action, resource=call.resource, context={**passing, **prefix})
