"""Amazon ECR's hosts, by which an image's registry says its account and region. Pure.

In: the name of an image; out: the ARN of its repository. Source: ECR User Guide, "Amazon ECR endpoints"; Service Authorization Reference, ECR.
"""

from __future__ import annotations

import re

ECR = re.compile(
    r"(?P<account>\d{12})\.(dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.(com|com\.cn|eu)"
    r"|dkr-ecr(-fips)?\.(?P<dual>[a-z0-9-]+)\.on\.(aws|amazonwebservices\.com\.cn))"
)
"""The hosts in every partition, with FIPS and dual-stack endpoints."""
GPU = re.compile(r"(^|[-_.])(gpu|cu(da)?\d)")


def repository_arn(image: str, partition: str) -> str:
    """The ARN of the repository that an image is in; empty where its registry is none of ECR's.

    >>> repository_arn("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/churn:1@sha256:ab", "aws")
    'arn:aws:ecr:eu-west-1:123456789012:repository/team/churn'
    >>> repository_arn("ghcr.io/team/churn", "aws")
    ''
    """
    host, _, name = image.partition("/")
    match = ECR.fullmatch(host)
    if match is None:
        return ""
    name = name.partition("@")[0].partition(":")[0]
    return f"arn:{partition}:ecr:{match['region'] or match['dual']}:{match['account']}:repository/{name}"


def for_gpus(image: str) -> bool:
    """Whether an image says by its tag that it is for GPUs, as AWS's own do (Deep Learning Containers, "Available images").

    >>> for_gpus("763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.1.0-gpu-py310-cu118-ubuntu20.04-sagemaker")
    True
    >>> for_gpus("763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.1.0-cpu-py310"), for_gpus("local/gpu-words")
    (False, False)
    """
    name = image.partition("@")[0].rpartition("/")[2]
    return bool(GPU.search(name.partition(":")[2]))
