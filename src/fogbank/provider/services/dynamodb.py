"""DynamoDB's tables: the table, its indexes, stream, time to live and recovery, each by a call of its own.

What is updated in place: Terraform's aws_dynamodb_table (keys and local indexes force a new one). Not implemented, since the local
cloud takes them and does nothing: serverSideEncryption, tableClass, and all that is of other regions or of restored tables.
"""

from __future__ import annotations

from typing import Any

from fogbank.provider.calls import GoneError, call, ensure_gone, require
from fogbank.provider.resource import AutoName, Failure, Properties
from fogbank.provider.row import Row, Session, Tagging, common_state, pairs, with_tags
from fogbank.provider.shapes import LACKING

TABLE = "aws:dynamodb/table:Table"
ON_DEMAND = "PAY_PER_REQUEST"
KEYS = frozenset(
    {
        "name",
        "attributes",
        "billingMode",
        "deletionProtectionEnabled",
        "globalSecondaryIndexes",
        "hashKey",
        "localSecondaryIndexes",
        "pointInTimeRecovery",
        "rangeKey",
        "readCapacity",
        "streamEnabled",
        "streamViewType",
        "ttl",
        "writeCapacity",
    }
)
CAPACITY = frozenset({"readCapacity", "writeCapacity"})
INDEX_KEYS = frozenset(
    {"name", "hashKey", "rangeKey", "projectionType", "nonKeyAttributes", "readCapacity", "writeCapacity"}
)


def failures(inputs: Properties) -> list[Failure]:
    """Members of indexes that this lacks, by name."""
    indexes = inputs.get("globalSecondaryIndexes")
    return [
        Failure(f"globalSecondaryIndexes[{number}].{key}", LACKING)
        for number, index in enumerate(indexes if isinstance(indexes, list) else [])
        for key in (sorted(index.keys() - INDEX_KEYS) if isinstance(index, dict) else [])
        if not key.startswith("__") and index[key] is not None
    ]


def create(row: Row, session: Session, inputs: Properties) -> tuple[str, Properties]:
    """CreateTable, then time to live and recovery; the id is the name."""
    client = session.client("dynamodb")
    request: dict[str, Any] = {
        "TableName": inputs["name"],
        "AttributeDefinitions": _attributes(inputs),
        "KeySchema": _key(inputs),
        "BillingMode": inputs.get("billingMode") or "PROVISIONED",
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
        **_throughput(inputs, inputs),
    }
    if inputs.get("globalSecondaryIndexes"):
        request["GlobalSecondaryIndexes"] = [_index(item, inputs) for item in inputs["globalSecondaryIndexes"]]
    if inputs.get("localSecondaryIndexes"):
        local = ({**item, "hashKey": inputs["hashKey"]} for item in inputs["localSecondaryIndexes"])
        request["LocalSecondaryIndexes"] = [
            {"IndexName": item["name"], "KeySchema": _key(item), "Projection": _projection(item)} for item in local
        ]
    if inputs.get("streamEnabled"):
        request["StreamSpecification"] = _stream(inputs)
    if tags := session.settings.tags(inputs.get("tags")):
        request["Tags"] = pairs(tags)
    require(client, "CreateTable", **request)
    _put_ttl(client, inputs["name"], {}, inputs)
    _put_recovery(client, inputs["name"], inputs)
    return inputs["name"], _state(row, session, inputs)


