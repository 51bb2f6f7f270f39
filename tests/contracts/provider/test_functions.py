"""Functions that look something up: what is there, and the error of what is not."""

from __future__ import annotations

import json

import pytest

from fogbank.contracts import tokens
from fogbank.ground.aws import LOCAL_ACCOUNT, LocalClients
from fogbank.provider.resource import ProvisionError
from fogbank.provider.services import ec2
from fogbank.provider.standin import StandIn
from fogbank.testing import CloudProcess
from tests.lives import TRUST

GET_VPC, GET_SUBNETS = "aws:ec2/getVpc:getVpc", "aws:ec2/getSubnets:getSubnets"
GET_ROLE, GET_BUCKET = "aws:iam/getRole:getRole", "aws:s3/getBucket:getBucket"


@pytest.fixture
def standin(shared_cloud: CloudProcess) -> StandIn:
    return StandIn(clients=LocalClients(shared_cloud.url))


def test_a_role_and_a_bucket_that_are_there(standin: StandIn, unique: str) -> None:
    standin.create(tokens.ROLE, {"name": unique, "assumeRolePolicy": TRUST, "path": "/ml/", "tags": {"a": "1"}})
    standin.create(tokens.BUCKET, {"bucket": unique, "region": "eu-west-1"})

    role = standin.invoke(GET_ROLE, {"name": unique})
    bucket = standin.invoke(GET_BUCKET, {"bucket": unique})

    assert (role["arn"], role["tags"]) == (f"arn:aws:iam::{LOCAL_ACCOUNT}:role/ml/{unique}", {"a": "1"})
    assert json.loads(role["assumeRolePolicy"]) == json.loads(TRUST)
    assert (bucket["arn"], bucket["bucketRegion"]) == (f"arn:aws:s3:::{unique}", "eu-west-1")
    assert bucket["bucketRegionalDomainName"] == f"{unique}.s3.eu-west-1.amazonaws.com"


def test_what_is_not_there_is_an_error_that_names_it(standin: StandIn, unique: str) -> None:
    with pytest.raises(ProvisionError, match=f"reading the role {unique}: .*NoSuchEntity"):
        standin.invoke(GET_ROLE, {"name": unique})
    with pytest.raises(ProvisionError, match=f"reading the bucket {unique}: .*404"):
        standin.invoke(GET_BUCKET, {"bucket": unique})


def test_the_account_partition_and_region(standin: StandIn) -> None:
    assert standin.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == LOCAL_ACCOUNT
    assert standin.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    assert standin.invoke("aws:index/getRegion:getRegion", {"region": "eu-west-1"})["region"] == "eu-west-1"


def test_networks_by_what_is_said_of_them(standin: StandIn, unique: str) -> None:
    vpc, _ = standin.create(ec2.VPC, {"cidrBlock": "10.7.0.0/16", "tags": {"Name": unique}})
    subnet, _ = standin.create(ec2.SUBNET, {"vpcId": vpc, "cidrBlock": "10.7.1.0/24"})
    standin.create(ec2.SUBNET, {"vpcId": vpc, "cidrBlock": "10.7.2.0/24", "tags": {"kind": "public"}})

    found = standin.invoke(GET_VPC, {"tags": {"Name": unique}})
    assert (found["id"], found["cidrBlock"], found["default"]) == (vpc, "10.7.0.0/16", False)
    assert standin.invoke(GET_VPC, {"default": True})["cidrBlock"] == "172.31.0.0/16"
    mine = [{"name": "vpc-id", "values": [vpc]}]
    assert len(standin.invoke(GET_SUBNETS, {"filters": mine})["ids"]) == 2
    assert standin.invoke(GET_SUBNETS, {"filters": [*mine, {"name": "cidr-block", "values": ["10.7.1.0/24"]}]})[
        "ids"
    ] == [subnet]
    assert (
        "us-east-1a"
        in standin.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})["names"]
    )


def test_no_network_or_more_than_one_is_an_error(standin: StandIn, unique: str) -> None:
    for _ in range(2):
        standin.create(ec2.VPC, {"cidrBlock": "10.8.0.0/16", "tags": {"twice": unique}})
    with pytest.raises(ProvisionError, match="2 matching"):
        standin.invoke(GET_VPC, {"tags": {"twice": unique}})
    with pytest.raises(ProvisionError, match="no matching"):
        standin.invoke(GET_VPC, {"id": "vpc-00000000000000000"})
    with pytest.raises(ProvisionError, match="say which"):
        standin.invoke(GET_VPC, {})
