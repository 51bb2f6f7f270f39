"""Model package groups: created, described, listed, given a policy, deleted when they are empty. Source: the SageMaker API reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Record, Resource
from fogbank.cloud.ground.store import Document

GROUP = Kind(
    path="model-package-group",
    stem="ModelPackageGroup",
    key="ModelPackageGroupName",
    arn="ModelPackageGroupArn",
    missing=lambda arn: validation(f"ModelPackageGroup {arn} does not exist."),
    taken=lambda arn: validation(f"Model Package Group already exists: {arn}"),
    listing=Listing(
        operation="ListModelPackageGroups",
        answer="ModelPackageGroupSummaryList",
        name="ModelPackageGroupName",
        page_size=10,
        newest_first=False,
    ),
)


@dataclass(frozen=True, kw_only=True)
class GroupState:
    """`versions` is how many were ever made: a number is never given twice."""

    versions: int = 0
    policy: str = ""

    def encode(self) -> Document:
        """As JSON values."""
        return {"versions": self.versions, "policy": self.policy}

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        return cls(versions=document.get("versions", 0), policy=document.get("policy", ""))


class Groups(Resource[GroupState]):
    """The groups of every region."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(GROUP, GroupState, ground)

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers, but for the deletion, which looks at what is in a group."""
        return {
            **super().operations(),
            "CreateModelPackageGroup": self.create,
            "PutModelPackageGroupPolicy": self.put_policy,
            "GetModelPackageGroupPolicy": self.policy,
            "DeleteModelPackageGroupPolicy": self.delete_policy,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """A group without packages."""
        public = {**params, "ModelPackageGroupStatus": "Completed", "CreatedBy": {}}
        record = self.add(scope, params["ModelPackageGroupName"], public, GroupState())
        return {"ModelPackageGroupArn": record.public["ModelPackageGroupArn"]}

    def describe(self, scope: Scope, params: Params) -> Params:
        """By name or ARN."""
        return self.named(scope, params["ModelPackageGroupName"]).public

    def named(self, scope: Scope, name: str) -> Record[GroupState]:
        """The group of a name or an ARN, in which names are in lower case. Raises ValidationException."""
        if not name.startswith("arn:"):
            return self.get(scope.region, name)
        found = next((record for record in self.all(scope.region) if record.public[GROUP.arn] == name), None)
        if found is None:
            raise GROUP.missing(name)
        return found

    def next_version(self, scope: Scope, name: str) -> int:
        """The number of a group's new version, which is taken with that."""
        with self.lock:
            record = self.get(scope.region, name)
            number = record.state.versions + 1
            self.put(replace(record, state=replace(record.state, versions=number)))
        return number

    def put_policy(self, scope: Scope, params: Params) -> Params:
        """Kept, and answered; nothing asks it."""
        record = self._with_policy(scope, params["ModelPackageGroupName"], params["ResourcePolicy"])
        return {"ModelPackageGroupArn": record.public["ModelPackageGroupArn"]}

    def policy(self, scope: Scope, params: Params) -> Params:
        """The policy. Raises ValidationException where there is none."""
        record = self.get(scope.region, params["ModelPackageGroupName"])
        if not record.state.policy:
            raise ApiError("ValidationException", f"Cannot find resource policy for: {record.public[GROUP.arn]}")
        return {"ResourcePolicy": record.state.policy}

    def delete_policy(self, scope: Scope, params: Params) -> Params:
        """Forget it."""
        self._with_policy(scope, params["ModelPackageGroupName"], "")
        return {}

    def _with_policy(self, scope: Scope, name: str, policy: str) -> Record[GroupState]:
        with self.lock:
            record = self.get(scope.region, name)
            changed = replace(record, state=replace(record.state, policy=policy))
            self.put(changed)
        return changed
