"""Image: the package's container image as a resource, built and pushed by `pulumi up`, its digest handed on.

It is a type of fogbank's own provider, which the engine finds as `pulumi-resource-fogbank` on PATH (in the project's environment).
"""

from __future__ import annotations

import pulumi

from fogbank.contracts.dependencies import MACHINES
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.tokens import IMAGE


class Image(pulumi.CustomResource):
    """A package's container image.

    `package` is the manifest of `fogbank pack`; `repository` where the image is pushed, such as
    `123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn` (ECR's token comes through boto3, with the stack's `aws:profile`). Without
    a repository the image is built into the package's folder, for a local cloud whose instances are containers. `platform` is
    `linux/amd64`, or `linux/arm64` for Graviton instances. Needs no container engine.

    Outputs: `uri`, which names the image by its digest, for a model; `digest`.
    """

    uri: pulumi.Output[str]
    digest: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        package: Manifest,
        repository: pulumi.Input[str] | None = None,
        platform: str = "linux/amd64",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if platform not in MACHINES:
            raise ValueError(f"platform must be one of {', '.join(MACHINES)}, not {platform!r}")
        arguments = {
            "package": str(package.folder.resolve()),
            "artifactSha256": package.artifact_sha256,
            "packageSha256": package.package_sha256,
            "platform": platform,
            "repository": repository,
            "profile": pulumi.Config("aws").get("profile"),
        }
        super().__init__(IMAGE, name, {**arguments, "uri": None, "digest": None}, opts)
