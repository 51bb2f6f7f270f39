"""Lives of EC2's networks."""

from __future__ import annotations

from typing import Any

from fogbank.provider.services import ec2, ec2_groups
from fogbank.provider.standin import StandIn
from tests.lives import Life


def lives_of_networks(standin: StandIn, unique: str) -> list[Life]:
    """A VPC, a subnet and a security group."""
    vpc, _ = standin.create(ec2.VPC, {"cidrBlock": "10.1.0.0/16"})
    https: dict[str, Any] = {
        "protocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrBlocks": ["10.0.0.0/8", "192.168.0.0/16"],
    }
    out = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}
    everywhere = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    inside = {"protocol": "tcp", "fromPort": 8080, "toPort": 8090, "self": True, "description": "among themselves"}
    return [
        Life(
            ec2.VPC, {"cidrBlock": "10.2.0.0/16", "enableDnsHostnames": True, "tags": {"a": "1"}},
            {"enableDnsHostnames": None, "tags": {"b": "2"}},
            same={"enableDnsSupport": True, "instanceTenancy": "default"},
            by_hand=("ec2", "modify_vpc_attribute", {"VpcId": "{id}", "EnableDnsHostnames": {"Value": True}}),
        ),
        Life(
            ec2.SUBNET, {"vpcId": vpc, "cidrBlock": "10.1.1.0/24", "availabilityZone": "us-east-1b", "tags": {"a": "1"}},
            {"mapPublicIpOnLaunch": True, "tags": {"a": "2"}},
            by_hand=("ec2", "modify_subnet_attribute", {"SubnetId": "{id}", "MapPublicIpOnLaunch": {"Value": False}}),
        ),
        Life(
            ec2_groups.GROUP, {"name": unique, "vpcId": vpc, "ingress": [https], "egress": [out], "tags": {"a": "1"}},
            {"ingress": [inside, {**https, "cidrBlocks": ["10.0.0.0/8"]}], "tags": {"b": "2"}},
            same={"ingress": [{**https, "cidrBlocks": ["10.0.0.0/8"], "self": False}, inside], "description": "Managed by Pulumi"},
            by_hand=("ec2", "revoke_security_group_egress", {"GroupId": "{id}", "IpPermissions": [everywhere]}),
        ),
    ]  # fmt: skip
