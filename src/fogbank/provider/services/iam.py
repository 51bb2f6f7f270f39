"""IAM: a role and its inline policy. The API's documents are URL-encoded text, and an update of a role is three calls.

What is updated in place: Terraform's aws_iam_role and aws_iam_role_policy (name, name_prefix, path and role force a new one).
"""

from __future__ import annotations

from fogbank.contracts import tokens
from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, pairs, with_tags
from fogbank.provider.services.iam_own import INLINE, MANAGED, live_own, own_failures, put_own
from fogbank.provider.services.iam_policies import attached_arns, policy_failures, same_policy

ROLE_KEYS = frozenset(
    {
        "name",
        "assumeRolePolicy",
        "description",
        "path",
        "maxSessionDuration",
        "forceDetachPolicies",
        "permissionsBoundary",
        INLINE,
        MANAGED,
    }
)


def role_failures(inputs: Properties) -> list[Failure]:
    """Policies that are no JSON, and inline ones that lack something."""
    return policy_failures("assumeRolePolicy")(inputs) + own_failures(inputs)


def create_role(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateRole, and the policies that it lists itself."""
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
    try:
        put_own(session.client("iam"), inputs["name"], inputs)
    except ProvisionError:
        delete_role(row, session, inputs["name"], {"forceDetachPolicies": True})  # no state would know of it
        raise
    return inputs["name"], _role_state(row, session, inputs)


def read_role(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """GetRole; a trust policy that means the same is no drift."""
    iam = session.client("iam")
    try:
        role = call(iam, "GetRole", RoleName=id_)["Role"]
    except GoneError:
        return None
    live = {
        "name": id_,
        "assumeRolePolicy": same_policy(inputs.get("assumeRolePolicy"), role["AssumeRolePolicyDocument"]),
        "description": role.get("Description") or "",
        "path": role["Path"],
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        **live_own(iam, id_, inputs),
    }
    kept = {key: value for key, value in live.items() if key in inputs or value not in (None, row.meaning.default(key))}
    others = {key: value for key, value in inputs.items() if key not in {*live, "tags", "tagsAll"}}
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
    fresh = with_tags(session, inputs, {**others, **kept}, tags)
    return fresh, _role_state(row, session, fresh)


def update_role(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Trust policy, description, session length, boundary, the policies that it lists itself, tags."""
    iam = session.client("iam")
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
    put_own(iam, id_, new)
    gone, changed = session.settings.tag_changes(old, new)
    if gone:
        require(iam, "UntagRole", RoleName=id_, TagKeys=gone)
    if changed:
        require(iam, "TagRole", RoleName=id_, Tags=pairs(changed))
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
    if state.get("forceDetachPolicies") or state.get(MANAGED):
        for arn in attached_arns(iam, id_):
            ensure_gone(iam, "DetachRolePolicy", RoleName=id_, PolicyArn=arn)
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
    policy = same_policy(inputs.get("policy"), answer["PolicyDocument"])
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
        policies=frozenset({"assumeRolePolicy", f"{INLINE}[].policy"}),
        sets=frozenset({INLINE, MANAGED}),
        in_place=ROLE_KEYS - {"name", "path"},
        only=ROLE_KEYS,
        checks=role_failures,
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
        checks=policy_failures("policy"),
        creates=put_policy,
        reads=read_policy,
        updates=update_policy,
        deletes=delete_policy,
    ),
)
