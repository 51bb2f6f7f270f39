"""IAM: a role and its inline policy. The API's documents are URL-encoded text, and an update of a role is three calls.

What is updated in place: Terraform's aws_iam_role and aws_iam_role_policy (name, name_prefix, path and role force a new one).
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from fogbank.contracts import tokens
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.compare import policy_meaning
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, common_state, pairs, with_tags
from fogbank.provider.shapes import UNKNOWN

ROLE_KEYS = frozenset(
    {
        "name",
        "assumeRolePolicy",
        "description",
        "path",
        "maxSessionDuration",
        "forceDetachPolicies",
        "permissionsBoundary",
    }
)


def _policy_failures(key: str) -> Any:
    def failures(inputs: Properties) -> list[Failure]:
        text = inputs.get(key)
        if not isinstance(text, str) or text == UNKNOWN:
            return []
        try:
            json.loads(text)
        except ValueError as error:
            return [Failure(key, f"is not JSON: {error}")]
        return []

    return failures


def _same_policy(given: str | None, live: Any) -> str:
    """The policy as the program writes it, if the live one means the same."""
    text = unquote(live) if isinstance(live, str) else json.dumps(live)
    return given if given is not None and policy_meaning(given) == policy_meaning(text) else text


def create_role(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateRole."""
    optional = {
        "Description": inputs.get("description"),
        "Path": inputs.get("path"),
        "MaxSessionDuration": inputs.get("maxSessionDuration"),
        "PermissionsBoundary": inputs.get("permissionsBoundary"),
        "Tags": pairs(session.settings.tags(inputs.get("tags"))),
    }
    require(
        session.client("iam"),
        "CreateRole",
        RoleName=inputs["name"],
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        **{key: value for key, value in optional.items() if value},
    )
    return inputs["name"], _role_state(row, session, inputs)


def read_role(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetRole; a trust policy that means the same is no drift."""
    try:
        role = call(session.client("iam"), "GetRole", RoleName=id_)["Role"]
    except GoneError:
        return None
    live = {
        "name": id_,
        "assumeRolePolicy": _same_policy(inputs.get("assumeRolePolicy"), role["AssumeRolePolicyDocument"]),
        "description": role.get("Description") or "",
        "path": role["Path"],
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    }
    kept = {key: value for key, value in live.items() if key in inputs or value not in (None, row.meaning.default(key))}
    others = {key: value for key, value in inputs.items() if key not in {*live, "tags", "tagsAll"}}
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
    fresh = with_tags(session, inputs, {**others, **kept}, tags)
    return fresh, _role_state(row, session, fresh)


def update_role(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Trust policy, description, session length, boundary, tags."""
    iam, settings = session.client("iam"), session.settings
    require(iam, "UpdateAssumeRolePolicy", RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
    require(
        iam,
        "UpdateRole",
        RoleName=id_,
        Description=new.get("description") or "",
        MaxSessionDuration=int(new.get("maxSessionDuration") or 3600),
    )
    if boundary := new.get("permissionsBoundary"):
        require(iam, "PutRolePermissionsBoundary", RoleName=id_, PermissionsBoundary=boundary)
    elif old.get("permissionsBoundary"):
        require(iam, "DeleteRolePermissionsBoundary", RoleName=id_)
    before, after = old.get("tagsAll") or old.get("tags") or {}, settings.tags(new.get("tags"))
    if gone := sorted(key for key in set(before) - set(after) if not settings.is_ignored(key)):
        require(iam, "UntagRole", RoleName=id_, TagKeys=gone)
    if after:
        require(iam, "TagRole", RoleName=id_, Tags=pairs(after))
    return _role_state(row, session, new)


def delete_role(row: Row, session: Session, id_: str, state: Properties) -> None:
    """Delete; its inline policies go first: an `up` that was killed may have left one that no state knows."""
    del row
    iam = session.client("iam")
    try:
        names = call(iam, "ListRolePolicies", RoleName=id_)["PolicyNames"]
    except GoneError:
        return
    for name in names:
        ensure_gone(iam, "DeleteRolePolicy", RoleName=id_, PolicyName=name)
    if state.get("forceDetachPolicies"):
        for policy in require(iam, "ListAttachedRolePolicies", RoleName=id_)["AttachedPolicies"]:
            ensure_gone(iam, "DetachRolePolicy", RoleName=id_, PolicyArn=policy["PolicyArn"])
    ensure_gone(iam, "DeleteRole", RoleName=id_)


def _role_state(row: Row, session: Session, inputs: Properties) -> Properties:
    role = require(session.client("iam"), "GetRole", RoleName=inputs["name"])["Role"]
    computed = {"arn": role["Arn"], "uniqueId": role["RoleId"], "createDate": role["CreateDate"].isoformat()}
    defaults = {"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False}
    state = {**defaults, **inputs, **computed, **common_state(session, row, inputs)}
    del state["region"]  # IAM has none
    return state


def put_policy(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """PutRolePolicy; the id is `role:name`."""
    del row
    require(
        session.client("iam"),
        "PutRolePolicy",
        RoleName=inputs["role"],
        PolicyName=inputs["name"],
        PolicyDocument=inputs["policy"],
    )
    return f"{inputs['role']}:{inputs['name']}", dict(inputs)


def read_policy(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetRolePolicy; one that means the same is no drift."""
    del row
    role, _, name = id_.partition(":")
    try:
        answer = call(session.client("iam"), "GetRolePolicy", RoleName=role, PolicyName=name)
    except GoneError:
        return None
    policy = _same_policy(inputs.get("policy"), answer["PolicyDocument"])
    fresh = {**inputs, "role": role, "name": name, "policy": policy}
    return fresh, dict(fresh)


def update_policy(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """PutRolePolicy again."""
    del id_, old
    return put_policy(row, session, new)[1]


def delete_policy(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteRolePolicy."""
    del row, state
    role, _, name = id_.partition(":")
    ensure_gone(session.client("iam"), "DeleteRolePolicy", RoleName=role, PolicyName=name)


ROWS = (
    Row(
        token=tokens.ROLE,
        service="iam",
        computed=("uniqueId", "createDate"),
        auto_name=AutoName(longest=64),
        defaults={"path": "/", "maxSessionDuration": 3600, "description": ""},
        policies=frozenset({"assumeRolePolicy"}),
        in_place=frozenset(
            {"assumeRolePolicy", "description", "maxSessionDuration", "forceDetachPolicies", "permissionsBoundary"}
        ),
        only=ROLE_KEYS,
        checks=_policy_failures("assumeRolePolicy"),
        creates=create_role,
        reads=read_role,
        updates=update_role,
        deletes=delete_role,
    ),
    Row(
        token=tokens.ROLE_POLICY,
        service="iam",
        outputs={},
        auto_name=AutoName(longest=128),
        policies=frozenset({"policy"}),
        in_place=frozenset({"policy"}),
        only=frozenset({"name", "role", "policy"}),
        checks=_policy_failures("policy"),
        creates=put_policy,
        reads=read_policy,
        updates=update_policy,
        deletes=delete_policy,
    ),
)
