"""What SageMaker may do for a service: the policy of its execution role. Pure.

Sources: the Developer Guide, "CreateModel API: Execution Role Permissions" and "Give SageMaker Hosted Endpoints Access to Resources in Your
Amazon VPC"; AWS KMS's "Key usage" of S3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fogbank.contracts.registries import repository_arn

SHADOW = "sagemaker-clarify-endpoint"
"""What the names of shadow endpoints begin with."""
IN_A_VPC = (
    "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions",
    "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups",
)  # fmt: skip

PULLING = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
CIPHERING = ("kms:Decrypt", "kms:GenerateDataKey")
READING = ("s3:GetObject",)
WRITING = ("s3:PutObject", "s3:AbortMultipartUpload")
READ = ("models/", "capture/", "monitor/")
"""What every container of a service may read: what was deployed, and the records that a monitor looks at."""
WRITTEN = ("capture/", "monitor/results/")
"""And write: records and reports. What else a job reads and writes is granted where it is declared (`data_policy`)."""
DEPLOYED = ("models/", "monitor/baseline/", "packages/")
"""What whoever deploys puts into the bucket: no container of the service writes there, whatever prefix a job is given."""


def execution_policy(
    bucket_arn: str, partition: str, account: str, images: Sequence[str], kms_key: str = "", *, in_a_vpc: bool = False
) -> str:
    """What SageMaker may do with this service's part of a bucket, its logs, its metrics and its images, and nothing else; `kms_key` is the
    ARN of the key that encrypts the bucket.

    Keys are listed by the prefixes that are read alone, as roles of jobs that others run have it (awslabs/mlspace's policies); the Developer
    Guide's own examples let the bucket be listed whole, and no document says that SageMaker asks for it without a prefix. Metrics have no
    resource.
    """
    statements = [
        _allow(READING, [f"{bucket_arn}/{prefix}*" for prefix in READ]),
        _allow(WRITING, [f"{bucket_arn}/{prefix}*" for prefix in WRITTEN]),
        {"Effect": "Deny", "Action": [*WRITING], "Resource": [f"{bucket_arn}/{prefix}*" for prefix in DEPLOYED]},
        _listing(bucket_arn, READ),
        _allow("s3:GetBucketLocation", bucket_arn),
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            f"arn:{partition}:logs:*:{account}:log-group:/aws/sagemaker/*",
        ),
        _allow("cloudwatch:PutMetricData", "*"),
        *_pulling(images, partition),
    ]
    if kms_key:
        statements.append(_allow(CIPHERING, kms_key))
    if in_a_vpc:
        statements.append(_allow(IN_A_VPC, "*"))
    return _document(statements)


def data_policy(
    bucket_arn: str, partition: str, reads: Sequence[str] = (), writes: Sequence[str] = (), image: str = ""
) -> str:
    """What a job takes besides: keys that begin with one of `reads` or `writes`, and an `image` of its own. Empty where that is nothing."""
    statements = [
        *(
            [_allow(READING, [f"{bucket_arn}/{prefix}*" for prefix in reads]), _listing(bucket_arn, reads)]
            if reads
            else []
        ),
        *([_allow(WRITING, [f"{bucket_arn}/{prefix}*" for prefix in writes])] if writes else []),
        *_pulling([image], partition),
    ]
    return _document(statements)


def _listing(bucket_arn: str, prefixes: Sequence[str]) -> dict[str, Any]:
    """Let keys be listed by these prefixes, also as a job names them that leaves the last `/` out."""
    asked = sorted({each for prefix in prefixes for each in (prefix.removesuffix("/"), f"{prefix}*")})
    return {**_allow("s3:ListBucket", bucket_arn), "Condition": {"StringLike": {"s3:prefix": asked}}}


def _pulling(images: Sequence[str], partition: str) -> list[dict[str, Any]]:
    """Pull from the images' own repositories of ECR's; a token is for all of a registry (Service Authorization Reference: it has no resource)."""
    places = sorted({repository_arn(image, partition) for image in images} - {""})
    if not places:
        return []
    return [_allow("ecr:GetAuthorizationToken", "*"), _allow(PULLING, places if len(places) > 1 else places[0])]


def keys_policy(partition: str, account: str, *keys: str) -> str:
    """Write by other keys than the bucket's, and read what they wrote: each an ARN, an id, or an alias, which IAM knows by a condition alone.

    Source: AWS KMS's "Key usage" of S3.
    """
    return _document([_by_key(CIPHERING, partition, account, key) for key in sorted({*keys})])


def disk_statements(partition: str, account: str, key: str) -> list[dict[str, Any]]:
    """What whoever makes or moves an endpoint needs of the key that encrypts its disks; nothing without one: SageMaker is granted its use.

    Source: the Developer Guide, "Encrypt Output Data and Storage Volume with AWS KMS"; CreateEndpointConfig's KmsKeyId.
    """
    if not key:
        return []
    looking = _by_key(("kms:DescribeKey",), partition, account, key)
    granting = _by_key(("kms:CreateGrant",), partition, account, key)
    condition = {**granting.get("Condition", {}), "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [looking, {**granting, "Condition": condition}]


def _by_key(actions: Sequence[str], partition: str, account: str, key: str) -> dict[str, Any]:
    """Actions of a key by its ARN, its id, or an alias, which IAM knows by a condition alone ("kms:ResourceAliases" of its condition keys)."""
    if "alias/" in key:
        condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{key.partition('alias/')[2]}"}}
        return {**_allow(actions, f"arn:{partition}:kms:*:{account}:key/*"), "Condition": condition}
    return _allow(actions, key if ":key/" in key else f"arn:{partition}:kms:*:{account}:key/{key}")


def shadow_policy(partition: str, account: str, model: str) -> str:
    """What explaining a model takes besides: a shadow endpoint of it, asked and deleted. ARNs of SageMaker's have small letters."""
    places = [f"arn:{partition}:sagemaker:*:{account}:{kind}/{SHADOW}-*" for kind in ("endpoint", "endpoint-config")]
    actions = (
        "CreateEndpointConfig", "CreateEndpoint", "DescribeEndpoint", "InvokeEndpoint", "DeleteEndpoint", "DeleteEndpointConfig", "AddTags",
    )  # fmt: skip
    statement = {"Effect": "Allow", "Action": [f"sagemaker:{action}" for action in actions], "Resource": places}
    asked = _allow("sagemaker:DescribeModel", f"arn:{partition}:sagemaker:*:{account}:model/{model.lower()}")
    return _document([statement, asked])


def _allow(action: str | Sequence[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action if isinstance(action, str) else [*action], "Resource": resource}


def _document(statements: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})
