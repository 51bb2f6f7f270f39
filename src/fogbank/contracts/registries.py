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
