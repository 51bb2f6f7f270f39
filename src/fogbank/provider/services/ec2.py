"""EC2's networks: a VPC and a subnet. Their ids are EC2's, and so are the ids of their resources.

What is updated in place: Terraform's aws_vpc (DNS, tags) and aws_subnet (public addresses, tags). IPv6, IPAM and tenancy are not
implemented: nothing here has addresses.
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state, pairs, with_tags

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
DNS = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


def tag_specification(session: Session, kind: str, inputs: Properties) -> Properties:
    """The tags of something new, as EC2 takes them."""
    tags = session.settings.tags(inputs.get("tags"))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs(tags)}]} if tags else {}


def retag(session: Session, id_: str, old: Properties, new: Properties) -> None:
    """DeleteTags and CreateTags."""
    ec2 = session.client("ec2")
    gone, changed = session.settings.tag_changes(old, new)
    if gone:
        require(ec2, "DeleteTags", Resources=[id_], Tags=[{"Key": key} for key in gone])
    if changed:
        require(ec2, "CreateTags", Resources=[id_], Tags=pairs(changed))


def described(session: Session, operation: str, member: str, **which: Any) -> Properties | None:
    """The one thing that is described; None where it is gone."""
    try:
        answer = call(session.client("ec2"), operation, **which)[member]
    except GoneError:
        return None
    return answer[0] if answer else None


def seen(row: Row, session: Session, inputs: Properties, live: Properties, found: Properties) -> Properties:
    """Inputs as they are live, with tags: those that were given, and of an import all that say something."""
    other = {} if inputs else {key: value for key, value in live.items() if value != row.meaning.default(key)}
    fresh = {**row.refreshed(inputs, live), **other}
    return with_tags(session, inputs, fresh, {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])})


def cidr_failures(inputs: Properties) -> list[Failure]:
    """Addresses come from a block alone, since there is no IPAM."""
    return [] if inputs.get("cidrBlock") else [Failure("cidrBlock", "is required")]


def create_vpc(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateVpc, then its DNS."""
    ec2 = session.client("ec2")
    tags = tag_specification(session, "vpc", inputs)
    id_ = require(ec2, "CreateVpc", CidrBlock=inputs["cidrBlock"], **tags)["Vpc"]["VpcId"]
    _put_dns(row, session, id_, {}, inputs)
    return id_, _vpc_state(row, session, id_, inputs)


