"""What a request names, looked up in moto's own backends."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from fogbank.cloud.moto.references import missing

ACCOUNT = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_a_key_by_id_arn_and_alias() -> None:
    kms = boto3.client("kms", "eu-west-1", **ACCOUNT)
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    arn = key["Arn"].rpartition(":")[0] + ":alias/mine"

    for value in (key["KeyId"], key["Arn"], "alias/mine", arn, "alias/aws/s3"):
        assert missing("kms-key", value, "eu-west-1") is None, value
    assert missing("kms-key", key["Arn"], "us-east-1") is None, "an ARN has its own region"
    for value in (key["KeyId"], "alias/mine"):
        assert missing("kms-key", value, "us-east-1") == f"KMS key {value} does not exist"
    for value in ("1234", "alias/other", key["Arn"][:-1], key["Arn"].replace("123456789012", "999999999999")):
        assert missing("kms-key", value, "eu-west-1") == f"KMS key {value} does not exist"


def test_subnets_and_security_groups() -> None:
    ec2 = boto3.client("ec2", "us-east-1", **ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]

    assert missing("subnet", subnet, "us-east-1") is None
    assert missing("security-group", group, "us-east-1") is None
    assert missing("subnet", subnet, "eu-west-1") == f"The subnet ID '{subnet}' does not exist"
    assert missing("subnet", "subnet-0123456789abcdef0", "us-east-1") is not None
    assert missing("security-group", "sg-01234567", "us-east-1") == "The security group 'sg-01234567' does not exist"


@pytest.mark.parametrize(("kind", "value"), [("subnet", "subnet-1"), ("security-group", "sg-mine"), ("subnet", "x")])
def test_a_placeholder_cannot_exist_and_is_taken(kind: str, value: str) -> None:
    assert missing(kind, value, "us-east-1") is None
