"""ModelVersion, a type of fogbank's own provider: a package as a version of a model package group, and the approval that it waits for.

In: the group, the package's digest and a CreateModelPackage request without group and approval, as JSON; out: the version's ARN, number
and approval. A digest is one version, whoever registers it again. With `gate` it is there when it is approved: until then the `up` fails,
and what depends on it stays as it is. A version that a program no longer names stays in the registry, which is a record, unless
`forceDestroy` says that it may be lost. Source: the SageMaker API reference, CreateModelPackage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.declarable import Allowed
from fogbank.provider.own import WHERE, AccountClients, replaced
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError
from fogbank.provider.shapes import UNKNOWN

DIGEST = "fogbank-digest"
"""The property that a version's digest is kept in."""
APPROVED, PENDING = "Approved", "PendingManualApproval"


@dataclass(frozen=True)
class ModelVersionType:
    """The verbs of the type."""

    clients: AccountClients
    inputs: ClassVar[Allowed] = Allowed(
        keys=frozenset({"group", "digest", "request", "gate", "forceDestroy"}) | WHERE,
        required=frozenset({"group", "digest", "request"}),
    )
    outputs: ClassVar[tuple[str, ...]] = ("arn", "version", "approval")
    auto_name: ClassVar[None] = None

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs, and what is refused."""
        failures = self.inputs.failures(inputs)
        if not failures and inputs["request"] != UNKNOWN and _decoded(inputs["request"]) is None:
            failures = [Failure("request", "must be a CreateModelPackage request as JSON")]
        return inputs, failures

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Another digest or group is another version; what else is said of it counts when it is registered."""
        changed = replaced(old, new, WHERE | {"request"})
        return Difference(changed.changed, tuple(key for key in changed.changed if key in {"group", "digest"}))

    def preview(self, inputs: Properties) -> Properties:
        """Its number is known when it is registered."""
        return {**inputs, "arn": UNKNOWN, "version": UNKNOWN, "approval": UNKNOWN}

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Register it, if nobody has. Raises ProvisionError for a version that is not approved, and has to be."""
        client = self.clients("sagemaker", inputs)
        arn = registered(client, inputs["group"], inputs["digest"]) or _register(client, inputs)
        state = _state(inputs, require(client, "DescribeModelPackage", ModelPackageName=arn))
        if inputs.get("gate") and state["approval"] != APPROVED:
            raise ProvisionError(_waiting(state))
        return arn, state

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """As the registry has it; one whose approval was taken back is gone for a program that needs it."""
        try:
            found = call(self.clients("sagemaker", inputs), "DescribeModelPackage", ModelPackageName=id_)
        except GoneError:
            return None
        state = _state(inputs, found)
        return None if inputs.get("gate") and state["approval"] != APPROVED else (inputs, state)

    def update(self, new: Properties) -> Properties:
        """The same version under other conditions. Raises ProvisionError as `create` does."""
        return self.create(new)[1]

    def delete(self, id_: str, state: Properties) -> None:
        """Forget it; or delete it, and the group with its last version."""
        if not state.get("forceDestroy"):
            return
        client, group = self.clients("sagemaker", state), state["group"]
        ensure_gone(client, "DeleteModelPackage", ModelPackageName=id_)
        if not require(client, "ListModelPackages", ModelPackageGroupName=group)["ModelPackageSummaryList"]:
            ensure_gone(client, "DeleteModelPackageGroup", ModelPackageGroupName=group)


def registered(client: Any, group: str, digest: str) -> str | None:
    """The version of a digest, if it was registered. Raises ProvisionError."""
    page: Properties = {}
    try:
        while True:
            page = call(client, "ListModelPackages", ModelPackageGroupName=group, MaxResults=100, **_next(page))
            for item in page["ModelPackageSummaryList"]:
                found = require(client, "DescribeModelPackage", ModelPackageName=item["ModelPackageArn"])
                if found.get("CustomerMetadataProperties", {}).get(DIGEST) == digest:
                    return str(item["ModelPackageArn"])
            if not page.get("NextToken"):
                return None
    except GoneError:
        return None


def _register(client: Any, inputs: Properties) -> str:
    group = inputs["group"]
    try:
        call(client, "DescribeModelPackageGroup", ModelPackageGroupName=group)
    except GoneError:
        require(client, "CreateModelPackageGroup", ModelPackageGroupName=group)
    request = _decoded(inputs["request"]) or {}
    properties = {**request.pop("CustomerMetadataProperties", {}), DIGEST: inputs["digest"]}
    made = require(
        client,
        "CreateModelPackage",
        ModelPackageGroupName=group,
        ModelApprovalStatus=PENDING if inputs.get("gate") else APPROVED,
        CustomerMetadataProperties=properties,
        **request,
    )
    return str(made["ModelPackageArn"])


def _next(page: Properties) -> Properties:
    return {"NextToken": page["NextToken"]} if page.get("NextToken") else {}


def _waiting(state: Properties) -> str:
    arn, status = state["arn"], state["approval"]
    return (
        f"version {state['version']} of {state['group']} is {status}, and what serves it waits for its approval: `aws sagemaker "
        f"update-model-package --model-package-arn {arn} --model-approval-status {APPROVED}`, then the same `up` again"
    )


def _state(inputs: Properties, found: Properties) -> Properties:
    own = {"arn": found["ModelPackageArn"], "version": str(found["ModelPackageVersion"])}
    return {**inputs, **own, "approval": found["ModelApprovalStatus"]}


def _decoded(text: Any) -> Properties | None:
    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        return None
    return document if isinstance(document, dict) else None
