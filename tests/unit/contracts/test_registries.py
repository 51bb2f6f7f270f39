"""The repository of an image, by its registry's host, in every partition."""

from __future__ import annotations

import pytest

from fogbank.contracts.registries import repository_arn


@pytest.mark.parametrize(
    ("image", "partition", "arn"),
    [
        ("1" * 12 + ".dkr.ecr.us-east-1.amazonaws.com/a", "aws", f"arn:aws:ecr:us-east-1:{'1' * 12}:repository/a"),
        ("1" * 12 + ".dkr.ecr-fips.us-gov-west-1.amazonaws.com/a/b:tag", "aws-us-gov",
         f"arn:aws-us-gov:ecr:us-gov-west-1:{'1' * 12}:repository/a/b"),
        ("1" * 12 + ".dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:0", "aws-cn", f"arn:aws-cn:ecr:cn-north-1:{'1' * 12}:repository/a"),
        ("1" * 12 + ".dkr-ecr.eu-west-1.on.aws/a", "aws", f"arn:aws:ecr:eu-west-1:{'1' * 12}:repository/a"),
        ("1" * 12 + ".dkr.ecr.us-east-1.amazonaws.com.evil.org/a", "aws", ""),
        ("127.0.0.1:5000/a:1", "aws", ""),
        ("", "aws", ""),
    ],
)  # fmt: skip
def test_a_repository_has_an_arn_where_it_is_ecrs(image: str, partition: str, arn: str) -> None:
    assert repository_arn(image, partition) == arn