def read_vpc(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeVpcs and the attributes of DNS."""
    vpc = described(session, "DescribeVpcs", "Vpcs", VpcIds=[id_])
    if vpc is None:
        return None
    fresh = seen(row, session, inputs, {"cidrBlock": vpc["CidrBlock"], **dns(session, id_)}, vpc)
    return fresh, _vpc_state(row, session, id_, fresh)


def update_vpc(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """DNS and tags."""
    _put_dns(row, session, id_, old, new)
    retag(session, id_, old, new)
    return _vpc_state(row, session, id_, new)


def delete_vpc(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteVpc."""
    del row, state
    ensure_gone(session.client("ec2"), "DeleteVpc", VpcId=id_)


def dns(session: Session, id_: str) -> Properties:
    """A VPC's attributes of DNS."""
    ec2 = session.client("ec2")
    return {
        key: require(ec2, "DescribeVpcAttribute", VpcId=id_, Attribute=key)[member]["Value"]
        for key, member in DNS.items()
    }


def _put_dns(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> None:
    """ModifyVpcAttribute, which takes one at a time."""
    for key, member in DNS.items():
        wanted = new[key] if new.get(key) is not None else row.meaning.default(key)
        before = old[key] if old.get(key) is not None else row.meaning.default(key)
        if wanted != before:
            require(session.client("ec2"), "ModifyVpcAttribute", VpcId=id_, **{member: {"Value": wanted}})


def _vpc_state(row: Row, session: Session, id_: str, inputs: Properties) -> Properties:
    region, mine = common_state(session, row, inputs), [{"Name": "vpc-id", "Values": [id_]}]
    vpc = described(session, "DescribeVpcs", "Vpcs", VpcIds=[id_])
    if vpc is None:
        raise ProvisionError(f"DescribeVpcs: {id_} is gone")
    main = described(
        session, "DescribeRouteTables", "RouteTables", Filters=[*mine, {"Name": "association.main", "Values": ["true"]}]
    )
    group = described(
        session,
        "DescribeSecurityGroups",
        "SecurityGroups",
        Filters=[*mine, {"Name": "group-name", "Values": ["default"]}],
    )
    acl = described(
        session, "DescribeNetworkAcls", "NetworkAcls", Filters=[*mine, {"Name": "default", "Values": ["true"]}]
    )
    return {
        "enableDnsSupport": True,
        "enableDnsHostnames": False,
        "instanceTenancy": "default",
        **inputs,
        **region,
        "arn": f"arn:aws:ec2:{region['region']}:{vpc['OwnerId']}:vpc/{id_}",
        "ownerId": vpc["OwnerId"],
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        "mainRouteTableId": (main or {}).get("RouteTableId", ""),
        "defaultRouteTableId": (main or {}).get("RouteTableId", ""),
        "defaultSecurityGroupId": (group or {}).get("GroupId", ""),
        "defaultNetworkAclId": (acl or {}).get("NetworkAclId", ""),
    }


def create_subnet(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateSubnet, then what is set afterwards."""
    zone = {"AvailabilityZone": inputs["availabilityZone"]} if inputs.get("availabilityZone") else {}
    tags = tag_specification(session, "subnet", inputs)
    made = require(
        session.client("ec2"), "CreateSubnet", VpcId=inputs["vpcId"], CidrBlock=inputs["cidrBlock"], **zone, **tags
    )
    id_ = made["Subnet"]["SubnetId"]
    _put_public(session, id_, {}, inputs)
    return id_, _subnet_state(row, session, inputs, made["Subnet"])


def read_subnet(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeSubnets."""
    subnet = described(session, "DescribeSubnets", "Subnets", SubnetIds=[id_])
    if subnet is None:
        return None
    live = {
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "mapPublicIpOnLaunch": bool(subnet["MapPublicIpOnLaunch"]),
    }
    fresh = seen(row, session, inputs, live, subnet)
    return fresh, _subnet_state(row, session, fresh, subnet)


def update_subnet(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Public addresses and tags."""
    _put_public(session, id_, old, new)
    retag(session, id_, old, new)
    subnet = require(session.client("ec2"), "DescribeSubnets", SubnetIds=[id_])["Subnets"][0]
    return _subnet_state(row, session, new, subnet)


def delete_subnet(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteSubnet."""
    del row, state
    ensure_gone(session.client("ec2"), "DeleteSubnet", SubnetId=id_)


def _put_public(session: Session, id_: str, old: Properties, new: Properties) -> None:
    wanted = bool(new.get("mapPublicIpOnLaunch"))
    if wanted != bool(old.get("mapPublicIpOnLaunch")):
        value = {"Value": wanted}
        require(session.client("ec2"), "ModifySubnetAttribute", SubnetId=id_, MapPublicIpOnLaunch=value)


def _subnet_state(row: Row, session: Session, inputs: Properties, subnet: Properties) -> Properties:
    computed = {
        "arn": subnet["SubnetArn"],
        "ownerId": subnet["OwnerId"],
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
    }
    return {"mapPublicIpOnLaunch": False, **inputs, **computed, **common_state(session, row, inputs)}


ROWS = (
    Row(
        token=VPC,
        service="ec2",
        computed=(
            "ownerId",
            "dhcpOptionsId",
            "mainRouteTableId",
            "defaultRouteTableId",
            "defaultSecurityGroupId",
            "defaultNetworkAclId",
        ),
        in_place=frozenset(DNS),
        only=frozenset({"cidrBlock", *DNS}),
        checks=cidr_failures,
        creates=create_vpc,
        reads=read_vpc,
        updates=update_vpc,
        deletes=delete_vpc,
    ),
    Row(
        token=SUBNET,
        service="ec2",
        computed=("ownerId", "availabilityZone", "availabilityZoneId"),
        in_place=frozenset({"mapPublicIpOnLaunch"}),
        only=frozenset({"vpcId", "cidrBlock", "availabilityZone", "mapPublicIpOnLaunch"}),
        checks=cidr_failures,
        creates=create_subnet,
        reads=read_subnet,
        updates=update_subnet,
        deletes=delete_subnet,
    ),
)
