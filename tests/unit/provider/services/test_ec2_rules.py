"""What of a rule, a route or an endpoint of a network is refused, and why; what means the same; what is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.provider.services.ec2_endpoints import ENDPOINT
from fogbank.provider.services.ec2_routes import ASSOCIATION, TABLE
from fogbank.provider.services.ec2_rules import EGRESS, INGRESS
from fogbank.provider.services.s3_settings import REPLICATION
from tests.unit.provider.asking import difference, refused

HTTPS = {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
RULE = {"id": "a", "status": "Enabled", "destination": {"bucket": "arn:aws:s3:::b"}}


@pytest.mark.parametrize(
    ("token", "inputs", "key", "reason"),
    [
        (INGRESS, HTTPS, "", "a rule has one of"),
        (INGRESS, {**HTTPS, "cidrIpv4": "10.0.0.0/8", "cidrIpv6": "::/0"}, "", "not 2"),
        (INGRESS, {**HTTPS, "cidrIpv4": "10.0.0.0/8", "toPort": None}, "toPort", "is required"),
        (EGRESS, {**HTTPS, "cidrIpv4": "10.0.0.0/8", "ipProtocol": "-1"}, "fromPort", "is not for all protocols"),
        (ENDPOINT, {"vpcId": "v"}, "serviceName", "is required"),
        (ENDPOINT, {"vpcId": "v", "serviceName": "s", "subnetIds": ["a"]}, "subnetIds", "is not for an endpoint of type Gateway"),
        (ENDPOINT, {"vpcId": "v", "serviceName": "s", "vpcEndpointType": "GatewayLoadBalancer"}, "vpcEndpointType", "Gateway and Interface"),
        (ENDPOINT, {"vpcId": "v", "serviceName": "s", "autoAccept": True}, "autoAccept", "not implemented"),
        (TABLE, {"vpcId": "v", "routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": "n"}]}, "routes[0].natGatewayId", "has an address"),
        (TABLE, {"vpcId": "v", "routes": [{"gatewayId": "g"}]}, "routes[0].cidrBlock", "is required"),
        (TABLE, {"vpcId": "v", "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": ""}]}, "routes[0].gatewayId", "is required"),
        (ASSOCIATION, {"routeTableId": "r", "gatewayId": "g"}, "gatewayId", "has an address"),
        (ASSOCIATION, {"routeTableId": "r"}, "subnetId", "is required"),
        (REPLICATION, {"bucket": "b", "role": "r", "rules": [{**RULE, "filter": {"prefix": "a/"}}]}, "rules[0].filter", "for the whole bucket"),
        (
            REPLICATION,
            {"bucket": "b", "role": "r", "rules": [{**RULE, "deleteMarkerReplication": {"status": "Enabled"}}]},
            "rules[0].deleteMarkerReplication",
            "its deletions stay",
        ),
    ],
)  # fmt: skip
def test_what_is_not_here_is_refused_by_name(token: str, inputs: dict[str, Any], key: str, reason: str) -> None:
    assert reason in refused(token, inputs)[key]


def test_a_rule_that_lets_everything_through_needs_no_ports() -> None:
    assert refused(EGRESS, {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}) == {}


def test_another_rule_or_table_is_replaced_the_old_one_first() -> None:
    before, after = {**HTTPS, "cidrIpv4": "10.0.0.0/8"}, {**HTTPS, "cidrIpv4": "10.1.0.0/16"}
    found = difference(INGRESS, before, after)
    assert (found.replaces, found.delete_first) == (("cidrIpv4",), True)
    assert difference(INGRESS, before, {**before, "tags": {"a": "1"}}).replaces == ()

    place = {"subnetId": "s", "routeTableId": "one"}
    assert difference(ASSOCIATION, place, {**place, "routeTableId": "two"}).delete_first, "a subnet has one table"


def test_what_a_program_does_not_say_of_an_endpoint_is_no_drift() -> None:
    place = {"vpcId": "v", "serviceName": "s"}
    live = {**place, "policy": '{"Statement": []}', "routeTableIds": ["r"], "vpcEndpointType": "Gateway"}

    assert difference(ENDPOINT, live, place).changed == ()
