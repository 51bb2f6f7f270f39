"""Job definitions: read through their kind's row; what the local cloud does not run is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.monitoring.definitions import Definition, JobDefinitions, Output, refusal
from fogbank.cloud.monitoring.kinds import DATA_QUALITY, KINDS
from fogbank.contracts.processing import Cluster
from tests.unit.cloud.monitoring.requests import CLUSTER, ROLE, ROOT, definition

HERE = Scope("us-east-1")


@pytest.fixture
def definitions(ground: Ground) -> JobDefinitions:
    return JobDefinitions(DATA_QUALITY, ground)


def test_a_definition_as_an_execution_reads_it(definitions: JobDefinitions) -> None:
    baseline = {"ConstraintsResource": {"S3Uri": "s3://b/c.json"}, "StatisticsResource": {"S3Uri": "s3://b/s.json"}}
    definitions.create(
        HERE, definition(DataQualityBaselineConfig=baseline, StoppingCondition={"MaxRuntimeInSeconds": 60})
    )

    assert definitions.definition("us-east-1", "d") == Definition(
        name="d",
        image="local/fogbank-monitor",
        endpoint="ep",
        source=f"{ROOT}/input/endpoint",
        outputs=(Output(local_path=f"{ROOT}/output", uri="s3://b/results"),),
        constraints_uri="s3://b/c.json",
        statistics_uri="s3://b/s.json",
        cluster=Cluster(instance_count=1, instance_type="ml.m5.large", volume_gb=20),
        max_runtime_s=60,
        role=ROLE,
    )


def test_summaries_have_the_names_of_a_monitors(definitions: JobDefinitions) -> None:
    for name, endpoint in (("one", "ep"), ("two", "other")):
        definitions.create(HERE, definition(name, endpoint))
    [summary] = definitions.summaries(HERE, {"EndpointName": "other"})["JobDefinitionSummaries"]

    assert summary["MonitoringJobDefinitionName"] == "two"
    assert summary["MonitoringJobDefinitionArn"].endswith(":data-quality-job-definition/two")
    assert len(definitions.summaries(HERE, {"NameContains": "o"})["JobDefinitionSummaries"]) == 2


def test_names(definitions: JobDefinitions) -> None:
    definitions.create(HERE, definition())
    definitions.delete(HERE, {"JobDefinitionName": "d"})
    definitions.create(HERE, definition())

    with pytest.raises(ApiError) as taken:
        definitions.create(HERE, definition())
    with pytest.raises(ApiError) as missing:
        definitions.definition("eu-west-1", "d")
    assert (taken.value.code, missing.value.code) == ("ResourceInUse", "ResourceNotFound")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"DataQualityJobInput": {"BatchTransformInput": {}}}, "DataQualityJobInput needs an EndpointInput"),
        ({"JobResources": {"ClusterConfig": {**CLUSTER, "InstanceCount": 2}}}, "InstanceCount must be 1"),
        (
            {"DataQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/p", "S3InputMode": "Pipe"}}},
            "does not have S3InputMode Pipe",
        ),
    ],
)
def test_what_is_refused(definitions: JobDefinitions, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        definitions.create(HERE, definition(**change))

    assert refusal.value.code == "ValidationException"
    assert message in refusal.value.message


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if not kind.runs], ids=lambda kind: kind.type)
def test_a_kind_that_does_not_run_is_refused_by_its_name(kind: Any) -> None:
    with pytest.raises(ApiError, match=f"does not have {kind.type} monitors yet"):
        refusal(kind)[f"Create{kind.stem}"](HERE, {})
