"""What SageMaker may do for a service: the policy of its execution role. Pure.

Sources: the Developer Guide, "CreateModel API: Execution Role Permissions" and "Give SageMaker Hosted Endpoints Access to Resources in Your
Amazon VPC"; AWS KMS's "Key usage" of S3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SHADOW = "sagemaker-clarify-endpoint"
"""What the names of shadow endpoints begin with."""
IN_A_VPC = (
    "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions",
    "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups",
)  # fmt: skip

WRITING = ("s3:PutObject", "s3:AbortMultipartUpload")
DEPLOYED = ("models/", "monitor/baseline/", "packages/")
"""What whoever deploys puts into the bucket: no container of the service writes there, whatever it is made to do."""


def execution_policy(bucket_arn: str, partition: str, kms_key: str = "", *, in_a_vpc: bool = False) -> str:
    """What SageMaker may do with this service's bucket (where what was deployed is read alone), its logs, its metrics and its image, and
    nothing else; `kms_key` is the ARN of the key that encrypts the bucket."""
    statements = [
        _allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"{bucket_arn}/*"),
        {"Effect": "Deny", "Action": [*WRITING], "Resource": [f"{bucket_arn}/{prefix}*" for prefix in DEPLOYED]},
        _allow(["s3:ListBucket", "s3:GetBucketLocation"], bucket_arn),
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            f"arn:{partition}:logs:*:*:log-group:/aws/sagemaker/*",
        ),
        _allow("cloudwatch:PutMetricData", "*"),
        _allow(
            [
                "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability",
            ],
            "*",
        ),
    ]  # fmt: skip
    if kms_key:
        statements.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], kms_key))
    if in_a_vpc:
        statements.append(_allow(list(IN_A_VPC), "*"))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def shadow_policy(partition: str, account: str, model: str) -> str:
    """What explaining a model takes besides: a shadow endpoint of it, asked and deleted."""
    places = [f"arn:{partition}:sagemaker:*:{account}:{kind}/{SHADOW}-*" for kind in ("endpoint", "endpoint-config")]
    actions = (
        "CreateEndpointConfig", "CreateEndpoint", "DescribeEndpoint", "InvokeEndpoint", "DeleteEndpoint", "DeleteEndpointConfig", "AddTags",
    )  # fmt: skip
    statement = {"Effect": "Allow", "Action": [f"sagemaker:{action}" for action in actions], "Resource": places}
    asked = _allow("sagemaker:DescribeModel", f"arn:{partition}:sagemaker:*:{account}:model/{model}")
    return json.dumps({"Version": "2012-10-17", "Statement": [statement, asked]})


def _allow(action: str | Sequence[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}
