"""EC2's rules of security groups, each a resource of its own: pulumi-aws's `vpc.SecurityGroupIngressRule` and `vpc.SecurityGroupEgressRule`.

What is updated in place: Terraform's aws_vpc_security_group_ingress_rule says all but the group; moto's ModifySecurityGroupRules changes
neither sources nor the description of a rule of a group, so that here another rule is a replacement, the old one deleted first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import Failure, Properties
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.ec2 import described, retag, seen
from fogbank.provider.services.ec2_groups import ALL, PROTOCOLS

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SOURCES = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
"""By Pulumi's key: the list of the call, and the member of its item."""
SEEN = {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId"}
PORTS = {"fromPort": "FromPort", "toPort": "ToPort"}


@dataclass(frozen=True, kw_only=True)
class Direction:
    """In or out."""

    call: str
    egress: bool


def failures(inputs: Properties) -> list[Failure]:
    """A rule has one source, and ports unless it lets all protocols through."""
    given = [key for key in SOURCES if inputs.get(key)]
    wrong = [] if len(given) == 1 else [Failure("", f"a rule has one of {', '.join(SOURCES)}, not {len(given)}")]
    if _protocol(inputs) == ALL:
        return wrong + [Failure(key, "is not for all protocols") for key in PORTS if inputs.get(key) not in (None, -1)]
    return wrong + [Failure(key, "is required") for key in PORTS if inputs.get(key) is None]


def create(direction: Direction, row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """AuthorizeSecurityGroupIngress or -Egress; the id is the rule's own."""
    key = next(key for key in SOURCES if inputs.get(key))
    member, name = SOURCES[key]
    said = {"Description": inputs["description"]} if inputs.get("description") else {}
    ports = {} if _protocol(inputs) == ALL else {member: int(inputs[port]) for port, member in PORTS.items()}
    permission = {"IpProtocol": _protocol(inputs), **ports, member: [{name: inputs[key], **said}]}
    ec2, group = session.client("ec2"), inputs["securityGroupId"]
    made = require(ec2, f"Authorize{direction.call}", GroupId=group, IpPermissions=[permission])
    id_ = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    retag(session, id_, {}, inputs)
    return id_, _state(row, session, id_, inputs)


def read(
    direction: Direction, row: Row, session: Session, id_: str, inputs: Properties
) -> tuple[Properties, Properties] | None:
    """DescribeSecurityGroupRules."""
    which = {"SecurityGroupRuleIds": [id_]}
    found = described(session, "DescribeSecurityGroupRules", "SecurityGroupRules", **which)
    if found is None or bool(found.get("IsEgress")) is not direction.egress:
        return None
    live: dict[str, Any] = {
        "securityGroupId": found["GroupId"],
        "ipProtocol": _same(inputs.get("ipProtocol"), found["IpProtocol"]),
        "description": found.get("Description") or None,
        "referencedSecurityGroupId": (found.get("ReferencedGroupInfo") or {}).get("GroupId"),
        **{key: found.get(member) for key, member in SEEN.items()},
    }
    if found["IpProtocol"] != ALL:
        live |= {key: found.get(member) for key, member in PORTS.items()}
    fresh = seen(
        row, session, inputs, {key: item for key, item in live.items() if item is not None or key in inputs}, found
    )
    return fresh, _state(row, session, id_, fresh)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """The tags."""
    retag(session, id_, old, new)
    return _state(row, session, id_, new)


def delete(direction: Direction, row: Row, session: Session, id_: str, state: Properties) -> None:
    """RevokeSecurityGroupIngress or -Egress."""
    del row
    group = state.get("securityGroupId")
    if group:
        ensure_gone(session.client("ec2"), f"Revoke{direction.call}", GroupId=group, SecurityGroupRuleIds=[id_])


def _protocol(inputs: Properties) -> str:
    said = str(inputs.get("ipProtocol")).lower()
    return PROTOCOLS.get(said, said)


def _same(given: Any, live: str) -> str:
    """As the program says it, where that is the same protocol."""
    return str(given) if given is not None and _protocol({"ipProtocol": given}) == live else live


def _state(row: Row, session: Session, id_: str, inputs: Properties) -> Properties:
    region = common_state(session, row, inputs)
    owner = require(session.client("sts"), "GetCallerIdentity")["Account"]
    arn = f"arn:aws:ec2:{region['region']}:{owner}:security-group-rule/{id_}"
    return {**inputs, "arn": arn, "securityGroupRuleId": id_, **region}


def _row(token: str, direction: Direction) -> Row:
    return Row(
        token=token,
        service="ec2",
        computed=("securityGroupRuleId",),
        delete_first=True,
        only=frozenset({"securityGroupId", "ipProtocol", "description", *SOURCES, *PORTS}),
        checks=failures,
        creates=partial(create, direction),
        reads=partial(read, direction),
        updates=update,
        deletes=partial(delete, direction),
    )


ROWS = (
    _row(INGRESS, Direction(call="SecurityGroupIngress", egress=False)),
    _row(EGRESS, Direction(call="SecurityGroupEgress", egress=True)),
)