def read(row: Row, session: Session, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
    """DescribeTable, and what is described apart."""
    client = session.client("dynamodb")
    try:
        table = call(client, "DescribeTable", TableName=id_)["Table"]
        ttl = call(client, "DescribeTimeToLive", TableName=id_)["TimeToLiveDescription"]
        backups = call(client, "DescribeContinuousBackups", TableName=id_)["ContinuousBackupsDescription"]
        tags = call(client, "ListTagsOfResource", ResourceArn=table["TableArn"])["Tags"]
    except GoneError:
        return None
    live = {
        **_described(table),
        **_described_ttl(ttl),
        **_described_recovery(backups["PointInTimeRecoveryDescription"]),
    }
    for key in ("globalSecondaryIndexes", "localSecondaryIndexes", "attributes"):
        live[key] = _in_order(live.get(key, []), inputs.get(key) or [])
    off = {
        "streamEnabled": False,
        "ttl": {**(inputs.get("ttl") or {}), "enabled": False},
        "pointInTimeRecovery": {**(inputs.get("pointInTimeRecovery") or {}), "enabled": False},
    }
    quiet = CAPACITY if inputs else frozenset()  # those that nobody declared are not drift
    kept = {
        key: value
        for key, value in live.items()
        if key not in inputs and key not in quiet and value not in ([], row.meaning.default(key))
    }
    fresh = {**row.refreshed(inputs, {**off, **live}), **kept}
    fresh = with_tags(session, inputs, fresh, {tag["Key"]: tag["Value"] for tag in tags})
    return fresh, _state(row, session, fresh)


def update(row: Row, session: Session, id_: str, old: Properties, new: Properties) -> Properties:
    """One UpdateTable for each kind of change, as DynamoDB wants it; then time to live, recovery and tags."""
    client = session.client("dynamodb")
    changed = set(row.diff(old, new).changed)
    _update_units(client, id_, old, new, changed)
    if "deletionProtectionEnabled" in changed:
        protected = bool(new.get("deletionProtectionEnabled"))
        require(client, "UpdateTable", TableName=id_, DeletionProtectionEnabled=protected)
    if changed & {"streamEnabled", "streamViewType"}:
        if old.get("streamEnabled"):
            require(client, "UpdateTable", TableName=id_, StreamSpecification={"StreamEnabled": False})
        if new.get("streamEnabled"):
            require(client, "UpdateTable", TableName=id_, StreamSpecification=_stream(new))
    if "globalSecondaryIndexes" in changed:
        _update_indexes(client, id_, old, new)
    if "ttl" in changed:
        _put_ttl(client, id_, old, new)
    if "pointInTimeRecovery" in changed:
        _put_recovery(client, id_, new)
    arn = require(client, "DescribeTable", TableName=id_)["Table"]["TableArn"]
    gone, set_ = session.settings.tag_changes(old, new)
    if gone:
        require(client, "UntagResource", ResourceArn=arn, TagKeys=gone)
    if set_:
        require(client, "TagResource", ResourceArn=arn, Tags=pairs(set_))
    return _state(row, session, new)


def delete(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteTable; a protected one is an error, as it is on AWS."""
    del row, state
    ensure_gone(session.client("dynamodb"), "DeleteTable", TableName=id_)


def _in_order(live: list[Properties], given: list[Properties]) -> list[Properties]:
    """What has names, in the program's order, and then the others."""
    places = {item["name"]: place for place, item in enumerate(given)}
    return sorted(live, key=lambda item: (places.get(item["name"], len(places)), item["name"]))


def _state(row: Row, session: Session, inputs: Properties) -> Properties:
    table = require(session.client("dynamodb"), "DescribeTable", TableName=inputs["name"])["Table"]
    streams = bool(table.get("StreamSpecification"))
    computed = {
        "arn": table["TableArn"],
        "streamArn": table.get("LatestStreamArn", "") if streams else "",
        "streamLabel": table.get("LatestStreamLabel", "") if streams else "",
    }
    return {"billingMode": "PROVISIONED", **inputs, **computed, **common_state(session, row, inputs)}


def _attributes(inputs: Properties) -> list[dict[str, Any]]:
    return [{"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs.get("attributes") or []]


def _key(item: Properties) -> list[dict[str, Any]]:
    kinds = (("hashKey", "HASH"), ("rangeKey", "RANGE"))
    return [{"AttributeName": item[key], "KeyType": kind} for key, kind in kinds if item.get(key)]


def _projection(item: Properties) -> dict[str, Any]:
    others = {"NonKeyAttributes": item["nonKeyAttributes"]} if item.get("nonKeyAttributes") else {}
    return {"ProjectionType": item["projectionType"], **others}


def _throughput(item: Properties, table: Properties) -> dict[str, Any]:
    """The capacity of a table or of an index, which a table on demand has not."""
    if table.get("billingMode") == ON_DEMAND:
        return {}
    units = (("readCapacity", "ReadCapacityUnits"), ("writeCapacity", "WriteCapacityUnits"))
    return {"ProvisionedThroughput": {member: int(item.get(key) or 1) for key, member in units}}


def _index(item: Properties, table: Properties) -> dict[str, Any]:
    described = {"IndexName": item["name"], "KeySchema": _key(item), "Projection": _projection(item)}
    return {**described, **_throughput(item, table)}


def _stream(inputs: Properties) -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": inputs.get("streamViewType") or "NEW_AND_OLD_IMAGES"}


def _update_units(client: Any, name: str, old: Properties, new: Properties, changed: set[str]) -> None:
    """How a table and the indexes that stay are paid for."""
    before, after = _by_name(old), _by_name(new)
    switched = "billingMode" in changed
    stays = [index for index in after if index in before and _form(before[index]) == _form(after[index])]
    updates = [
        {"Update": {"IndexName": index, **_throughput(after[index], new)}}
        for index in stays
        if new.get("billingMode") != ON_DEMAND and (switched or before[index] != after[index])
    ]
    request: dict[str, Any] = {"GlobalSecondaryIndexUpdates": updates} if updates else {}
    if changed & {"billingMode", "readCapacity", "writeCapacity"}:
        request |= {"BillingMode": new.get("billingMode") or "PROVISIONED", **_throughput(new, new)}
    if request:
        require(client, "UpdateTable", TableName=name, **request)


def _by_name(inputs: Properties) -> dict[str, Properties]:
    """Its indexes, without what is nothing."""
    indexes = inputs.get("globalSecondaryIndexes") or []
    return {item["name"]: {key: value for key, value in item.items() if value is not None} for item in indexes}


def _form(index: Properties) -> Properties:
    """An index without its capacity, which alone can change."""
    return {key: value for key, value in index.items() if key not in CAPACITY}


def _update_indexes(client: Any, name: str, old: Properties, new: Properties) -> None:
    """What is no longer declared, or is declared otherwise, goes before what is new comes: DynamoDB takes one a call."""
    after = _by_name(new)
    before = {index: _form(item) for index, item in _by_name(old).items()}
    wanted = {index: _form(item) for index, item in after.items()}
    for index in sorted(index for index in before if before[index] != wanted.get(index)):
        _change_index(client, name, new, {"Delete": {"IndexName": index}})
    for index in sorted(index for index in wanted if before.get(index) != wanted[index]):
        _change_index(client, name, new, {"Create": _index(after[index], new)})


def _change_index(client: Any, name: str, table: Properties, change: dict[str, Any]) -> None:
    definitions = _attributes(table)
    require(
        client, "UpdateTable", TableName=name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[change]
    )


def _put_ttl(client: Any, name: str, old: Properties, new: Properties) -> None:
    before, after = old.get("ttl") or {}, new.get("ttl") or {}
    if not before.get("enabled") and not after.get("enabled"):
        return
    attribute = after.get("attributeName") or before.get("attributeName")
    specification = {"Enabled": bool(after.get("enabled")), "AttributeName": attribute}
    require(client, "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=specification)


def _put_recovery(client: Any, name: str, inputs: Properties) -> None:
    recovery = inputs.get("pointInTimeRecovery")
    days = (recovery or {}).get("recoveryPeriodInDays")
    specification = {
        "PointInTimeRecoveryEnabled": bool((recovery or {}).get("enabled")),
        **({"RecoveryPeriodInDays": int(days)} if days else {}),
    }
    require(client, "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=specification)


def _described(table: Properties) -> Properties:
    """A table as pulumi-aws has it."""
    keys = {"HASH": "hashKey", "RANGE": "rangeKey"}
    stream = table.get("StreamSpecification")
    on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == ON_DEMAND
    found: Properties = {
        "name": table["TableName"],
        "attributes": [
            {"name": item["AttributeName"], "type": item["AttributeType"]} for item in table["AttributeDefinitions"]
        ],
        **{keys[item["KeyType"]]: item["AttributeName"] for item in table["KeySchema"]},
        "billingMode": ON_DEMAND if on_demand else "PROVISIONED",
        "deletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled")),
    }
    for key, member in (
        ("globalSecondaryIndexes", "GlobalSecondaryIndexes"),
        ("localSecondaryIndexes", "LocalSecondaryIndexes"),
    ):
        if table.get(member):
            found[key] = [_described_index(item, key, on_demand) for item in table[member]]
    if not on_demand:
        found |= _described_units(table)
    if stream and stream.get("StreamEnabled"):
        found |= {"streamEnabled": True, "streamViewType": stream["StreamViewType"]}
    return found


def _described_index(item: Properties, kind: str, on_demand: bool) -> Properties:
    keys = {each["KeyType"]: each["AttributeName"] for each in item["KeySchema"]}
    found = {
        "name": item["IndexName"],
        "hashKey": keys["HASH"] if kind.startswith("global") else None,
        "rangeKey": keys.get("RANGE"),
        "projectionType": item["Projection"]["ProjectionType"],
        "nonKeyAttributes": item["Projection"].get("NonKeyAttributes"),
        **(_described_units(item) if kind.startswith("global") and not on_demand else {}),
    }
    return {key: value for key, value in found.items() if value is not None}


def _described_units(item: Properties) -> Properties:
    units = item["ProvisionedThroughput"]
    return {"readCapacity": units["ReadCapacityUnits"], "writeCapacity": units["WriteCapacityUnits"]}


def _described_ttl(ttl: Properties) -> Properties:
    on = ttl["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}
    return {"ttl": {"enabled": True, "attributeName": ttl["AttributeName"]}} if on else {}


def _described_recovery(recovery: Properties) -> Properties:
    days = recovery.get("RecoveryPeriodInDays")
    on = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    return {"pointInTimeRecovery": {"enabled": True, **({"recoveryPeriodInDays": days} if days else {})}} if on else {}


ROWS = (
    Row(
        token=TABLE,
        service="dynamodb",
        outputs={"arn": "TableArn"},
        computed=("streamArn", "streamLabel"),
        auto_name=AutoName(longest=255, prefix_key=None),
        defaults={"streamEnabled": False, "pointInTimeRecovery.enabled": False},
        sets=frozenset({"attributes", "globalSecondaryIndexes", "localSecondaryIndexes"}),
        in_place=KEYS - {"name", "hashKey", "rangeKey", "localSecondaryIndexes"},
        only=KEYS,
        tags=Tagging.RESOURCE_ARN,
        checks=failures,
        creates=create,
        reads=read,
        updates=update,
        deletes=delete,
    ),
)
