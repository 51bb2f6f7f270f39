"""A package is a version of the registry, and what serves it waits for its approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fogbank.components import Endpoint, ModelRegistry, ModelService
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.provider.model_versions import ModelVersionType
from fogbank.provider.resource import ProvisionError
from fogbank.testing import CloudProcess, Deployment

Deploy = Callable[..., Deployment]


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def program(package: Manifest, *, gate: bool = True) -> Callable[[], dict[str, Any]]:
    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="local/churn", force_destroy=True)
        registry = ModelRegistry("registry", service=service, group="churn", gate=gate, force_destroy=True)
        live = Endpoint("live", service=service, endpoint_name="churn-live")
        return {"version": registry.version, "approval": registry.approval, "endpoint": live.endpoint_name}

    return declare


def test_an_endpoint_waits_for_the_approval_of_its_version(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    sagemaker = local_cloud.client("sagemaker")
    with pytest.raises(EngineError, match="version 1 of churn is PendingManualApproval"):
        deploy(program(package))
    assert sagemaker.list_endpoints()["Endpoints"] == []
    [version] = sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
    sagemaker.update_model_package(ModelPackageArn=version["ModelPackageArn"], ModelApprovalStatus="Approved")
    deployed = deploy(program(package))

    assert (deployed.outputs["version"], deployed.outputs["approval"]) == ("1", "Approved")
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)
    sagemaker.update_model_package(ModelPackageArn=version["ModelPackageArn"], ModelApprovalStatus="Rejected")
    deployed.driver.refresh(lambda _: None)
    with pytest.raises(EngineError, match="is Rejected"):
        deployed.driver.up(lambda _: None)
    assert sagemaker.describe_endpoint(EndpointName="churn-live")["EndpointStatus"] == "InService"
    deployed.driver.destroy(lambda _: None)


def test_without_a_gate_a_version_is_approved_with_its_metrics(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    outputs = deploy(program(package, gate=False), mocks=True).outputs
    sagemaker = local_cloud.client("sagemaker")
    [version] = sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
    told = sagemaker.describe_model_package(ModelPackageName=version["ModelPackageArn"])

    assert outputs == {"version": "1", "approval": "Approved", "endpoint": "churn-live"}
    assert float(told["CustomerMetadataProperties"]["metric-accuracy"]) == pytest.approx(
        package.package.metrics["accuracy"], rel=1e-5
    )
    assert told["CustomerMetadataProperties"]["artifact-sha256"] == package.artifact_sha256
    [container] = told["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"].endswith(f"{package.artifact_sha256}/model.tar.gz")


def test_a_digest_is_one_version_which_goes_only_where_it_may_be_lost(shared_cloud: CloudProcess, unique: str) -> None:
    sagemaker = shared_cloud.client("sagemaker")
    versions = ModelVersionType(lambda *_: sagemaker)
    spec = '{"InferenceSpecification": {"Containers": [{"Image": "i", "ModelDataUrl": "s3://b/m"}], "SupportedContentTypes": ["text/csv"]}}'
    inputs = {"group": unique, "digest": "a", "request": spec}
    first, state = versions.create(inputs)
    again, _ = versions.create(inputs)
    second, _ = versions.create({**inputs, "digest": "b"})

    assert (state["version"], state["approval"], again) == ("1", "Approved", first)
    assert second.endswith("/2")
    with pytest.raises(ProvisionError, match=r"version 3 of .* is PendingManualApproval, and what serves it waits"):
        versions.create({**inputs, "digest": "c", "gate": "true"})
    third = f"{second[:-1]}3"
    assert versions.read(third, {**inputs, "gate": "true"}) is None
    sagemaker.update_model_package(ModelPackageArn=third, ModelApprovalStatus="Approved")
    assert versions.create({**inputs, "digest": "c", "gate": "true"})[0] == third
    versions.delete(third, inputs)
    assert versions.read(third, inputs) is not None, "the registry is a record"
    for arn in (first, second, third):
        versions.delete(arn, {**inputs, "forceDestroy": "true"})
    assert versions.read(first, inputs) is None
    with pytest.raises(Exception, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=unique)


def test_another_digest_is_another_version_and_a_gate_is_an_update() -> None:
    versions = ModelVersionType(lambda *_: None)
    inputs = {"group": "g", "digest": "a", "request": "{}"}

    assert versions.diff(inputs, {**inputs, "digest": "b"}).replaces == ("digest",)
    assert versions.diff(inputs, {**inputs, "gate": "true"}) == versions.diff(inputs, {**inputs, "gate": "1"})
    assert versions.diff(inputs, {**inputs, "request": '{"a": 1}', "region": "r"}).changed == ()
    assert [item.property for item in versions.check({**inputs, "request": "{"})[1]] == ["request"]
