"""Functions that look something up: what is there, and the error of what is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.ground.aws import LOCAL_ACCOUNT, LocalClients
from fogbank.provider.resource import ProvisionError
from fogbank.provider.services import ec2
from fogbank.provider.settings import Settings
from fogbank.provider.standin import StandIn
from fogbank.testing import CloudProcess
from tests.lives import POLICY, TRUST

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


def test_what_is_there_is_found_by_its_name(standin: StandIn, unique: str) -> None:
    things: dict[str, dict[str, Any]] = {
        "aws:ssm/parameter:Parameter": {"name": f"/{unique}", "type": "SecureString", "value": "one"},
        "aws:secretsmanager/secret:Secret": {"name": unique, "description": "One", "tags": {"a": "1"}},
        "aws:kms/key:Key": {"description": unique},
        "aws:ecr/repository:Repository": {"name": unique, "imageScanningConfiguration": {"scanOnPush": True}},
        "aws:sns/topic:Topic": {"name": unique, "tags": {"a": "1"}},
        "aws:sqs/queue:Queue": {"name": unique},
        "aws:iam/policy:Policy": {"name": unique, "policy": POLICY},
        "aws:cloudwatch/logGroup:LogGroup": {"name": f"/{unique}", "retentionInDays": 7},
        "aws:ec2/securityGroup:SecurityGroup": {"name": unique, "description": "One"},
    }
    made = {
        token: standin.create(token, standin.check(token, inputs, {}, "logical", b"seed")[0])[1]
        for token, inputs in things.items()
    }
    key = made["aws:kms/key:Key"]["keyId"]
    standin.create("aws:kms/alias:Alias", {"name": f"alias/{unique}", "targetKeyId": key})
    secret = made["aws:secretsmanager/secret:Secret"]["arn"]
    standin.create("aws:secretsmanager/secretVersion:SecretVersion", {"secretId": secret, "secretString": "hidden"})

    def look(token: str, **arguments: object) -> dict[str, object]:
        return standin.invoke(token, arguments)

    parameter = look("aws:ssm/getParameter:getParameter", name=f"/{unique}")
    assert (parameter["value"], parameter["type"], "insecureValue" in parameter) == ("one", "SecureString", False)
    assert look("aws:ssm/getParameter:getParameter", name=f"/{unique}", withDecryption=False)["value"] != "one"
    by_name, by_arn = (
        look("aws:secretsmanager/getSecret:getSecret", **which) for which in ({"name": unique}, {"arn": secret})
    )
    assert (by_name, by_name["tags"], by_name["description"]) == (by_arn, {"a": "1"}, "One")
    version = look("aws:secretsmanager/getSecretVersion:getSecretVersion", secretId=secret)
    assert (version["secretString"], version["versionStages"]) == ("hidden", ["AWSCURRENT"])
    found = look("aws:kms/getAlias:getAlias", name=f"alias/{unique}")
    assert (found["targetKeyId"], found["targetKeyArn"]) == (key, made["aws:kms/key:Key"]["arn"])
    assert look("aws:kms/getKey:getKey", keyId=f"alias/{unique}")["description"] == unique
    repository = look("aws:ecr/getRepository:getRepository", name=unique)
    assert repository["repositoryUrl"] == made["aws:ecr/repository:Repository"]["repositoryUrl"]
    assert repository["mostRecentImageTags"] == []
    ecr = standin.clients("ecr", "us-east-1")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    for tag in ("one", "two"):
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": tag}, "layers": []}
        ecr.put_image(repositoryName=unique, imageManifest=json.dumps(manifest), imageTag=tag)
    assert look("aws:ecr/getRepository:getRepository", name=unique)["mostRecentImageTags"] == ["two"]
    assert look("aws:sns/getTopic:getTopic", name=unique)["tags"] == {"a": "1"}
    assert look("aws:sqs/getQueue:getQueue", name=unique)["arn"] == made["aws:sqs/queue:Queue"]["arn"]
    policy = look("aws:iam/getPolicy:getPolicy", name=unique)
    assert (policy["arn"], json.loads(str(policy["policy"]))) == (
        made["aws:iam/policy:Policy"]["arn"],
        json.loads(POLICY),
    )
    assert look("aws:cloudwatch/getLogGroup:getLogGroup", name=f"/{unique}")["retentionInDays"] == 7
    group = look("aws:ec2/getSecurityGroup:getSecurityGroup", name=unique)
    assert (group["arn"], group["description"]) == (made["aws:ec2/securityGroup:SecurityGroup"]["arn"], "One")
    tagged = replace(standin, settings=Settings(default_tags={"team": "fraud"}))
    assert tagged.invoke("aws:index/getDefaultTags:getDefaultTags", {})["tags"] == {"team": "fraud"}


@pytest.mark.parametrize(
    ("token", "arguments"),
    [
        ("aws:ssm/getParameter:getParameter", {"name": "/none"}),
        ("aws:secretsmanager/getSecret:getSecret", {"name": "none"}),
        ("aws:secretsmanager/getSecretVersion:getSecretVersion", {"secretId": "none"}),
        ("aws:kms/getAlias:getAlias", {"name": "alias/none"}),
        ("aws:kms/getKey:getKey", {"keyId": "none"}),
        ("aws:ecr/getRepository:getRepository", {"name": "none"}),
        ("aws:sns/getTopic:getTopic", {"name": "none"}),
        ("aws:sqs/getQueue:getQueue", {"name": "none"}),
        ("aws:iam/getPolicy:getPolicy", {"name": "none"}),
        ("aws:cloudwatch/getLogGroup:getLogGroup", {"name": "/none"}),
        ("aws:ec2/getSecurityGroup:getSecurityGroup", {"name": "none"}),
    ],
)
def test_what_no_look_up_finds_is_an_error_that_names_it(
    standin: StandIn, token: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(ProvisionError, match=r"none|no matching"):
        standin.invoke(token, arguments)
    with pytest.raises(ProvisionError, match="mystery is not implemented"):
        standin.invoke(token, {**arguments, "mystery": "x"})
