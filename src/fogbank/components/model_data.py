"""What the containers of a service's Model load, as objects in its bucket, and the containers themselves.

In: a package, and others beside it; out: declared objects whose keys are their contents', and pulumi-aws's arguments of a Model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.naming import by_content, deployable
from fogbank.components.others import MultiModel, Others, Step
from fogbank.components.storage import Storage
from fogbank.contracts.manifest import Manifest
from fogbank.ground.digest import sha256_bytes

MODELS = "models"


class ModelData:
    """The objects of a service called `name`, in `storage`. `uri` is what its own container loads: an archive, or a prefix of several."""

    def __init__(
        self, component: pulumi.Resource, name: str, storage: Storage, package: Manifest, others: Others | None
    ) -> None:
        self._component, self._name, self._storage = component, name, storage
        self._package, self._others = package, others
        self.objects: list[aws.s3.BucketObjectv2] = []
        self.uri = self._several(others) if isinstance(others, MultiModel) else self._own()

    def arguments(self, image: pulumi.Output[str], environment: Mapping[str, str]) -> dict[str, Any]:
        """A Model's containers: the service's own with this image and environment, and others."""
        own: dict[str, Any] = {"image": image, "model_data_url": self.uri, "environment": environment}
        others = self._others
        if isinstance(others, MultiModel):
            return {"primary_container": {**own, **others.arguments}}
        if others is None:
            return {"primary_container": own}
        before, after = ([self._step(step) for step in steps] for steps in (others.before, others.after))
        return {"containers": [*before, {**own, "container_hostname": others.name}, *after], **others.arguments}

    def _own(self) -> pulumi.Output[str]:
        sha256 = self._package.artifact_sha256
        data = self._put(
            by_content(f"{self._name}-model-data", sha256), f"{MODELS}/{sha256}/model.tar.gz", self._package,
            aliases=[pulumi.Alias(name=f"{self._name}-model-data")],
        )  # fmt: skip
        return pulumi.Output.format("s3://{0}/{1}", data.bucket, data.key)

    def _several(self, others: MultiModel) -> pulumi.Output[str]:
        """A prefix that is there when all of them are."""
        prefix = f"{MODELS}/{others.digest(self._package)}"
        for model, package in others.packages(self._package).items():
            key = f"{prefix}/{model}.tar.gz"
            self._put(by_content(f"{self._name}-model-{model}", sha256_bytes(key.encode())), key, package)
        return pulumi.Output.all(*[each.bucket for each in self.objects]).apply(
            lambda known: f"s3://{known[0]}/{prefix}/"
        )

    def _step(self, step: Step) -> dict[str, Any]:
        """A further container, which loads an object of its own."""
        sha256 = step.package.artifact_sha256
        key = f"{MODELS}/{sha256}/{step.name}/model.tar.gz"
        data = self._put(by_content(f"{self._name}-{step.name}-data", sha256), key, step.package)
        return {
            "container_hostname": step.name,
            "image": pulumi.Output.from_input(step.image).apply(deployable),
            "model_data_url": pulumi.Output.format("s3://{0}/{1}", data.bucket, data.key),
            "environment": {**step.package.environment, **step.environment},
        }

    def _put(self, name: str, key: str, package: Manifest, **options: Any) -> aws.s3.BucketObjectv2:
        data = aws.s3.BucketObjectv2(
            name,
            bucket=self._storage.name,
            key=key,
            source=pulumi.FileAsset(str(package.artifact_path)),
            content_type="application/gzip",
            opts=pulumi.ResourceOptions(parent=self._component, depends_on=[*self._storage.ready], **options),
        )
        self.objects.append(data)
        return data
