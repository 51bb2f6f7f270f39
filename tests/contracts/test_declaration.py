"""The declaration wire: the same program by Pulumi's engine mocks and by the real engine, over the same stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from fogbank.components import BatchTransform, DataCapture, Endpoint, Explainability, ModelService, MonitoringSchedule
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.testing import CloudProcess, Deployment

Deploy = Callable[..., Deployment]
IMAGE = "local/fogbank-serve"


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def service_program(package: Manifest) -> Callable[[], dict[str, Any]]:
    def program() -> dict[str, Any]:
        service = ModelService("churn", package=package, image=IMAGE, force_destroy=True)
        endpoint = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture(sampling=50))
        batch = BatchTransform("nightly", service=service, schedule="rate(1 day)", schedule_name="churn-nightly")
        monitor = MonitoringSchedule("quality", endpoint=endpoint, schedule_name="churn-quality")
        return {
            "endpoint": endpoint.endpoint_name, "model": service.model_name, "config": endpoint.config_name,
            "batch": batch.schedule_name, "monitor": monitor.schedule_name,
        }  # fmt: skip

    return program


def test_mocks_and_engine_declare_the_same(local_cloud: CloudProcess, deploy: Deploy, package: Manifest) -> None:
    mocked = deploy(service_program(package), mocks=True)
    described = local_cloud.client("sagemaker").describe_endpoint(EndpointName="churn-live")
    assert described["EndpointStatus"] == "InService"
    assert mocked.outputs["endpoint"] == "churn-live"
    assert mocked.resources["churn-live"]["dataCaptureConfig"]["initialSamplingPercentage"] == 50

    local_cloud.admin.call("reset")
    real = deploy(service_program(package))
    named = {"config", "model"}  # by Pulumi
    assert {key: value for key, value in real.outputs.items() if key not in named} == {
        key: value for key, value in mocked.outputs.items() if key not in named
    }
    assert real.outputs["config"].startswith("churn-live-")
    assert real.driver is not None
    assert real.driver.up(lambda _: None).changed is False
    assert real.driver.refresh(lambda _: None).changed is False
    real.driver.preview(lambda _: None, expect_no_changes=True)


def test_a_changed_package_is_a_new_model_before_the_old_one_goes(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    first = deploy(service_program(package))
    changed = replace(
        package, package=replace(package.package, handler="inference.py"), package_sha256=package.package_sha256
    )
    program = service_program(changed)

    def with_another_environment() -> dict[str, Any]:
        service = ModelService("churn", package=package, image=IMAGE, force_destroy=True, environment={"STEP": "2"})
        endpoint = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture(sampling=50))
        return {"endpoint": endpoint.endpoint_name, "model": service.model_name, "config": endpoint.config_name}

    assert deploy(program).summary is not None
    second = deploy(with_another_environment)

    order = [(step.op, step.name) for step in second.steps if step.done]
    assert second.outputs["model"] != first.outputs["model"]
    assert second.outputs["endpoint"] == first.outputs["endpoint"]
    assert (
        order.index(("create-replacement", "churn-live"))
        < order.index(("update", "live-rollout"))
        < order.index(("delete-replaced", "churn-live"))
    )
    live = local_cloud.client("sagemaker").describe_endpoint(EndpointName="churn-live")
    assert live["EndpointConfigName"] == second.outputs["config"]


def test_a_model_whose_bucket_is_another_is_made_before_the_old_one_goes(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    def program() -> dict[str, Any]:
        service = ModelService("churn", package=package, image=IMAGE, force_destroy=True)
        return {"model": service.model_name, "bucket": service.bucket}

    first = deploy(program)
    s3, bucket = local_cloud.client("s3"), first.outputs["bucket"]
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=bucket)
    assert first.driver is not None
    first.driver.refresh(lambda _: None)
    second = deploy(program)

    order = [(step.op, step.name) for step in second.steps if step.done]
    assert second.outputs["model"] != first.outputs["model"]
    assert order.index(("create-replacement", "churn")) < order.index(("delete-replaced", "churn"))


def test_renaming_a_service_is_an_update_that_works(deploy: Deploy, package: Manifest) -> None:
    def named(name: str) -> Callable[[], dict[str, Any]]:
        def program() -> dict[str, Any]:
            service = ModelService(name, package=package, image=IMAGE, force_destroy=True)
            endpoint = Endpoint("live", service=service, endpoint_name="renamed-live", capture=DataCapture(sampling=50))
            monitor = MonitoringSchedule("quality", endpoint=endpoint)
            return {
                "endpoint": endpoint.endpoint_name,
                "config": endpoint.config_name,
                "monitor": monitor.schedule_name,
            }

        return program

    first, second = deploy(named("churn")), deploy(named("churned"))
    assert second.outputs["config"] != first.outputs["config"], "other arguments are another configuration"
    assert second.outputs["endpoint"] == first.outputs["endpoint"]


def test_an_input_that_the_standin_lacks_is_refused_by_name_by_both(deploy: Deploy) -> None:
    def program() -> None:
        aws.s3.Bucket("site", website={"index_document": "index.html"})

    for mocks in (True, False):
        with pytest.raises(EngineError, match="website") as caught:
            deploy(program, mocks=mocks)
        assert "refused, not ignored" in caught.value.cause


def test_a_resource_type_that_the_standin_lacks_is_named(deploy: Deploy) -> None:
    def program() -> None:
        aws.kinesis.Stream("news")

    with pytest.raises(EngineError, match="does not have the resource type aws:kinesis/stream:Stream"):
        deploy(program)


def test_what_exists_can_be_imported_and_drift_is_refreshed(local_cloud: CloudProcess, deploy: Deploy) -> None:
    local_cloud.client("s3").create_bucket(Bucket="mine")

    def program() -> dict[str, Any]:
        return {"bucket": aws.s3.Bucket("b", bucket="mine", opts=pulumi.ResourceOptions(import_="mine")).bucket}

    deployed = deploy(program)
    assert deployed.outputs == {"bucket": "mine"}
    assert deployed.driver is not None
    local_cloud.client("s3").delete_bucket(Bucket="mine")
    assert deployed.driver.refresh(lambda _: None).changes.get("delete") == 1


def watched(service: ModelService, **arguments: Any) -> MonitoringSchedule:
    """A monitor of an endpoint that captures."""
    return MonitoringSchedule("m", endpoint=Endpoint("e", service=service, capture=DataCapture()), **arguments)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda service: Endpoint("e", service=service, instance_count=0), "instance_count must be at least 1"),
        (lambda _: DataCapture(sampling=101), "sampling must be 0 to 100"),
        (lambda service: Endpoint("e", service=service, endpoint_name="a_b"), "endpoint_name must be 1 to 63"),
        (
            lambda service: BatchTransform(
                "b", service=service, schedule="rate(1 day)", schedule_name="nightly_scores"
            ),
            "schedule_name must be 1 to 63",
        ),
        (lambda service: BatchTransform("b", service=service, schedule="daily"), "schedule must be cron"),
        (
            lambda service: MonitoringSchedule("m", endpoint=Endpoint("e", service=service)),
            "captures nothing",
        ),
        (lambda service: watched(service, carrier="lambda"), "carrier must be scheduler or model-monitor"),
        (lambda service: watched(service, schedule="cron(0 8 ? * MON *)"), "window_hours must be given with"),
        (lambda service: watched(service, window_hours=0), "window_hours must be at least 1"),
        (lambda service: watched(service, delay_minutes=60), "delay_minutes must be 0 to 59"),
        (lambda service: watched(service, delay_minutes=5, carrier="model-monitor"), "Model Monitor waits by itself"),
        (lambda service: watched(service, instance_count=0), "instance_count must be 1 to 100"),
        (
            lambda service: watched(service, instance_count=2, kind=Explainability()),
            "ModelExplainability is one instance's work",
        ),
    ],
)
def test_contradictory_arguments_are_refused_before_anything_is_declared(
    deploy: Deploy, package: Manifest, build: Callable[[ModelService], object], said: str
) -> None:
    def program() -> None:
        build(ModelService("churn", package=package, image=IMAGE))

    with pytest.raises(ValueError, match=said):
        deploy(program, mocks=True)


def test_a_program_without_its_package_ends_in_one_readable_error(
    fogbank_project: ProjectConfig, tmp_path: Path, local_cloud: CloudProcess
) -> None:
    from fogbank.testing import deploy_with_engine

    (tmp_path / "p" / "infra").mkdir(parents=True)
    for name in (
        "Pulumi.yaml",
        "Pulumi.local.yaml",
        *(f"infra/{n}.py" for n in ("__main__", "serving", "batch", "watch")),
    ):
        (tmp_path / "p" / name).write_bytes((fogbank_project.root / name).read_bytes())
    with pytest.raises(EngineError) as caught:
        deploy_with_engine(tmp_path / "p", local_cloud, tmp_path / "state")

    assert "package-missing: no package in" in caught.value.cause
    assert "Traceback" not in caught.value.cause


def test_a_role_may_be_brought_and_every_other_role_be_bounded(deploy: Deploy, package: Manifest) -> None:
    own, boundary = "arn:aws:iam::123456789012:role/ml", "arn:aws:iam::123456789012:policy/most"

    def program(role_arn: str | None) -> Callable[[], None]:
        def declare() -> None:
            service = ModelService(
                "churn",
                package=package,
                image=IMAGE,
                role_arn=role_arn,
                permissions_boundary=boundary,
                force_destroy=True,
            )
            live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture())
            BatchTransform("nightly", service=service, schedule="rate(1 day)")
            MonitoringSchedule("quality", endpoint=live)

        return declare

    resources = deploy(program(own), mocks=True).resources
    roles = {name: each for name, each in resources.items() if "assumeRolePolicy" in each}

    assert resources["churn"]["executionRoleArn"] == own
    assert json.loads(resources["quality-schedule"]["target"]["input"])["RoleArn"] == own
    assert {name: each["permissionsBoundary"] for name, each in roles.items()} == {
        "nightly-role": boundary, "quality-role": boundary
    }  # fmt: skip
    assert own in resources["quality-role-policy"]["policy"], "the schedule may pass the role that was brought"
