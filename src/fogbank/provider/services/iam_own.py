"""The policies that a role lists itself: Terraform's `inline_policy` and `managed_policy_arns` of aws_iam_role.

Where a role declares such a list, it has these and no others; where it declares none, others may give it what they like.
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import Failure, Properties
from fogbank.provider.services.iam_policies import attached_arns, not_json, same_policy

INLINE, MANAGED = "inlinePolicies", "managedPolicyArns"


def own_failures(inputs: Properties) -> list[Failure]:
    """Inline policies without a name or a text, or whose text is no JSON."""
    listed = inputs.get(INLINE)
    failures = []
    for number, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, dict):
            where = f"{INLINE}[{number}]"
            failures += [Failure(f"{where}.{key}", "is required") for key in ("name", "policy") if not item.get(key)]
            failures += not_json(f"{where}.policy", item.get("policy"))
    return failures


def put_own(iam: Any, role: str, inputs: Properties) -> None:
    """Give a role what it lists, and take from it what it does not list."""
    if inputs.get(INLINE) is not None:
        wanted = {item["name"]: item["policy"] for item in inputs[INLINE]}
        for name in _inline_names(iam, role):
            if name not in wanted:
                ensure_gone(iam, "DeleteRolePolicy", RoleName=role, PolicyName=name)
        for name, policy in wanted.items():
            require(iam, "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=policy)
    if inputs.get(MANAGED) is not None:
        before = attached_arns(iam, role)
        for arn in sorted(set(inputs[MANAGED]) - set(before)):
            require(iam, "AttachRolePolicy", RoleName=role, PolicyArn=arn)
        for arn in sorted(set(before) - set(inputs[MANAGED])):
            ensure_gone(iam, "DetachRolePolicy", RoleName=role, PolicyArn=arn)


def live_own(iam: Any, role: str, inputs: Properties) -> Properties:
    """What the role has of the lists that it declares, in the order and the words of the program where it is the same."""
    live: Properties = {}
    if inputs.get(INLINE) is not None:
        given = {item["name"]: item["policy"] for item in inputs[INLINE]}
        names = _inline_names(iam, role)
        documents = {
            name: require(iam, "GetRolePolicy", RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        }
        live[INLINE] = [
            {"name": name, "policy": same_policy(given.get(name), documents[name])} for name in _ordered(names, given)
        ]
    if inputs.get(MANAGED) is not None:
        live[MANAGED] = _ordered(attached_arns(iam, role), inputs[MANAGED])
    return live


def _ordered(live: list[str], given: Any) -> list[str]:
    return [name for name in given if name in live] + sorted(set(live) - set(given))


def _inline_names(iam: Any, role: str) -> list[str]:
    names: list[str] = require(iam, "ListRolePolicies", RoleName=role)["PolicyNames"]
    return names
