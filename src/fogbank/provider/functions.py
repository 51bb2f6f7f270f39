"""The functions of pulumi-aws that the stand-in has, one a row: those that need no cloud, and those that look something up in it.

In: a function's arguments by pulumi-aws's names; out: its answer. What is looked up and not there is an error, as it is in Terraform.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fogbank.provider.calls import GoneError, call
from fogbank.provider.lookups import LOOKUPS, Lookup
from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.row import Session
from fogbank.provider.services.ec2_lookups import security_group, subnets, vpc, zones
from fogbank.provider.services.iam_document import policy_document

MODEL_MONITORS = "156813124566"
"""The account of us-east-1's Model Monitor analyzer (the SageMaker SDK's image_uri_config/model-monitor.json): any region's, locally."""


@dataclass(frozen=True)
class Asked:
    """What a function is asked: its arguments, in a region of an account, with the cloud's clients."""

    session: Session
    account: str
    region: str
    arguments: Properties


def region(asked: Asked) -> Properties:
    """The region that is named, or the provider's."""
    name = str(asked.arguments.get("region") or asked.arguments.get("name") or asked.region)
    return {"name": name, "region": name, "id": name, "description": name}


def caller(asked: Asked) -> Properties:
    """The account."""
    account = asked.account
    return {"accountId": account, "arn": f"arn:aws:iam::{account}:root", "userId": account, "id": account}


def partition(asked: Asked) -> Properties:
    """AWS's own."""
    del asked
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws", "reverseDnsPrefix": "com.amazonaws"}


def prebuilt_image(asked: Asked) -> Properties:
    """Where a prebuilt image would be."""
    repository, tag = str(asked.arguments.get("repositoryName")), str(asked.arguments.get("imageTag") or "1")
    where = str(asked.arguments.get("region") or asked.region)
    return {
        "id": MODEL_MONITORS,
        "registryId": MODEL_MONITORS,
        "registryPath": f"{MODEL_MONITORS}.dkr.ecr.{where}.amazonaws.com/{repository}:{tag}",
        "repositoryName": repository,
        "region": where,
    }


def role(asked: Asked) -> Properties:
    """GetRole."""
    name = _named(asked, "name")
    try:
        found = call(asked.session.client("iam"), "GetRole", RoleName=name)["Role"]
    except GoneError as error:
        raise ProvisionError(f"reading the role {name}: {error}") from error
    document = found["AssumeRolePolicyDocument"]
    return {
        "id": name,
        "name": name,
        "arn": found["Arn"],
        "assumeRolePolicy": unquote(document) if isinstance(document, str) else _compact(document),
        "createDate": found["CreateDate"].isoformat(),
        "description": found.get("Description") or "",
        "maxSessionDuration": found.get("MaxSessionDuration", 3600),
        "path": found["Path"],
        "permissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "roleLastUseds": [],
        "tags": {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
        "uniqueId": found["RoleId"],
    }


def bucket(asked: Asked) -> Properties:
    """HeadBucket, and where it is. Route 53's zone and a website's address are not among the answer: nothing here serves them."""
    name = _named(asked, "bucket")
    s3 = asked.session.client("s3")
    try:
        call(s3, "HeadBucket", Bucket=name)
        where = call(s3, "GetBucketLocation", Bucket=name).get("LocationConstraint") or "us-east-1"
    except GoneError as error:
        raise ProvisionError(f"reading the bucket {name}: {error}") from error
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketRegion": where,
        "region": str(asked.arguments.get("region") or asked.region),
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{where}.amazonaws.com",
    }


def _named(asked: Asked, key: str) -> str:
    name = asked.arguments.get(key)
    if not isinstance(name, str) or not name:
        raise ProvisionError(f"{key} is required")
    return name


def _of_session(lookup: Lookup) -> Callable[[Asked], Properties]:
    return lambda asked: lookup(asked.session, asked.arguments)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


FUNCTIONS: Mapping[str, Callable[[Asked], Properties]] = {
    "aws:index/getRegion:getRegion": region,
    "aws:index/getCallerIdentity:getCallerIdentity": caller,
    "aws:index/getPartition:getPartition": partition,
    "aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage": prebuilt_image,
    "aws:index/getAvailabilityZones:getAvailabilityZones": lambda asked: zones(asked.session, asked.arguments),
    "aws:ec2/getVpc:getVpc": lambda asked: vpc(asked.session, asked.arguments),
    "aws:ec2/getSubnets:getSubnets": lambda asked: subnets(asked.session, asked.arguments),
    "aws:ec2/getSecurityGroup:getSecurityGroup": lambda asked: security_group(asked.session, asked.arguments),
    "aws:iam/getPolicyDocument:getPolicyDocument": lambda asked: policy_document(asked.arguments),
    "aws:iam/getRole:getRole": role,
    "aws:s3/getBucket:getBucket": bucket,
    **{token: _of_session(lookup) for token, lookup in LOOKUPS.items()},
}
