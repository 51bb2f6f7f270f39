"""ModelService: what every use of a model needs. An artifact bucket, the model data in it, an execution role and the Model.

A changed handler or model is a new Model beside the old one, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.execution import execution_policy
from fogbank.components.model_data import ModelData
from fogbank.components.naming import beside_the_old, deployable
from fogbank.components.network import Network
from fogbank.components.others import MultiModel, Others, Pipeline
from fogbank.components.storage import Storage, brought, made
from fogbank.contracts.errors import FogbankError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.names import base_name, check_name
from fogbank.contracts.registries import for_gpus
from fogbank.contracts.tokens import MODEL_SERVICE

MONITOR = "monitor"
CAPTURE_DAYS = 90


def load_package(folder: Path) -> Manifest:
    """The manifest of a package folder, every digest checked; in a Pulumi program a problem is one readable error.

    Raises pulumi.RunError.
    """
    try:
        return load_manifest(folder)
    except FogbankError as error:
        raise pulumi.RunError(str(error)) from error


class ModelService(pulumi.ComponentResource):
    """A packaged model, ready to be served.

    `package` is the manifest of `fogbank pack`; `image` the container image that SageMaker runs, such as an `Image`'s `uri`
    (a local cloud whose instances are processes runs the package itself). `model_prefix` is what the Model's name begins with, as
    `stack_prefix` gives it: by default the component's name. `force_destroy` lets `destroy` delete the bucket
    with what is in it: for stacks that may be lost. Captured records, which may be personal data, are deleted after `capture_days`. The
    bucket takes requests over TLS alone.

    `bucket` is a bucket that is there: none is made then, and its access, encryption and lifecycle are its owner's. `kms_key` is the ARN of a
    key that encrypts the bucket that is made. `network` puts the model into a VPC, or cuts it off. `others` are packages beside it: a
    `MultiModel`'s in the same container, a `Pipeline`'s in containers of their own.

    The role that is made reads `models/`, `capture/` and `monitor/` of the bucket and writes `capture/` and `monitor/results/`; jobs that are
    declared get their own prefixes besides. What a handler reads elsewhere, a policy of yours on `role` lets it.
    `role_arn` is an execution role that is there: none is made then, and what it may do is its owner's. `permissions_boundary` is the ARN
    of a policy that bounds every role that is made for the service, its schedules' too.

    Outputs: `model_name`, `bucket`, `role_arn`.
    """

    def __init__(
        self,
        name: str,
        *,
        package: Manifest,
        image: pulumi.Input[str],
        environment: Mapping[str, str] | None = None,
        model_prefix: str | None = None,
        force_destroy: bool = False,
        capture_days: int = CAPTURE_DAYS,
        role_arn: pulumi.Input[str] | None = None,
        permissions_boundary: str | None = None,
        bucket: pulumi.Input[str] | None = None,
        kms_key: pulumi.Input[str] | None = None,
        network: Network | None = None,
        others: Others | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        prefix = check_name("model_prefix", model_prefix or name)
        if bucket is not None and (kms_key is not None or force_destroy):
            raise ValueError(
                "a bucket that is there is encrypted and deleted by its owner: take kms_key and force_destroy away"
            )
        if isinstance(others, MultiModel):
            others.packages(package)
        if capture_days < 1:
            raise ValueError(f"capture_days must be at least 1, not {capture_days}")
        super().__init__(MODEL_SERVICE, name, None, opts)
        account = Account.of(self)
        self.package = package
        self.network, self.others = network, others
        self._name, self._bucket_is_ours = name, bucket is None
        self._telling: aws.s3.BucketNotification | None = None
        storage = (
            made(name, self, force_destroy=force_destroy, capture_days=capture_days, kms_key=kms_key)
            if bucket is None
            else brought(bucket, account)
        )
        data = ModelData(self, name, storage, package, others)
        self.permissions_boundary, self.kms_key = permissions_boundary, kms_key
        self.role: aws.iam.Role | None = None
        needs: list[pulumi.Resource] = []
        self.image = pulumi.Output.from_input(image).apply(deployable)
        self.for_gpus = isinstance(image, str) and for_gpus(image)
        if role_arn is None:
            self.role, policy = self._role(name, account, storage, kms_key)
            role_arn, needs = self.role.arn, [policy]
        self.role_arn = pulumi.Output.from_input(role_arn)
        self.model_data_uri = data.uri
        variables = {**package.environment, **(environment or {})}
        arguments: dict[str, Any] = {
            "execution_role_arn": self.role_arn,
            **data.arguments(self.image, variables),
            **(network.args() if network else {}),
        }
        model = aws.sagemaker.Model(base_name(prefix), **arguments, opts=beside_the_old(self, needs))
        self.bucket, self.bucket_arn = storage.name, storage.arn
        self.model_name = model.name
        self.ready: list[pulumi.Resource] = [*needs, *data.objects]
        self.register_outputs({"model_name": self.model_name, "bucket": self.bucket, "role_arn": self.role_arn})

    def _role(
        self, name: str, account: Account, storage: Storage, kms_key: pulumi.Input[str] | None
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """An execution role of the service's own, and what it may do."""
        child = pulumi.ResourceOptions(parent=self)
        in_a_vpc = bool(self.network and self.network.subnets)
        images = pulumi.Output.all(self.image, *(self.others.images if isinstance(self.others, Pipeline) else ()))
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=account.trust("sagemaker.amazonaws.com"),
            permissions_boundary=self.permissions_boundary,
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-role-policy",
            role=role.name,
            policy=pulumi.Output.all(storage.arn, account.partition, account.id, images, kms_key or "").apply(
                lambda known: execution_policy(*known, in_a_vpc=in_a_vpc)
            ),
            opts=child,
        )
        return role, policy

    def tell_events(self) -> None:
        """Let the bucket that was made tell EventBridge of its objects. A bucket that was brought is its owner's: what it tells, and to whom, is put
        as a whole, so it must tell EventBridge already."""
        if self._bucket_is_ours and self._telling is None:
            self._telling = aws.s3.BucketNotification(
                f"{self._name}-bucket-events",
                bucket=self.bucket,
                eventbridge=True,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def uri(self, *parts: str) -> pulumi.Output[str]:
        """An S3 URI in the service's bucket."""
        return pulumi.Output.format("s3://{0}/{1}", self.bucket, "/".join(parts))
