"""EC2's security groups. Terraform's aws_security_group: rules are a set, updated in place; a new group lets nothing out but what it says.

A rule of pulumi-aws is many of EC2's: one for each block, list, or group. They are compared one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import AutoName, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.ec2 import described, retag, seen, tag_specification

GROUP = "aws:ec2/securityGroup:SecurityGroup"
DIRECTIONS = {"ingress": ("Ingress", "IpPermissions"), "egress": ("Egress", "IpPermissionsEgress")}
SOURCES = {
    "cidrBlocks": ("IpRanges", "CidrIp"),
    "ipv6CidrBlocks": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListIds": ("PrefixListIds", "PrefixListId"),
    "securityGroups": ("UserIdGroupPairs", "GroupId"),
}
"""By Pulumi's key: the API's list, and the member of its items."""
ALL = "-1"
PROTOCOLS = {"all": ALL, "1": "icmp", "6": "tcp", "17": "udp"}
"""IANA's numbers of the protocols that EC2 answers by name."""


@dataclass(frozen=True, order=True)
class Rule:
    """One of EC2's rules; ports are 0 where every protocol is let through."""

    protocol: str
    from_port: int
    to_port: int
    source: str
    value: str
    description: str


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateSecurityGroup, then its rules in the place of EC2's own, by which everything may go out."""
    place = {"VpcId": inputs["vpcId"]} if inputs.get("vpcId") else {}
    id_ = require(
        session.client("ec2"),
        "CreateSecurityGroup",
        GroupName=inputs["name"],
        Description=inputs.get("description") or row.meaning.default("description"),
        **place,
        **tag_specification(session, "security-group", inputs),
    )["GroupId"]
    found = described(session, "DescribeSecurityGroups", "SecurityGroups", GroupIds=[id_]) or {}
    for direction, (_, member) in DIRECTIONS.items():
        _put_rules(session, id_, direction, _live(found[member], id_), _rules(inputs.get(direction), id_))
    return id_, _state(row, session, id_, inputs, found)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeSecurityGroups; rules that say the same are no drift."""
    found = described(session, "DescribeSecurityGroups", "SecurityGroups", GroupIds=[id_])
    if found is None:
        return None
    live: Properties = {"name": found["GroupName"], "description": found["Description"], "vpcId": found.get("VpcId")}
    fresh = seen(row, session, {key: value for key, value in inputs.items() if key not in DIRECTIONS}, live, found)
    for direction, (_, member) in DIRECTIONS.items():
        rules, given = _live(found[member], id_), inputs.get(direction)
        if given is not None:
            fresh[direction] = given if _rules(given, id_) == rules else _declared(rules, id_)
        elif rules and not inputs:
            fresh[direction] = _declared(rules, id_)
    return fresh, _state(row, session, id_, fresh, found)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Rules and tags. Rules that are no longer declared at all stay, as pulumi-aws leaves them."""
    for direction in DIRECTIONS:
        if new.get(direction) is not None:
            _put_rules(session, id_, direction, _rules(old.get(direction), id_), _rules(new[direction], id_))
    retag(session, id_, old, new)
    found = require(session.client("ec2"), "DescribeSecurityGroups", GroupIds=[id_])["SecurityGroups"][0]
    return _state(row, session, id_, new, found)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteSecurityGroup."""
    del row, state
    ensure_gone(session.client("ec2"), "DeleteSecurityGroup", GroupId=id_)


def _state(row: Row, session: Session, id_: str, inputs: Properties, found: Properties) -> Properties:
    region = common_state(session, row, inputs)
    computed = {
        "arn": f"arn:aws:ec2:{region['region']}:{found['OwnerId']}:security-group/{id_}",
        "ownerId": found["OwnerId"],
        "vpcId": found.get("VpcId", ""),
    }
    return {"description": found["Description"], **inputs, **computed, **region}


def _put_rules(session: Session, id_: str, direction: str, old: set[Rule], new: set[Rule]) -> None:
    ec2, (name, _) = session.client("ec2"), DIRECTIONS[direction]
    for rule in sorted(old - new):
        ensure_gone(ec2, f"RevokeSecurityGroup{name}", GroupId=id_, IpPermissions=[_permission(rule)])
    for rule in sorted(new - old):
        require(ec2, f"AuthorizeSecurityGroup{name}", GroupId=id_, IpPermissions=[_permission(rule)])


def _rules(declared: Any, id_: str) -> set[Rule]:
    """What is declared, as EC2's rules."""
    rules = set()
    for item in declared or []:
        protocol = PROTOCOLS.get(str(item["protocol"]).lower(), str(item["protocol"]).lower())
        ports = (0, 0) if protocol == ALL else (int(item["fromPort"]), int(item["toPort"]))
        itself = [("securityGroups", id_)] if item.get("self") else []
        sources = [(key, value) for key in SOURCES for value in item.get(key) or []] + itself
        rules |= {Rule(protocol, *ports, source, value, item.get("description") or "") for source, value in sources}
    return rules


def _live(permissions: list[Properties], id_: str) -> set[Rule]:
    """What EC2 has."""
    return {
        Rule(
            permission["IpProtocol"],
            permission.get("FromPort", 0),
            permission.get("ToPort", 0),
            source,
            item.get(key, id_),
            item.get("Description") or "",
        )
        for permission in permissions
        for source, (member, key) in SOURCES.items()
        for item in permission.get(member, [])
    }


def _permission(rule: Rule) -> Properties:
    """A rule as the API takes it."""
    member, key = SOURCES[rule.source]
    ports = {} if rule.protocol == ALL else {"FromPort": rule.from_port, "ToPort": rule.to_port}
    said = {"Description": rule.description} if rule.description else {}
    return {"IpProtocol": rule.protocol, **ports, member: [{key: rule.value, **said}]}


def _declared(rules: set[Rule], id_: str) -> list[Properties]:
    """EC2's rules as pulumi-aws has them: one for each protocol, ports and description."""
    found: dict[tuple[str, int, int, str], Properties] = {}
    for rule in sorted(rules):
        place = (rule.protocol, rule.from_port, rule.to_port, rule.description)
        said = {"description": rule.description} if rule.description else {}
        ports = {"fromPort": rule.from_port, "toPort": rule.to_port}
        item = found.setdefault(place, {"protocol": rule.protocol, **ports, **said})
        if (rule.source, rule.value) == ("securityGroups", id_):
            item["self"] = True
        else:
            item.setdefault(rule.source, []).append(rule.value)
    return list(found.values())


ROWS = (
    Row(
        token=GROUP,
        service="ec2",
        computed=("ownerId", "vpcId"),
        auto_name=AutoName(longest=255),
        defaults={f"{direction}[].self": False for direction in DIRECTIONS},
        sets=frozenset({*DIRECTIONS, *(f"{direction}[].{source}" for direction in DIRECTIONS for source in SOURCES)}),
        in_place=frozenset(DIRECTIONS),
        only=frozenset({"name", "description", "vpcId", *DIRECTIONS}),
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
