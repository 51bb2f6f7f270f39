"""Lives of EC2's networks."""

from __future__ import annotations

from typing import Any

from fogbank.provider.services import ec2, ec2_endpoints, ec2_groups, ec2_routes, ec2_rules
from fogbank.provider.standin import StandIn
from tests.lives import Life


def lives_of_networks(standin: StandIn, unique: str) -> list[Life]:
    """A VPC, a subnet and a security group, with its rules; ways out, and endpoints."""
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
        *_ways(standin, vpc),
        *_rules(standin, unique, vpc),
    ]  # fmt: skip


def _ways(standin: StandIn, vpc: str) -> list[Life]:
    subnet, _ = standin.create(ec2.SUBNET, {"vpcId": vpc, "cidrBlock": "10.1.9.0/24"})
    one, two = (standin.create(ec2_routes.TABLE, {"vpcId": vpc})[0] for _ in range(2))
    gateway, _ = standin.create(ec2_routes.GATEWAY, {"vpcId": vpc})
    out, wide = ({"cidrBlock": block, "gatewayId": gateway} for block in ("0.0.0.0/0", "192.0.2.0/24"))
    place = {"vpcId": vpc, "serviceName": "com.amazonaws.us-east-1.s3"}
    narrow = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}'
    return [
        Life(
            ec2_routes.GATEWAY, {"tags": {"a": "1"}}, {"tags": {"b": "2"}},
            by_hand=("ec2", "delete_internet_gateway", {"InternetGatewayId": "{id}"}),
        ),
        Life(
            ec2_routes.TABLE, {"vpcId": vpc, "routes": [out], "tags": {"a": "1"}}, {"routes": [wide, out], "tags": {"b": "2"}},
            same={"routes": [out, wide]},
            by_hand=("ec2", "delete_route", {"RouteTableId": "{id}", "DestinationCidrBlock": "192.0.2.0/24"}),
        ),
        Life(
            ec2_routes.ASSOCIATION, {"routeTableId": one, "subnetId": subnet}, import_id=f"{subnet}/{one}",
            by_hand=("ec2", "disassociate_route_table", {"AssociationId": "{id}"}),
        ),
        Life(
            ec2_endpoints.ENDPOINT, {**place, "routeTableIds": [one], "tags": {"a": "1"}},
            {"routeTableIds": [two, one], "policy": narrow, "tags": {"b": "2"}},
            same={"routeTableIds": [one, two], "vpcEndpointType": "Gateway"},
            by_hand=("ec2", "modify_vpc_endpoint", {"VpcEndpointId": "{id}", "RemoveRouteTableIds": [two]}),
        ),
    ]  # fmt: skip


def _rules(standin: StandIn, unique: str, vpc: str) -> list[Life]:
    group, _ = standin.create(ec2_groups.GROUP, {"name": f"{unique}-r", "vpcId": vpc})
    https = {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    revoked = {"GroupId": group, "SecurityGroupRuleIds": ["{id}"]}
    return [
        Life(
            ec2_rules.INGRESS, {**https, "cidrIpv4": "10.0.0.0/8", "description": "in", "tags": {"a": "1"}}, {"tags": {"b": "2"}},
            by_hand=("ec2", "revoke_security_group_ingress", revoked),
        ),
        Life(
            ec2_rules.EGRESS, {"securityGroupId": group, "ipProtocol": "-1", "referencedSecurityGroupId": group},
            by_hand=("ec2", "revoke_security_group_egress", revoked),
        ),
    ]  # fmt: skip
