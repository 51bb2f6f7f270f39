"""IAM's managed policies: one of them, a role's attachment of one, and the policies that a role itself lists.

What is updated in place: Terraform's aws_iam_policy (policy and tags; a new text is a new version, of which IAM keeps five) and
aws_iam_role_policy_attachment (nothing).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.compare import policy_meaning
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, pairs, with_tags
from fogbank.provider.shapes import UNKNOWN

POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
VERSIONS = 5
"""IAM User Guide, "IAM and AWS STS quotas": versions of a managed policy."""


def policy_failures(key: str) -> Callable[[Properties], list[Failure]]:
    """A check of an input: it is JSON."""

    def failures(inputs: Properties) -> list[Failure]:
        return not_json(key, inputs.get(key))

    return failures


def not_json(path: str, text: Any) -> list[Failure]:
    """Where a text is no JSON."""
    if not isinstance(text, str) or text == UNKNOWN:
        return []
    try:
        json.loads(text)
    except ValueError as error:
        return [Failure(path, f"is not JSON: {error}")]
    return []


def same_policy(given: str | None, live: Any) -> str:
    """The policy as the program writes it, if the live one means the same."""
    text = unquote(live) if isinstance(live, str) else json.dumps(live)
    return given if given is not None and policy_meaning(given) == policy_meaning(text) else text


def create_policy(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreatePolicy; the id is the ARN."""
    del row
    optional = {
        "Description": inputs.get("description"),
        "Path": inputs.get("path"),
        "Tags": pairs(session.settings.tags(inputs.get("tags"))),
    }
    answer = require(
        session.client("iam"),
        "CreatePolicy",
        PolicyName=inputs["name"],
        PolicyDocument=inputs["policy"],
        **{key: value for key, value in optional.items() if value},
    )
    return answer["Policy"]["Arn"], _policy_state(session, inputs, answer["Policy"])


def read_policy(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetPolicy and the text of its default version."""
    iam = session.client("iam")
    try:
        policy = call(iam, "GetPolicy", PolicyArn=id_)["Policy"]
        version = call(iam, "GetPolicyVersion", PolicyArn=id_, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    except GoneError:
        return None
    live = {
        "name": policy["PolicyName"],
        "path": policy["Path"],
        "description": policy.get("Description") or "",
        "policy": same_policy(inputs.get("policy"), version["Document"]),
    }
    kept = {key: value for key, value in live.items() if key in inputs or value != row.meaning.default(key)}
    others = {key: value for key, value in inputs.items() if key not in {*live, "tags", "tagsAll"}}
    tags = {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])}
    fresh = with_tags(session, inputs, {**others, **kept}, tags)
    return fresh, _policy_state(session, fresh, policy)


def update_policy(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """A new default version, for which the oldest one makes room; then the tags."""
    iam = session.client("iam")
    if "policy" in row.diff(old, new).changed:
        others = _other_versions(iam, id_)
        if len(others) >= VERSIONS - 1:
            require(iam, "DeletePolicyVersion", PolicyArn=id_, VersionId=others[0])
        require(iam, "CreatePolicyVersion", PolicyArn=id_, PolicyDocument=new["policy"], SetAsDefault=True)
    gone, changed = session.settings.tag_changes(old, new)
    if gone:
        require(iam, "UntagPolicy", PolicyArn=id_, TagKeys=gone)
    if changed:
        require(iam, "TagPolicy", PolicyArn=id_, Tags=pairs(changed))
    return _policy_state(session, new, require(iam, "GetPolicy", PolicyArn=id_)["Policy"])


def delete_policy(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeletePolicy, after its other versions."""
    del row, state
    iam = session.client("iam")
    try:
        others = _other_versions(iam, id_)
    except GoneError:
        return
    for version in others:
        ensure_gone(iam, "DeletePolicyVersion", PolicyArn=id_, VersionId=version)
    ensure_gone(iam, "DeletePolicy", PolicyArn=id_)


def _other_versions(iam: Any, arn: str) -> list[str]:
    """The versions that are not the default, the oldest first. Raises GoneError."""
    versions = call(iam, "ListPolicyVersions", PolicyArn=arn)["Versions"]
    others = [version["VersionId"] for version in versions if not version["IsDefaultVersion"]]
    return sorted(others, key=lambda name: int(name.removeprefix("v")))


def _policy_state(session: Session, inputs: Properties, policy: Properties) -> Properties:
    computed = {
        "arn": policy["Arn"],
        "policyId": policy["PolicyId"],
        "attachmentCount": policy.get("AttachmentCount", 0),
        "tagsAll": session.settings.tags(inputs.get("tags")),
    }
    return {"path": "/", **inputs, **computed}


def attach(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """AttachRolePolicy; the id is `role/arn`."""
    del row
    role, arn = inputs["role"], inputs["policyArn"]
    require(session.client("iam"), "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    return f"{role}/{arn}", dict(inputs)


def read_attachment(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """Whether the policy is among the role's."""
    del row
    role, _, arn = id_.partition("/")
    try:
        attached = attached_arns(session.client("iam"), role)
    except GoneError:
        return None
    fresh = {**inputs, "role": role, "policyArn": arn}
    return (fresh, dict(fresh)) if arn in attached else None


def detach(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DetachRolePolicy."""
    del row, state
    role, _, arn = id_.partition("/")
    ensure_gone(session.client("iam"), "DetachRolePolicy", RoleName=role, PolicyArn=arn)


def attached_arns(iam: Any, role: str) -> list[str]:
    """The managed policies of a role. Raises GoneError."""
    pages: list[str] = []
    answer = call(iam, "ListAttachedRolePolicies", RoleName=role)
    while True:
        pages += [policy["PolicyArn"] for policy in answer["AttachedPolicies"]]
        if not answer.get("IsTruncated"):
            return pages
        answer = call(iam, "ListAttachedRolePolicies", RoleName=role, Marker=answer["Marker"])


ROWS = (
    Row(
        token=POLICY,
        service="iam",
        computed=("policyId", "attachmentCount"),
        auto_name=AutoName(longest=128),
        defaults={"path": "/", "description": ""},
        policies=frozenset({"policy"}),
        in_place=frozenset({"policy"}),
        only=frozenset({"name", "path", "description", "policy"}),
        checks=policy_failures("policy"),
        creates=create_policy,
        reads=read_policy,
        updates=update_policy,
        deletes=delete_policy,
    ),
    Row(
        token=ATTACHMENT,
        service="iam",
        outputs={},
        only=frozenset({"role", "policyArn"}),
        creates=attach,
        reads=read_attachment,
        deletes=detach,
    ),
)
