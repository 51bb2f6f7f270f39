"""The table of four kinds against botocore's model: a row's names are AWS's."""

from __future__ import annotations

import pytest

from fogbank.cloud.api.control import service_model
from fogbank.cloud.monitoring.definitions import definition_kind
from fogbank.cloud.monitoring.kinds import KINDS, PARTS, MonitorKind


def test_the_rows_are_all_that_aws_has() -> None:
    types = service_model().shape_for("MonitoringType").enum

    assert list(KINDS) == types


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.type)
def test_a_rows_operations_and_members_are_in_the_model(kind: MonitorKind) -> None:
    operations = set(service_model().operation_names)
    members = service_model().operation_model(f"Create{kind.stem}").input_shape.members

    assert {f"Create{kind.stem}", *definition_kind(kind).operation_names()} <= operations
    assert {f"{kind.type}{part}" for part in PARTS} <= set(members)


def test_a_definition_under_names_that_all_share() -> None:
    document = {
        "ModelBiasJobInput": {"EndpointInput": 1, "GroundTruthS3Input": 4},
        "DataQualityJobInput": 2,
        "RoleArn": 3,
    }

    assert KINDS["ModelBias"].plain(document) == {
        "JobInput": {"Input": 1, "GroundTruthS3Input": 4}, "DataQualityJobInput": 2, "RoleArn": 3,
    }  # fmt: skip
