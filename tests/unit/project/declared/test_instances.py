"""The instances that declared resources would run, and which of them cannot run the image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.contracts import tokens
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.instances import by_quota, mismatches, uses
from tests.unit.contracts.test_analysis import ANALYSIS


def schedule(name: str, operation: str, request: Any) -> Declared:
    arn = f"arn:aws:scheduler:::aws-sdk:sagemaker:{operation}"
    return Declared(name=name, type=tokens.SCHEDULE, inputs={"target": {"arn": arn, "input": json.dumps(request)}})


def stack(endpoint: str = "ml.m5.large", transform: str = "ml.m5.large") -> list[Declared]:
    variant = {"instanceType": endpoint, "initialInstanceCount": 2.0}
    cluster = {"jobResources": {"clusterConfig": {"instanceType": "ml.c5.xlarge", "instanceCount": 1.0}}}
    return [
        Declared(name="live", type=tokens.ENDPOINT_CONFIGURATION, inputs={"productionVariants": [variant, {"serverlessConfig": {}}]}),
        schedule("nightly", "createTransformJob", {"TransformResources": {"InstanceType": transform, "InstanceCount": 3}}),
        schedule("quality", "createProcessingJob", ANALYSIS.request().encode()),
        schedule("other", "createTrainingJob", {}),
        Declared(name="models", type=tokens.DATA_QUALITY_JOB_DEFINITION, inputs=cluster),
        Declared(name="role", type=tokens.ROLE, inputs={}),
    ]  # fmt: skip


def test_every_instance_is_counted_under_its_quota() -> None:
    assert by_quota(uses(stack())) == {
        "ml.m5.large for endpoint usage": 2,
        "ml.m5.large for transform job usage": 3,
        "ml.m5.large for processing job usage": 1,
        "ml.c5.xlarge for processing job usage": 1,
    }


def test_instances_that_requests_of_fogbanks_own_types_and_of_its_functions_ask_for_are_counted_too() -> None:
    transform = json.dumps({"TransformResources": {"InstanceType": "ml.c5.large", "InstanceCount": 2}})
    monitor = json.dumps({"JobResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}})
    own = [
        Declared(name="once", type=tokens.TRANSFORM_JOB, inputs={"request": transform}),
        Declared(name="bias", type=tokens.JOB_DEFINITION, inputs={"request": monitor}),
        Declared(name="arrives", type=tokens.FUNCTION, inputs={"environment": {"variables": {"REQUEST": transform}}}),
        Declared(name="another", type=tokens.FUNCTION, inputs={"environment": {"variables": {"REQUEST": "no JSON"}}}),
    ]

    assert by_quota(uses(own)) == {"ml.c5.large for transform job usage": 4, "ml.m5.large for processing job usage": 1}


@pytest.mark.parametrize(
    ("endpoint", "transform", "platform", "codes"),
    [
        ("ml.m5.large", "ml.m5.large", "linux/amd64", set()),
        ("ml.g5.xlarge", "ml.m5.large", "linux/amd64", set()),
        ("ml.m7g.large", "ml.m5.large", "linux/amd64", {("instance-platform", "live")}),
        ("ml.m5.large", "ml.c6gd.large", "linux/amd64", {("instance-no-graviton", "nightly")}),
        (
            "ml.m7g.large",
            "ml.m5.large",
            "linux/arm64",
            {("instance-platform", name) for name in ("nightly", "quality", "models")},
        ),
    ],
)
def test_an_instance_that_cannot_run_the_image_is_found(
    endpoint: str, transform: str, platform: str, codes: set[tuple[str, str]]
) -> None:
    found = list(mismatches(uses(stack(endpoint, transform)), platform))

    assert {(item.code, item.cause.partition(":")[0]) for item in found} == codes
    assert all(item.blocks and item.fix for item in found)


def test_no_job_has_a_graviton_type() -> None:
    """What the second finding says is AWS's own list."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    from fogbank.project.declared.instances import GRAVITON

    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    for shape in ("TransformInstanceType", "ProcessingInstanceType"):
        assert not [name for name in model.shape_for(shape).enum if GRAVITON.match(name)]
    assert any(GRAVITON.match(name) for name in model.shape_for("ProductionVariantInstanceType").enum)
