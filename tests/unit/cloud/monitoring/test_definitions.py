"""Job definitions: read through their kind's row; what the local cloud does not run is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.monitoring.definitions import Definition, JobDefinitions, Output
from fogbank.cloud.monitoring.kinds import DATA_QUALITY, KINDS
from fogbank.contracts.processing import Cluster
from tests.unit.cloud.monitoring.requests import CLUSTER, ROLE, ROOT, batch_input, definition, quality_definition

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
        ({"DataQualityJobInput": {}}, "DataQualityJobInput needs one of EndpointInput and BatchTransformInput"),
        (
            {"DataQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/p"}, **batch_input()}},
            "DataQualityJobInput needs one of",
        ),
        ({"DataQualityJobInput": batch_input(DatasetFormat={})}, "DatasetFormat must be one of Csv, Json and Parquet"),
        (
            {
                "DataQualityJobInput": batch_input(),
                "DataQualityAppSpecification": {"ImageUri": "i", "RecordPreprocessorSourceUri": "s3://b/p.py"},
            },
            "RecordPreprocessorSourceUri is for an EndpointInput",
        ),
        (
            {
                "JobResources": {"ClusterConfig": {**CLUSTER, "InstanceCount": 2}},
                "NetworkConfig": {"EnableNetworkIsolation": True},
            },
            "EnableNetworkIsolation must be off",
        ),
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ModelQualityAppSpecification": {"ImageUri": "i"}}, "ModelQualityAppSpecification needs a ProblemType"),
        (
            {"ModelQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/p"}}},
            "needs a GroundTruthS3Input",
        ),
        (
            {
                "ModelQualityJobInput": {
                    "EndpointInput": {"EndpointName": "e", "LocalPath": "/p"},
                    "GroundTruthS3Input": {"S3Uri": "s3://b/t"},
                }
            },
            "needs an InferenceAttribute or a ProbabilityAttribute",
        ),
    ],
)
def test_what_a_model_quality_definition_needs(ground: Ground, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        JobDefinitions(KINDS["ModelQuality"], ground).create(HERE, {**quality_definition(), **change})

    assert message in refusal.value.message


def test_what_a_kind_does_not_read_is_refused(definitions: JobDefinitions) -> None:
    for own, message in (
        ({"InferenceAttribute": "0"}, "read no InferenceAttribute"),
        ({"StartTimeOffset": "P"}, "no time offset"),
    ):
        asks = {"EndpointInput": {"EndpointName": "e", "LocalPath": "/p", **own}}
        with pytest.raises(ApiError, match=message):
            definitions.create(HERE, definition(DataQualityJobInput=asks))


def test_what_one_instance_does_cannot_be_spread_over_several(ground: Ground) -> None:
    asks = quality_definition()
    asks["JobResources"] = {"ClusterConfig": {**CLUSTER, "InstanceCount": 2}}
    asks["ModelQualityJobInput"]["EndpointInput"]["S3DataDistributionType"] = "ShardedByS3Key"

    with pytest.raises(ApiError, match="S3DataDistributionType must be FullyReplicated"):
        JobDefinitions(KINDS["ModelQuality"], ground).create(HERE, asks)
