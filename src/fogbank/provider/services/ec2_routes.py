"""EC2's ways out of a subnet: internet gateways, route tables, and which table a subnet goes by. Kept, not followed: nothing here has an address.

What is updated in place: Terraform's aws_internet_gateway (its VPC), aws_route_table (routes) and aws_route_table_association (its table).
"""

from __future__ import annotations

from fogbank.provider.calls import ensure_gone, require
from fogbank.provider.resource import Failure, Properties, ProvisionError
from fogbank.provider.row import Row, Session, common_state
from fogbank.provider.services.ec2 import described, retag, seen, tag_specification

GATEWAY = "aws:ec2/internetGateway:InternetGateway"
TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ROUTE = {"cidrBlock": "DestinationCidrBlock", "gatewayId": "GatewayId"}
LOCAL = "local"
NO_ADDRESSES = "nothing of the local cloud has an address; a route goes from a cidrBlock to a gatewayId"


def create_gateway(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateInternetGateway, and to its VPC."""
    tags = tag_specification(session, "internet-gateway", inputs)
    made = require(session.client("ec2"), "CreateInternetGateway", **tags)["InternetGateway"]
    _attach(session, made["InternetGatewayId"], None, inputs.get("vpcId"))
    return made["InternetGatewayId"], _gateway_state(row, session, made["InternetGatewayId"], inputs)


def read_gateway(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeInternetGateways."""
    found = _gateway(session, id_)
    if found is None:
        return None
    live = {"vpcId": _vpc_of(found)}
    fresh = seen(row, session, inputs, {key: value for key, value in live.items() if value or key in inputs}, found)
    return fresh, _gateway_state(row, session, id_, fresh)


def update_gateway(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """To another VPC, where the program says one, and tags. One of which it says no VPC any more stays where it is, as pulumi-aws leaves it."""
    now = _attached(session, id_)
    if new.get("vpcId"):
        _attach(session, id_, now, new["vpcId"])
    retag(session, id_, old, new)
    return _gateway_state(row, session, id_, {**({"vpcId": now} if now else {}), **new})


def delete_gateway(row: Row, session: Session, id_: str, state: Properties) -> None:
    """From its VPC, and DeleteInternetGateway."""
    del row, state
    _attach(session, id_, _attached(session, id_), None)
    ensure_gone(session.client("ec2"), "DeleteInternetGateway", InternetGatewayId=id_)


def _gateway(session: Session, id_: str) -> Properties | None:
    return described(session, "DescribeInternetGateways", "InternetGateways", InternetGatewayIds=[id_])


def _vpc_of(found: Properties) -> str | None:
    return next((item["VpcId"] for item in found.get("Attachments") or []), None)


def _attached(session: Session, id_: str) -> str | None:
    """The VPC that a gateway is attached to, if it is there."""
    return _vpc_of(_gateway(session, id_) or {})


def _attach(session: Session, id_: str, old: str | None, new: str | None) -> None:
    if old and old != new:
        ensure_gone(session.client("ec2"), "DetachInternetGateway", InternetGatewayId=id_, VpcId=old)
    if new and old != new:
        require(session.client("ec2"), "AttachInternetGateway", InternetGatewayId=id_, VpcId=new)


def _gateway_state(row: Row, session: Session, id_: str, inputs: Properties) -> Properties:
    return _owned(row, session, f"internet-gateway/{id_}", inputs)


def table_failures(inputs: Properties) -> list[Failure]:
    """A route of something that is not here, or of less than it takes."""
    routes = inputs.get("routes")
    return [
        failure
        for number, route in enumerate(routes if isinstance(routes, list) else [])
        if isinstance(route, dict)
        for failure in _route_failures(f"routes[{number}]", route)
    ]


def _route_failures(place: str, route: Properties) -> list[Failure]:
    said = {key: value for key, value in route.items() if key[:2] != "__" and value not in (None, "")}
    foreign = [Failure(f"{place}.{key}", NO_ADDRESSES) for key in said if key not in ROUTE]
    return foreign or [Failure(f"{place}.{key}", f"is required: {NO_ADDRESSES}") for key in ROUTE if key not in said]


def create_table(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateRouteTable and its routes."""
    tags = tag_specification(session, "route-table", inputs)
    made = require(session.client("ec2"), "CreateRouteTable", VpcId=inputs["vpcId"], **tags)["RouteTable"]
    id_ = made["RouteTableId"]
    _put_routes(session, id_, [], inputs.get("routes") or [])
    return id_, _table_state(row, session, id_, inputs, _routes(_table(session, id_) or made))


def read_table(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeRouteTables; the way to itself, and to the endpoints of gateways, is no route of the program."""
    found = _table(session, id_)
    if found is None:
        return None
    routes = _routes(found)
    own = {"routes": routes} if routes or "routes" in inputs else {}
    fresh = seen(row, session, inputs, {"vpcId": found["VpcId"], **own}, found)
    return fresh, _table_state(row, session, id_, fresh, routes)


def update_table(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Routes, unless the program no longer says any, and tags."""
    if new.get("routes") is not None:
        _put_routes(session, id_, old.get("routes") or [], new["routes"])
    retag(session, id_, old, new)
    return _table_state(row, session, id_, new, _routes(_table(session, id_) or {}))


def delete_table(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteRouteTable."""
    del row, state
    ensure_gone(session.client("ec2"), "DeleteRouteTable", RouteTableId=id_)


def _table(session: Session, id_: str) -> Properties | None:
    return described(session, "DescribeRouteTables", "RouteTables", RouteTableIds=[id_])


def _put_routes(session: Session, id_: str, old: list[Properties], new: list[Properties]) -> None:
    before, wanted = ({(item.get("cidrBlock"), item.get("gatewayId")) for item in routes} for routes in (old, new))
    for block, _ in sorted(before - wanted):
        ensure_gone(session.client("ec2"), "DeleteRoute", RouteTableId=id_, DestinationCidrBlock=block)
    for block, gateway in sorted(wanted - before):
        require(
            session.client("ec2"), "CreateRoute", RouteTableId=id_, DestinationCidrBlock=block, GatewayId=gateway
        )  # fmt: skip


def _routes(found: Properties) -> list[Properties]:
    live = [
        {key: route[member] for key, member in ROUTE.items() if route.get(member)}
        for route in found.get("Routes") or []
    ]
    return [route for route in live if len(route) == len(ROUTE) and route["gatewayId"] != LOCAL]


def _table_state(row: Row, session: Session, id_: str, inputs: Properties, routes: list[Properties]) -> Properties:
    return {"routes": routes, "propagatingVgws": [], **_owned(row, session, f"route-table/{id_}", inputs)}


def _owned(row: Row, session: Session, place: str, inputs: Properties) -> Properties:
    """Inputs with the ARN, and whose it is."""
    region = common_state(session, row, inputs)
    owner = require(session.client("sts"), "GetCallerIdentity")["Account"]
    return {**inputs, "arn": f"arn:aws:ec2:{region['region']}:{owner}:{place}", "ownerId": owner, **region}


def create_association(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """AssociateRouteTable."""
    ids = {"RouteTableId": inputs["routeTableId"], "SubnetId": inputs["subnetId"]}
    id_ = require(session.client("ec2"), "AssociateRouteTable", **ids)["AssociationId"]
    return id_, {**inputs, **common_state(session, row, inputs)}


def read_association(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """The table that has it; an import's id is `subnet/table`, as pulumi-aws takes it."""
    item = _association(session, id_)
    if item is None:
        return None
    live = {"routeTableId": item["RouteTableId"], "subnetId": item.get("SubnetId")}
    fresh = row.refreshed(inputs, live) if inputs else live
    return fresh, {**fresh, **common_state(session, row, fresh)}


def update_association(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """Never: pulumi-aws's own replaces the id; here another table is another association."""
    del row, session, id_, old, new
    raise ProvisionError("an association is replaced, not updated")


def delete_association(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DisassociateRouteTable; by its own id, also of one that was imported by another."""
    del row, state
    item = _association(session, id_)
    if item is not None:
        own = item["RouteTableAssociationId"]
        ensure_gone(session.client("ec2"), "DisassociateRouteTable", AssociationId=own)


def _association(session: Session, id_: str) -> Properties | None:
    """One by its id, or by an import's."""
    subnet, _, table = id_.partition("/")
    kind, value = ("subnet-id", subnet) if table else ("route-table-association-id", id_)
    filters = [{"Name": f"association.{kind}", "Values": [value]}]
    found = described(session, "DescribeRouteTables", "RouteTables", Filters=filters)
    return next(
        (
            each
            for each in (found or {}).get("Associations", [])
            if id_ == each.get("RouteTableAssociationId")
            or (each.get("SubnetId"), each.get("RouteTableId")) == (subnet, table)
        ),
        None,
    )


def association_failures(inputs: Properties) -> list[Failure]:
    """Of a subnet alone."""
    return [] if inputs.get("subnetId") else [Failure("subnetId", "is required")]


ROWS = (
    Row(
        token=GATEWAY,
        service="ec2",
        computed=("ownerId",),
        in_place=frozenset({"vpcId"}),
        unasked=frozenset({"vpcId"}),
        only=frozenset({"vpcId"}),
        creates=create_gateway,
        reads=read_gateway,
        updates=update_gateway,
        deletes=delete_gateway,
    ),
    Row(
        token=TABLE,
        service="ec2",
        computed=("ownerId", "routes", "propagatingVgws"),
        in_place=frozenset({"routes"}),
        unasked=frozenset({"routes"}),
        sets=frozenset({"routes"}),
        only=frozenset({"vpcId", "routes"}),
        checks=table_failures,
        creates=create_table,
        reads=read_table,
        updates=update_table,
        deletes=delete_table,
    ),
    Row(
        token=ASSOCIATION,
        service="ec2",
        outputs={},
        delete_first=True,
        only=frozenset({"routeTableId", "subnetId"}),
        lacks={"gatewayId": NO_ADDRESSES},
        checks=association_failures,
        creates=create_association,
        reads=read_association,
        updates=update_association,
        deletes=delete_association,
    ),
)
