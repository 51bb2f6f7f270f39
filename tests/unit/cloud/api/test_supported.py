"""No member of an input shape is ignored in silence: the table against botocore's model, and what a request is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.control import service_model
from fogbank.cloud.api.supported import inert, lacking, references, table

CALLS = (
    "CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities",
    "CreateTransformJob", "CreateProcessingJob", "CreateDataQualityJobDefinition", "CreateModelQualityJobDefinition",
    "CreateModelBiasJobDefinition", "CreateModelExplainabilityJobDefinition", "CreateMonitoringSchedule",
    "UpdateMonitoringSchedule", "CreateModelPackageGroup", "CreateModelPackage", "UpdateModelPackage", "PutModelPackageGroupPolicy",
    "CreateTrainingJob", "CreateInferenceComponent", "UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig",
    "CreatePipeline", "UpdatePipeline", "DescribePipeline", "StartPipelineExecution", "ListPipelineExecutions",
    "CreateHyperParameterTuningJob",
)  # fmt: skip


def reached(shape: Any) -> Iterator[Any]:
    """Every structure that a request can enter: what is refused is not entered."""
    if shape.type_name == "list":
        yield from reached(shape.member)
    if shape.type_name == "structure":
        yield shape
        support = table().get(shape.name)
        for member, inner in shape.members.items():
            if support is None or member in support.works | support.inert:
                yield from reached(inner)


@pytest.mark.parametrize("call", CALLS)
def test_every_member_is_in_one_list_and_no_list_has_others(call: str) -> None:
    for shape in reached(service_model().operation_model(call).input_shape):
        support = table().get(shape.name)
        if support is None:
            assert any(shape in list(reached(inner)) for inner in inert_shapes(call)), f"{shape.name} has no row"
            continue
        listed = [*support.works, *support.inert, *support.refused]
        assert sorted(listed) == sorted(shape.members), shape.name
        assert set(support.references) <= support.works | support.inert, shape.name


def inert_shapes(call: str) -> list[Any]:
    """The shapes below members without effect: they need no rows of their own."""
    return [
        inner
        for shape in reached(service_model().operation_model(call).input_shape)
        if shape.name in table()
        for member, inner in shape.members.items()
        if member in table()[shape.name].inert
    ]


def test_rows_are_of_shapes_that_a_call_reaches() -> None:
    names = {shape.name for call in CALLS for shape in reached(service_model().operation_model(call).input_shape)}

    assert set(table()) <= names


def test_all_that_is_lacking_is_told_at_once_by_its_path() -> None:
    shape = service_model().operation_model("CreateEndpointConfig").input_shape
    params: dict[str, Any] = {
        "EndpointConfigName": "c",
        "ProductionVariants": [
            {"VariantName": "a", "ModelName": "m", "AcceleratorType": "ml.eia1.medium"},
            {
                "VariantName": "b",
                "CoreDumpConfig": {"DestinationS3Uri": "s3://b/k"},
                "InstancePools": [],
            },
        ],
        "ExplainerConfig": {"ClarifyExplainerConfig": {}},
        "MetricsConfig": None,
        "Brandnew": {"x": 1},
    }

    assert lacking(params, shape) == [
        "ProductionVariants[0].AcceleratorType",
        "ProductionVariants[1].CoreDumpConfig",
        "ExplainerConfig",
        "Brandnew",
    ]


def test_what_is_inert_and_what_must_exist() -> None:
    shape = service_model().operation_model("CreateModel").input_shape
    params = {
        "ModelName": "m",
        "ExecutionRoleArn": "arn:aws:iam::1:role/r",
        "EnableNetworkIsolation": True,
        "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    }

    assert [mention.path for mention in inert(params, shape)] == ["VpcConfig"]
    assert [(mention.reference, mention.value) for mention in references(params, shape)] == [
        ("subnet", "subnet-1"),
        ("subnet", "subnet-2"),
        ("security-group", "sg-1"),
    ]


def test_the_page_on_parity_lists_every_member_without_effect() -> None:
    page = (Path(__file__).parents[4] / "docs" / "parity.md").read_text()
    rows = page.partition("Members without local effect.")[2].partition("\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    expected = [f"| {name} | {', '.join(sorted(row.inert))} |" for name, row in table().items() if row.inert]

    assert rows == expected
