"""DynamoDB's tables: capacity and indexes change in place, keys do not; what nobody declared is no drift."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.ground.aws import LocalClients
from fogbank.provider.services.dynamodb import TABLE
from fogbank.provider.standin import StandIn
from fogbank.testing import CloudProcess


@pytest.fixture
def standin(shared_cloud: CloudProcess) -> StandIn:
    return StandIn(clients=LocalClients(shared_cloud.url))


def described(standin: StandIn, name: str) -> dict[str, Any]:
    table: dict[str, Any] = standin.clients("dynamodb", "us-east-1").describe_table(TableName=name)["Table"]
    return table


def units(item: dict[str, Any]) -> tuple[int, int]:
    return item["ProvisionedThroughput"]["ReadCapacityUnits"], item["ProvisionedThroughput"]["WriteCapacityUnits"]


def test_a_table_whose_capacity_and_indexes_change(standin: StandIn, unique: str) -> None:
    names = [{"name": name, "type": "S"} for name in ("a", "b", "c")]
    by_c = {"name": "by-c", "hashKey": "c", "projectionType": "INCLUDE", "nonKeyAttributes": ["x"]}
    by_b = {"name": "by-b", "hashKey": "b", "rangeKey": "c", "projectionType": "ALL"}
    table: dict[str, Any] = {
        "name": unique, "attributes": names, "hashKey": "a", "rangeKey": "b", "globalSecondaryIndexes": [by_c, by_b],
        "localSecondaryIndexes": [{"name": "local", "rangeKey": "c", "projectionType": "ALL"}],
        "ttl": {"enabled": False}, "pointInTimeRecovery": {"enabled": False},
    }  # fmt: skip
    standin.create(TABLE, table)
    still(standin, unique, table)
    assert units(described(standin, unique)) == (1, 1)

    more = {
        **table,
        "readCapacity": 5,
        "writeCapacity": 6,
        "globalSecondaryIndexes": [{**by_c, "readCapacity": 7}, by_b],
    }
    changes(standin, unique, table, more)
    now = described(standin, unique)
    assert units(now) == (5, 6)
    assert {item["IndexName"]: units(item) for item in now["GlobalSecondaryIndexes"]} == {
        "by-c": (7, 1),
        "by-b": (1, 1),
    }

    fewer = {
        **table,
        "billingMode": "PAY_PER_REQUEST",
        "globalSecondaryIndexes": [{**by_c, "projectionType": "ALL", "nonKeyAttributes": None}],
    }
    changes(standin, unique, more, fewer)
    now = described(standin, unique)
    assert now["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [item["Projection"] for item in now["GlobalSecondaryIndexes"]] == [{"ProjectionType": "ALL"}]

    keyed = standin.diff(TABLE, fewer, {**fewer, "rangeKey": "c"})
    assert (keyed.replaces, keyed.delete_first) == (("rangeKey",), True)
    standin.delete(TABLE, unique, fewer)


def still(standin: StandIn, name: str, inputs: dict[str, Any]) -> None:
    read = standin.read(TABLE, name, inputs)
    assert read is not None
    assert standin.diff(TABLE, inputs, read[0]).changed == ()


def changes(standin: StandIn, name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert standin.diff(TABLE, old, new).replaces == ()
    standin.update(TABLE, name, old, new)
    still(standin, name, new)


def test_what_the_local_cloud_would_ignore_is_refused_by_name(standin: StandIn) -> None:
    table = {
        "attributes": [{"name": "a", "type": "S"}], "hashKey": "a", "tableClass": "STANDARD_INFREQUENT_ACCESS",
        "serverSideEncryption": {"enabled": True}, "replicas": [{"regionName": "eu-west-1"}],
        "globalSecondaryIndexes": [{"name": "by", "hashKey": "a", "projectionType": "ALL", "warmThroughput": {}}],
    }  # fmt: skip
    failures = standin.check(TABLE, table, {}, "l", b"seed")[1]

    assert sorted(item.property for item in failures) == [
        "globalSecondaryIndexes[0].warmThroughput",
        "replicas",
        "serverSideEncryption",
        "tableClass",
    ]
