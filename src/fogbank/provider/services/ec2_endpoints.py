"""EC2's VPC endpoints: how a network without a way out reaches AWS's services. The local cloud keeps them: nothing here has an address.

What is updated in place: Terraform's aws_vpc_endpoint (policy, route tables, subnets, security groups; of an Interface its private DNS too).
moto's ModifyVpcEndpoint leaves the private DNS as it is: a change of it is an error, not a success.
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.ec2 import described, retag, seen, tag_specification

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
KINDS = ("Gateway", "Interface")
PLACES = {
    "routeTableIds": ("RouteTableIds", "RouteTableIds"),
    "subnetIds": ("SubnetIds", "SubnetIds"),
    "securityGroupIds": ("SecurityGroupIds", "Groups"),
}
"""By Pulumi's key: the member of the call, and that of what is described."""
OF_KIND = {"Gateway": ("routeTableIds",), "Interface": ("subnetIds", "securityGroupIds", "privateDnsEnabled")}


def failures(inputs: Properties) -> list[Failure]:
    """A kind that the local cloud has not, no service, or what the other kind takes."""
    kind = inputs.get("vpcEndpointType") or "Gateway"
    missing = [] if inputs.get("serviceName") else [Failure("serviceName", "is required")]
    if kind not in KINDS:
        return [*missing, Failure("vpcEndpointType", f"the local cloud has {' and '.join(KINDS)}, not {kind}")]
    other = OF_KIND["Interface" if kind == "Gateway" else "Gateway"]
    return missing + [Failure(key, f"is not for an endpoint of type {kind}") for key in other if inputs.get(key)]


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateVpcEndpoint."""
    given = {member: list(inputs[key]) for key, (member, _) in PLACES.items() if inputs.get(key)}
    if inputs.get("policy"):
        given["PolicyDocument"] = inputs["policy"]
    made = require(
        session.client("ec2"),
        "CreateVpcEndpoint",
        VpcId=inputs["vpcId"],
        ServiceName=inputs["serviceName"],
        VpcEndpointType=inputs.get("vpcEndpointType") or "Gateway",
        PrivateDnsEnabled=bool(inputs.get("privateDnsEnabled")),
        **given,
        **tag_specification(session, "vpc-endpoint", inputs),
    )["VpcEndpoint"]
    return made["VpcEndpointId"], _state(row, session, inputs, made)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeVpcEndpoints, which has deleted ones for a while."""
    found = _endpoint(session, id_)
    if found is None:
        return None
    live = {
        "vpcId": found["VpcId"],
        "serviceName": found["ServiceName"],
        "vpcEndpointType": found["VpcEndpointType"],
        "privateDnsEnabled": bool(found.get("PrivateDnsEnabled")),
        "policy": found.get("PolicyDocument"),
        **{key: _ids(found, member) for key, (_, member) in PLACES.items()},
    }
    fresh = seen(row, session, inputs, {key: value for key, value in live.items() if value or key in inputs}, found)
    return fresh, _state(row, session, fresh, found)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """ModifyVpcEndpoint, and the tags."""
    if bool(old.get("privateDnsEnabled")) != bool(new.get("privateDnsEnabled")):
        raise ProvisionError("ModifyVpcEndpoint: the local cloud cannot change privateDnsEnabled; replace the endpoint")
    call: dict[str, Any] = {}
    for key, (member, _) in PLACES.items():
        before, wanted = old.get(key) or [], new.get(key)
        if wanted is not None:
            call[f"Add{member}"] = [item for item in wanted if item not in before]
            call[f"Remove{member}"] = [item for item in before if item not in wanted]
    if new.get("policy") and new["policy"] != old.get("policy"):
        call["PolicyDocument"] = new["policy"]
    call = {key: value for key, value in call.items() if value}
    if call:
        require(session.client("ec2"), "ModifyVpcEndpoint", VpcEndpointId=id_, **call)
    retag(session, id_, old, new)
    found = _endpoint(session, id_)
    if found is None:
        raise ProvisionError(f"DescribeVpcEndpoints: {id_} is gone")
    return _state(row, session, new, found)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteVpcEndpoints."""
    del row, state
    ensure_gone(session.client("ec2"), "DeleteVpcEndpoints", VpcEndpointIds=[id_])


def _endpoint(session: Session, id_: str) -> Properties | None:
    found = described(session, "DescribeVpcEndpoints", "VpcEndpoints", VpcEndpointIds=[id_])
    return None if found is None or str(found.get("State")).lower() == "deleted" else found


def _ids(found: Properties, member: str) -> list[str]:
    return [item["GroupId"] if isinstance(item, dict) else item for item in found.get(member) or []]


def _state(row: Row, session: Session, inputs: Properties, found: Properties) -> Properties:
    region, id_ = common_state(session, row, inputs), found["VpcEndpointId"]
    owner = require(session.client("sts"), "GetCallerIdentity")["Account"]
    entries = [
        {"dnsName": item.get("DnsName", ""), "hostedZoneId": item.get("HostedZoneId", "")}
        for item in found.get("DnsEntries") or []
    ]
    return {
        **{key: _ids(found, member) for key, (_, member) in PLACES.items()},
        "policy": found.get("PolicyDocument", ""),
        "privateDnsEnabled": bool(found.get("PrivateDnsEnabled")),
        "vpcEndpointType": found["VpcEndpointType"],
        **inputs,
        "arn": f"arn:aws:ec2:{region['region']}:{owner}:vpc-endpoint/{id_}",
        "ownerId": owner,
        "state": str(found.get("State", "available")).lower(),
        "dnsEntries": entries,
        "networkInterfaceIds": list(found.get("NetworkInterfaceIds") or []),
        "requesterManaged": bool(found.get("RequesterManaged")),
        **region,
    }


ROWS = (
    Row(
        token=ENDPOINT,
        service="ec2",
        computed=("ownerId", "state", "dnsEntries", "networkInterfaceIds", "requesterManaged"),
        defaults={"vpcEndpointType": "Gateway", "privateDnsEnabled": False},
        sets=frozenset(PLACES),
        policies=frozenset({"policy"}),
        unasked=frozenset({"policy", *PLACES}),
        in_place=frozenset({"policy", "privateDnsEnabled", *PLACES}),
        only=frozenset({"vpcId", "serviceName", "vpcEndpointType", "privateDnsEnabled", "policy", *PLACES}),
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
