"""ModelService: what every use of a model needs. An artifact bucket, the model data in it, an execution role and the Model.

The Model's name carries the digest of what it is made of, so a changed handler or model is a new Model beside the old one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_aws as aws

from fogbank.contracts.errors import FogbankError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.tokens import MODEL_SERVICE
from fogbank.ground.digest import canonical_json, sha256_bytes

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
    (a local cloud whose instances are processes runs the package itself). `force_destroy` lets `destroy` delete the bucket
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
        force_destroy: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(MODEL_SERVICE, name, None, opts)
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
        role = aws.iam.Role(f"{name}-role", assume_role_policy=trust("sagemaker.amazonaws.com"), opts=child)
        policy = aws.iam.RolePolicy(
            f"{name}-role-policy", role=role.name, policy=bucket.arn.apply(execution_policy), opts=child
        )
        variables = {**package.model_environment, **(environment or {})}
        url = pulumi.Output.format("s3://{0}/{1}", data.bucket, data.key)
        model = aws.sagemaker.Model(
            f"{name}-model",
            name=pulumi.Output.all(image, url, role.arn).apply(
                lambda arguments: model_name(name, package, variables, *arguments)
            ),
            execution_role_arn=role.arn,
            primary_container={"image": image, "model_data_url": url, "environment": variables},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.bucket = bucket.bucket
        self.role_arn = role.arn
        self.model_name = model.name
        self.ready: list[pulumi.Resource] = [policy, data]
        self.register_outputs({"model_name": self.model_name, "bucket": self.bucket, "role_arn": self.role_arn})

    def uri(self, *parts: str) -> pulumi.Output[str]:
        """An S3 URI in the service's bucket."""
        return pulumi.Output.format("s3://{0}/{1}", self.bucket, "/".join(parts))


def model_name(name: str, package: Manifest, variables: Mapping[str, str], *arguments: str) -> str:
    """A name from all of a model's arguments: another model has another name, so the old one stays until nothing runs on it."""
    said = {"artifact": package.artifact_sha256, "environment": dict(variables), "arguments": list(arguments)}
    return f"{name}-{sha256_bytes(canonical_json(said))[:12]}"


def trust(service: str) -> str:
    """The trust policy that lets one AWS service assume a role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def execution_policy(bucket_arn: str) -> str:
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
                    "Resource": "arn:aws:logs:*:*:log-group:/aws/sagemaker/*",
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
