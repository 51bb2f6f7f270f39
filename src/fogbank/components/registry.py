"""ModelRegistry: a version of a model package group for each package, with its metrics, its digests and what it was made of; and approval
as a gate in front of what serves it.

pulumi-aws has the group alone: a version is `ModelVersion`, a type of fogbank's own provider, which makes the group where there is none.
"""

from __future__ import annotations

import json

import pulumi

from fogbank.components.rollout import where
from fogbank.components.service import ModelService
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.names import check_name
from fogbank.contracts.tokens import MODEL_REGISTRY, MODEL_VERSION

TYPES = ["text/csv", "application/json"]


class ModelVersion(pulumi.CustomResource):
    """A registered package. Outputs: `arn`, `version`, `approval`."""

    arn: pulumi.Output[str]
    version: pulumi.Output[str]
    approval: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        group: str,
        digest: str,
        request: pulumi.Input[str],
        gate: bool,
        force_destroy: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        flags = {"gate": "true" if gate else None, "forceDestroy": "true" if force_destroy else None}
        outputs = {"arn": None, "version": None, "approval": None}
        arguments = {"group": group, "digest": digest, "request": request, **flags, **outputs, **where()}
        super().__init__(MODEL_VERSION, name, arguments, opts)


class ModelRegistry(pulumi.ComponentResource):
    """The package of a service as a version of the model package group `group` (by default the component's name).

    With `gate` a version waits for its approval (PendingManualApproval), and so does what is declared of the service from then on: the `up`
    says so and fails, what is live stays, and the same `up` goes on once the version is Approved. `force_destroy` lets versions and the
    group go with the stack, for stacks that may be lost: otherwise they stay, as a record.

    Outputs: `version_arn`, `version`, `approval`.
    """

    def __init__(
        self,
        name: str,
        *,
        service: ModelService,
        group: str | None = None,
        gate: bool = True,
        force_destroy: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if service.others is not None:
            raise ValueError("a version holds one package: register a service without others")
        group = check_name("group", group or name)
        super().__init__(MODEL_REGISTRY, name, None, opts)
        package = service.package
        version = ModelVersion(
            f"{name}-version",
            group=group,
            digest=package.package_sha256,
            request=pulumi.Output.all(service.image, service.model_data_uri).apply(
                lambda known: version_request(package, *known)
            ),
            gate=gate,
            force_destroy=force_destroy,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*service.ready]),
        )
        service.ready.append(version)
        self.version_arn, self.version, self.approval = version.arn, version.version, version.approval
        self.register_outputs(
            {"version_arn": self.version_arn, "version": self.version, "approval": self.approval},
        )


def version_request(package: Manifest, image: str, data: str) -> str:
    """The CreateModelPackage request as JSON: what serves it, and as properties what it was measured at and made of."""
    inner = package.package
    properties = {
        "artifact-sha256": package.artifact_sha256,
        "python": inner.python,
        "model-kind": inner.kind,
        **({"trained-sha256": inner.compilation.source_sha256} if inner.compilation.source_sha256 else {}),
        **{f"metric-{metric}": f"{value:.6g}" for metric, value in sorted(inner.metrics.items())},
    }
    document = {
        "ModelPackageDescription": f"{package.name} {package.package_sha256[:12]}",
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": data, "Environment": package.environment}],
            "SupportedContentTypes": TYPES,
            "SupportedResponseMIMETypes": TYPES,
        },
        "CustomerMetadataProperties": properties,
    }
    return json.dumps(document, sort_keys=True)
