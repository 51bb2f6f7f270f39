"""The provider's default tags reach everything that has tags, stay through a refresh, and change with the provider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fogbank.ground.aws import LocalClients
from fogbank.provider.services import dynamodb, ec2, ec2_groups, ecr, iam_policies
from fogbank.provider.settings import Settings
from fogbank.provider.standin import StandIn
from fogbank.testing import CloudProcess
from tests.lives import POLICY

THINGS: dict[str, dict[str, Any]] = {
    iam_policies.POLICY: {"policy": POLICY},
    ecr.REPOSITORY: {},
    dynamodb.TABLE: {"attributes": [{"name": "id", "type": "S"}], "hashKey": "id", "billingMode": "PAY_PER_REQUEST"},
    ec2.VPC: {"cidrBlock": "10.3.0.0/16"},
    ec2_groups.GROUP: {},
}


@pytest.mark.parametrize("token", sorted(THINGS))
def test_default_tags(shared_cloud: CloudProcess, unique: str, token: str) -> None:
    tagged = StandIn(clients=LocalClients(shared_cloud.url), settings=Settings(default_tags={"team": "fraud"}))
    name = {} if token == ec2.VPC else {"name": unique}
    given = {**THINGS[token], **name, "tags": {"own": "1"}}
    inputs, failures = tagged.check(token, given, {}, "logical", b"seed")
    assert failures == []
    id_, state = tagged.create(token, inputs)
    assert state["tagsAll"] == {"own": "1", "team": "fraud"}
    still(tagged, token, id_, inputs)

    moved = replace(tagged, settings=Settings(default_tags={"team": "risk"}))
    wanted, _ = moved.check(token, given, inputs, "logical", b"seed")
    assert moved.diff(token, inputs, wanted).changed == ("tagsAll",)
    moved.update(token, id_, inputs, wanted)
    still(moved, token, id_, wanted)

    bare = replace(tagged, settings=Settings())
    read = bare.read(token, id_, {key: value for key, value in wanted.items() if key != "tagsAll"})
    assert read is not None
    assert read[0]["tags"] == {"own": "1", "team": "risk"}
    bare.delete(token, id_, state)


def still(standin: StandIn, token: str, id_: str, inputs: dict[str, Any]) -> None:
    read = standin.read(token, id_, inputs)
    assert read is not None
    assert standin.diff(token, inputs, read[0]).changed == ()
