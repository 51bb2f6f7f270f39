"""IAM's types: a role and its inline policy."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from fogbank.contracts import tokens
from fogbank.provider.resource import Allowed, Clients, Difference, Failure, Properties, ProvisionError, difference
from fogbank.provider.shapes import UNKNOWN


class Role:
    """aws.iam.Role."""

    token = tokens.ROLE
    _allowed = Allowed(
        keys=frozenset(
            {
                "name",
                "namePrefix",
                "assumeRolePolicy",
                "description",
                "path",
                "maxSessionDuration",
                "tags",
                "forceDetachPolicies",
            }
        ),
        required=frozenset({"assumeRolePolicy"}),
    )

    def check(self, inputs: Properties) -> list[Failure]:
        """Refuse what is not implemented and a policy that is not JSON."""
        return self._allowed.failures(inputs) + _policy_failures(inputs, "assumeRolePolicy")

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Name and path force a replacement."""
        return difference(
            old,
            new,
            frozenset(
                {"assumeRolePolicy", "description", "maxSessionDuration", "tags", "tagsAll", "forceDetachPolicies"}
            ),
        )

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Create the role."""
        iam = clients("iam")
        optional = {"Description": inputs.get("description"), "Path": inputs.get("path")}
        tags = [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]
        try:
            iam.create_role(
                RoleName=inputs["name"],
                AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
                MaxSessionDuration=int(inputs.get("maxSessionDuration") or 3600),
                Tags=tags,
                **{key: value for key, value in optional.items() if value},
            )
        except ClientError as error:
            raise ProvisionError(f"CreateRole: {error}") from error
        return inputs["name"], _role_state(iam, inputs)

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The role; a trust policy that means the same is no drift."""
        iam = clients("iam")
        try:
            found = iam.get_role(RoleName=id_)["Role"]
        except ClientError:
            return None
        fresh = {
            **inputs,
            "name": id_,
            "assumeRolePolicy": _policy(inputs.get("assumeRolePolicy"), found["AssumeRolePolicyDocument"]),
        }
        if found.get("Description") and (not inputs or "description" in inputs):
            fresh["description"] = found["Description"]
        return fresh, _role_state(iam, fresh)

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """Trust policy, description, session length, tags."""
        iam = clients("iam")
        iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
        iam.update_role(
            RoleName=id_,
            Description=new.get("description") or "",
            MaxSessionDuration=int(new.get("maxSessionDuration") or 3600),
        )
        gone = sorted(set(old.get("tags") or {}) - set(new.get("tags") or {}))
        if gone:
            iam.untag_role(RoleName=id_, TagKeys=gone)
        if new.get("tags"):
            iam.tag_role(RoleName=id_, Tags=[{"Key": key, "Value": value} for key, value in new["tags"].items()])
        return _role_state(iam, new)

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Delete; a role with policies is an error, as on AWS."""
        try:
            clients("iam").delete_role(RoleName=id_)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise ProvisionError(f"DeleteRole: {error}") from error


class RolePolicy:
    """aws.iam.RolePolicy; its id is `role:name`."""

    token = tokens.ROLE_POLICY
    _allowed = Allowed(keys=frozenset({"name", "namePrefix", "role", "policy"}), required=frozenset({"role", "policy"}))

    def check(self, inputs: Properties) -> list[Failure]:
        """Refuse what is not implemented and a policy that is not JSON."""
        return self._allowed.failures(inputs) + _policy_failures(inputs, "policy")

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Only the policy is updated in place."""
        return difference(old, new, frozenset({"policy"}))

    def create(self, clients: Clients, inputs: Properties) -> tuple[str, Properties]:
        """Put the policy."""
        self._put(clients("iam"), inputs)
        return f"{inputs['role']}:{inputs['name']}", dict(inputs)

    def read(self, clients: Clients, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """The policy; one that means the same is no drift."""
        role, _, name = id_.partition(":")
        try:
            found = clients("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        except ClientError:
            return None
        fresh = {**inputs, "role": role, "name": name, "policy": _policy(inputs.get("policy"), found)}
        return fresh, dict(fresh)

    def update(self, clients: Clients, id_: str, old: Properties, new: Properties) -> Properties:
        """Put the policy again."""
        self._put(clients("iam"), new)
        return dict(new)

    def delete(self, clients: Clients, id_: str, state: Properties) -> None:
        """Delete the policy."""
        role, _, name = id_.partition(":")
        try:
            clients("iam").delete_role_policy(RoleName=role, PolicyName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise ProvisionError(f"DeleteRolePolicy: {error}") from error

    @staticmethod
    def _put(iam: Any, inputs: Properties) -> None:
        try:
            iam.put_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])
        except ClientError as error:
            raise ProvisionError(f"PutRolePolicy: {error}") from error


def _policy_failures(inputs: Properties, key: str) -> list[Failure]:
    text = inputs.get(key)
    if not isinstance(text, str) or text == UNKNOWN:
        return []
    try:
        json.loads(text)
    except ValueError as error:
        return [Failure(key, f"is not JSON: {error}")]
    return []


def _policy(given: str | None, found: Any) -> str:
    document = json.loads(unquote(found)) if isinstance(found, str) else found
    if given is not None and json.loads(given) == document:
        return given
    return json.dumps(document)


def _role_state(iam: Any, inputs: Properties) -> Properties:
    found = iam.get_role(RoleName=inputs["name"])["Role"]
    return {
        "path": "/",
        "maxSessionDuration": 3600,
        "forceDetachPolicies": False,
        **inputs,
        "arn": found["Arn"],
        "uniqueId": found["RoleId"],
        "createDate": found["CreateDate"].isoformat(),
        "tagsAll": inputs.get("tags") or {},
    }
