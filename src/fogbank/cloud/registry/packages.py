"""Model packages: versions of a group, which wait for approval, and packages of a name of their own. Source: the SageMaker API reference.

In: calls; out: records, and the containers that a model of a package has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, Record, Resource
from fogbank.cloud.ground.store import Document
from fogbank.cloud.registry.groups import Groups

PACKAGE = Kind(
    path="model-package",
    stem="ModelPackage",
    key="ModelPackageName",
    arn="ModelPackageArn",
    missing=lambda arn: validation(f"ModelPackage {arn} does not exist."),
    taken=lambda arn: validation(f"Model Package already exists: {arn}"),
    listing=Listing(
        operation="ListModelPackages",
        answer="ModelPackageSummaryList",
        name="_listed",
        page_size=10,
        newest_first=False,
    ),
)
PENDING, APPROVED = "PendingManualApproval", "Approved"
CHANGED = (
    "ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard", "ModelLifeCycle",
)  # fmt: skip
"""What UpdateModelPackage puts in the place of what was there."""


@dataclass(frozen=True, kw_only=True)
class PackageState:
    """`token` is what the caller named the request by that made it."""

    token: str = ""

    def encode(self) -> Document:
        """As JSON values."""
        return {"token": self.token}

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        return cls(token=document.get("token", ""))


class Packages(Resource[PackageState]):
    """The packages of every region."""

    def __init__(self, ground: Ground, groups: Groups) -> None:
        super().__init__(PACKAGE, PackageState, ground)
        self._groups = groups

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            **super().operations(),
            "CreateModelPackage": self.create,
            "UpdateModelPackage": self.update,
            "BatchDescribeModelPackage": self.batch,
            "DeleteModelPackageGroup": self.delete_group,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """A version of a group, or a package of a name."""
        group, name = params.get("ModelPackageGroupName"), params.get("ModelPackageName")
        if bool(group) == bool(name):
            raise validation("Exactly one of ModelPackageName and ModelPackageGroupName must be given.")
        if not params.get("InferenceSpecification") and not params.get("SourceUri"):
            raise validation("An InferenceSpecification or a SourceUri must be given.")
        token = params.get("ClientToken", "")
        again = [record for record in self.all(scope.region) if token and record.state.token == token]
        if again:
            return {"ModelPackageArn": again[0].public["ModelPackageArn"]}
        public = {key: value for key, value in params.items() if key not in {"ClientToken", "ModelPackageGroupName"}}
        status = {
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        if group:
            name = self._groups.named(scope, group).name
            version = self._groups.next_version(scope, name)
            versioned = {
                "ModelPackageGroupName": name,
                "ModelPackageVersion": version,
                "ModelPackageName": f"{name}/{version}",
            }
            public = {"ModelApprovalStatus": PENDING, **public, **versioned}
            name = f"{name}/{version}"
        record = self.add(scope, str(name), {**public, **status, "CreatedBy": {}}, PackageState(token=token))
        if group:
            self.events.emit(PACKAGE.path, scope.region, record.name, public["ModelApprovalStatus"])
        return {"ModelPackageArn": record.public["ModelPackageArn"]}

    def describe(self, scope: Scope, params: Params) -> Params:
        """By name or ARN."""
        return self.named(scope, params["ModelPackageName"]).public

    def summaries(self, scope: Scope, params: Params) -> Params:
        """One page: packages of a name of their own, unless a group or the type says otherwise."""
        params = dict(params)
        group, kind = params.pop("ModelPackageGroupName", None), params.pop("ModelPackageType", None)
        name = self._groups.named(scope, group).name if group else None
        kind = kind or ("Versioned" if group else "Unversioned")
        records = [
            {**self.summary(record), "_listed": record.name}
            for record in self.all(scope.region)
            if name in {None, record.public.get("ModelPackageGroupName")}
            and (kind == "Both" or (kind == "Versioned") == ("ModelPackageVersion" in record.public))
        ]
        return self.kind.listing.page(records, params)

    def update(self, scope: Scope, params: Params) -> Params:
        """Change what is said, and nothing else: an approval stays. Raises ValidationException."""
        with self.lock:
            record = self.named(scope, params["ModelPackageArn"])
            if "ModelApprovalStatus" in params and "ModelPackageVersion" not in record.public:
                raise validation("ModelApprovalStatus is of versioned model packages alone.")
            changes: dict[str, Any] = {key: params[key] for key in CHANGED if key in params}
            kept = record.public.get("CustomerMetadataProperties") or {}
            removed = params.get("CustomerMetadataPropertiesToRemove", [])
            metadata = {**kept, **params.get("CustomerMetadataProperties", {})}
            changes["CustomerMetadataProperties"] = {k: v for k, v in metadata.items() if k not in removed} or None
            added = params.get("AdditionalInferenceSpecificationsToAdd", [])
            if added:
                before = record.public.get("AdditionalInferenceSpecifications", [])
                changes["AdditionalInferenceSpecifications"] = [*before, *added]
            self.change(scope.region, record.name, **changes, LastModifiedBy={})
        self.events.emit(PACKAGE.path, scope.region, record.name, changes.get("ModelApprovalStatus", "Updated"))
        return {"ModelPackageArn": record.public["ModelPackageArn"]}

    def batch(self, scope: Scope, params: Params) -> Params:
        """Up to a hundred by ARN; what is not there is an error of its own."""
        found, errors = {}, {}
        for arn in params["ModelPackageArnList"]:
            try:
                found[arn] = self.named(scope, arn).public
            except ApiError as error:
                errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
        return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}

    def delete(self, scope: Scope, params: Params) -> Params:
        """By name or ARN."""
        with self.lock:
            self.remove(scope.region, self.named(scope, params["ModelPackageName"]).name)
        return {}

    def delete_group(self, scope: Scope, params: Params) -> Params:
        """Delete a group that is empty. Raises ConflictException."""
        group = self._groups.named(scope, params["ModelPackageGroupName"])
        with self.lock:
            if any(record.public.get("ModelPackageGroupName") == group.name for record in self.all(scope.region)):
                arn = group.public["ModelPackageGroupArn"]
                raise ApiError(
                    "ConflictException", f"Model Package Group {arn} cannot be deleted: it contains Model Packages."
                )
            self._groups.remove(scope.region, group.name)
        return {}

    def named(self, scope: Scope, name: str) -> Record[PackageState]:
        """The package of a name, of `group/version`, or of an ARN. Raises ValidationException."""
        if not name.startswith("arn:"):
            return self.get(scope.region, name)
        found = next((record for record in self.all(scope.region) if record.public[PACKAGE.arn] == name), None)
        if found is None:
            raise PACKAGE.missing(name)
        return found

    def containers(self, region: str, name: str) -> list[Document]:
        """What a model of a package runs. Raises ValidationException, also for a version that is not approved."""
        package = self.named(Scope(region), name).public
        status = package.get("ModelApprovalStatus", APPROVED)
        if status != APPROVED:
            raise validation(
                f"Model package {package['ModelPackageArn']} is not approved: its ModelApprovalStatus is {status}."
            )
        containers: list[Document] = (package.get("InferenceSpecification") or {}).get("Containers", [])
        return containers
