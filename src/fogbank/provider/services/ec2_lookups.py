"""aws:ec2/getVpc, aws:ec2/getSubnets, aws:ec2/getSecurityGroup, aws:index/getAvailabilityZones: networks that are there, found by id, tags and filters.

In: a function's arguments by pulumi-aws's names; out: its answer. One VPC is found, or it is an error, as in Terraform's aws_vpc.
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import GoneError, call, require
from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.row import Session
from fogbank.provider.services.ec2 import described, dns
from fogbank.provider.services.iam_document import refuse_unknown

VPC_ARGUMENTS = frozenset({"id", "cidrBlock", "default", "state", "tags", "filters", "region"})
SUBNETS_ARGUMENTS = frozenset({"tags", "filters", "region"})
ZONES_ARGUMENTS = frozenset({"state", "filters", "region", "excludeNames"})


def vpc(session: Session, arguments: Properties) -> Properties:
    """DescribeVpcs."""
    refuse_unknown(arguments, VPC_ARGUMENTS, "")
    filters = _filters(arguments)
    default = arguments.get("default")
    said = {"cidr": arguments.get("cidrBlock"), "state": arguments.get("state"), "is-default": default and "true"}
    filters += [{"Name": name, "Values": [value]} for name, value in said.items() if value]
    ids = {"VpcIds": [arguments["id"]]} if arguments.get("id") else {}
    if not filters and not ids:
        raise ProvisionError("getVpc: say which: id, cidrBlock, default, state, tags or filters")
    try:
        found = call(session.client("ec2"), "DescribeVpcs", Filters=filters, **ids)["Vpcs"]
    except GoneError:
        found = []
    if len(found) != 1:
        raise ProvisionError(f"getVpc: {len(found) or 'no'} matching EC2 VPC found, not one; say more of it")
    return _vpc(session, found[0])


def _vpc(session: Session, found: Properties) -> Properties:
    id_, owner = found["VpcId"], found["OwnerId"]
    region = session.client("ec2").meta.region_name
    main = [{"Name": "vpc-id", "Values": [id_]}, {"Name": "association.main", "Values": ["true"]}]
    table = described(session, "DescribeRouteTables", "RouteTables", Filters=main) or {}
    return {
        "id": id_,
        "arn": f"arn:aws:ec2:{region}:{owner}:vpc/{id_}",
        "cidrBlock": found["CidrBlock"],
        "cidrBlockAssociations": [
            {
                "associationId": item["AssociationId"],
                "cidrBlock": item["CidrBlock"],
                "state": item["CidrBlockState"]["State"],
            }
            for item in found.get("CidrBlockAssociationSet", [])
        ],
        "default": bool(found.get("IsDefault")),
        "dhcpOptionsId": found.get("DhcpOptionsId", ""),
        **dns(session, id_),
        "instanceTenancy": found["InstanceTenancy"],
        "mainRouteTableId": table.get("RouteTableId", ""),
        "ownerId": owner,
        "region": region,
        "state": found["State"],
        "tags": {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
    }


def subnets(session: Session, arguments: Properties) -> Properties:
    """DescribeSubnets: the ids, of which there may be none."""
    refuse_unknown(arguments, SUBNETS_ARGUMENTS, "")
    filters, ec2 = _filters(arguments), session.client("ec2")
    pages = ec2.get_paginator("describe_subnets").paginate(Filters=filters)
    ids = [subnet["SubnetId"] for page in pages for subnet in page["Subnets"]]
    region = ec2.meta.region_name
    return {"id": region, "ids": ids, "region": region, "tags": arguments.get("tags") or {}}


def zones(session: Session, arguments: Properties) -> Properties:
    """DescribeAvailabilityZones, in the order of their names."""
    refuse_unknown(arguments, ZONES_ARGUMENTS, "")
    ec2, without = session.client("ec2"), set(arguments.get("excludeNames") or [])
    found = require(ec2, "DescribeAvailabilityZones", Filters=_filters(arguments))["AvailabilityZones"]
    state = arguments.get("state")
    kept = sorted(
        (zone["ZoneName"], zone["ZoneId"])
        for zone in found
        if zone["ZoneName"] not in without and state in {None, zone["State"]}
    )
    region = ec2.meta.region_name
    names, ids = [name for name, _ in kept], [id_ for _, id_ in kept]
    return {"id": region, "region": region, "names": names, "zoneIds": ids, "groupNames": [region]}


def security_group(session: Session, arguments: Properties) -> Properties:
    """DescribeSecurityGroups, of which one is meant."""
    refuse_unknown(arguments, frozenset({"id", "name", "vpcId", "tags", "filters", "region"}), "")
    said = {"group-name": arguments.get("name"), "vpc-id": arguments.get("vpcId")}
    filters = [*_filters(arguments), *({"Name": name, "Values": [value]} for name, value in said.items() if value)]
    ids = {"GroupIds": [arguments["id"]]} if arguments.get("id") else {}
    try:
        found = call(session.client("ec2"), "DescribeSecurityGroups", Filters=filters, **ids)["SecurityGroups"]
    except GoneError:
        found = []
    if len(found) != 1:
        raise ProvisionError(
            f"getSecurityGroup: {len(found) or 'no'} matching security group found, not one; say more of it"
        )
    [group] = found
    region, id_ = session.client("ec2").meta.region_name, group["GroupId"]
    return {
        "id": id_,
        "arn": f"arn:aws:ec2:{region}:{group['OwnerId']}:security-group/{id_}",
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group.get("VpcId", ""),
        "tags": {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])},
        "region": region,
    }


def _filters(arguments: Properties) -> list[dict[str, Any]]:
    given = [{"Name": item["name"], "Values": list(item["values"])} for item in arguments.get("filters") or []]
    tags = [{"Name": f"tag:{key}", "Values": [value]} for key, value in (arguments.get("tags") or {}).items()]
    return given + tags
