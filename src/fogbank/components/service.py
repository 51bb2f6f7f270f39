"""ModelService: what every use of a model needs. An artifact bucket, the model data in it, an execution role and the Model.

The Model's name carries the digest of all its arguments, so a changed handler or model is a new Model beside the old one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.naming import beside_the_old, is_local_stack, named_by_content
from fogbank.contracts.container import LAYOUT_SCHEME
from fogbank.contracts.errors import FogbankError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.names import check_name
from fogbank.contracts.tokens import MODEL_SERVICE

MODELS, CAPTURE, MONITOR = "models", "capture", "monitor"


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
    with what is in it: for stacks that may be lost.

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
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        prefix = check_name("model_prefix", model_prefix or name)
        super().__init__(MODEL_SERVICE, name, None, opts)
        account = Account.of(self)
        child = pulumi.ResourceOptions(parent=self)
        self.package = package
        bucket = aws.s3.Bucket(f"{name}-bucket", force_destroy=force_destroy, opts=child)
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-bucket-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        data = aws.s3.BucketObjectv2(
            f"{name}-model-data",
            bucket=bucket.bucket,
            key=f"{MODELS}/{package.artifact_sha256}/model.tar.gz",
            source=pulumi.FileAsset(str(package.artifact_path)),
            content_type="application/gzip",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        role = aws.iam.Role(f"{name}-role", assume_role_policy=account.trust("sagemaker.amazonaws.com"), opts=child)
        policy = aws.iam.RolePolicy(
            f"{name}-role-policy",
            role=role.name,
            policy=pulumi.Output.all(bucket.arn, account.partition).apply(lambda known: execution_policy(*known)),
            opts=child,
        )
        variables = {**package.model_environment, **(environment or {})}
        arguments: dict[str, Any] = {
            "execution_role_arn": role.arn,
            "primary_container": {
                "image": pulumi.Output.from_input(image).apply(deployable),
                "model_data_url": pulumi.Output.format("s3://{0}/{1}", data.bucket, data.key),
                "environment": variables,
            },
        }
        model = aws.sagemaker.Model(
            f"{name}-model",
            name=named_by_content(prefix, arguments),
            **arguments,
            opts=beside_the_old(self, [policy]),
        )
        self.bucket = bucket.bucket
        self.role_arn = role.arn
        self.model_name = model.name
        self.ready: list[pulumi.Resource] = [policy, data]
        self.register_outputs({"model_name": self.model_name, "bucket": self.bucket, "role_arn": self.role_arn})

    def uri(self, *parts: str) -> pulumi.Output[str]:
        """An S3 URI in the service's bucket."""
        return pulumi.Output.format("s3://{0}/{1}", self.bucket, "/".join(parts))


def deployable(image: str) -> str:
    """The image, if it can be reached from where the stack is. Raises pulumi.RunError for one of this machine on AWS."""
    if image.startswith(LAYOUT_SCHEME) and not is_local_stack():
        raise pulumi.RunError(
            f"the image {image} lies on this machine, and the stack {pulumi.get_stack()} is on AWS: name the repository that `up` "
            f"pushes it to, `pulumi config set -s {pulumi.get_stack()} fogbank:repository <account>.dkr.ecr.<region>.amazonaws.com/<name>`"
        )
    return image


def execution_policy(bucket_arn: str, partition: str) -> str:
    """What SageMaker may do with this service's bucket, its logs, its metrics and its image, and nothing else."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                    "Resource": f"{bucket_arn}/*",
                },
                {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket_arn},
                {
                    "Effect": "Allow",
                    "Action": [
                        "logs:CreateLogGroup",
                        "logs:CreateLogStream",
                        "logs:PutLogEvents",
                        "logs:DescribeLogStreams",
                    ],
                    "Resource": f"arn:{partition}:logs:*:*:log-group:/aws/sagemaker/*",
                },
                {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": [
                        "ecr:GetAuthorizationToken",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                        "ecr:BatchCheckLayerAvailability",
                    ],
                    "Resource": "*",
                },
            ],
        }
    )
