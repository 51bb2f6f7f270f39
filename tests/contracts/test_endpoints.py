"""Endpoints as they are declared: several variants, canaries, keys, networks and buckets that are there, by the real engine and by mocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.components import (
    Alarms,
    AllAtOnce,
    Canary,
    DataCapture,
    Endpoint,
    ModelService,
    Network,
    OfficeHours,
    Provisioned,
    Scaling,
    Serverless,
    Variant,
)
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.project.declared.declaration import Declared, declared
from fogbank.testing import CloudProcess, Deployment
from tests.declared import place
from tests.waiting import until

Deploy = Callable[..., Deployment]
IMAGE = "local/fogbank-serve"
SCALED = """
from pathlib import Path

import pulumi

from fogbank.components import Alarms, Canary, Endpoint, ModelService, Provisioned, Scaling, Variant, load_package

service = ModelService("churn", package=load_package(Path(pulumi.Config().require("package"))), image="i")
scaling = Scaling(least=2, most=4, per_instance=100)
Endpoint(
    "live",
    variants=[Variant(service=service, on=Provisioned(count=2, scaling=scaling), name="a")],
    deployment=Canary(percent=10, bake_s=300, alarms=Alarms(errors=5, latency_ms=200)),
)
"""


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def test_several_variants_move_by_a_canary(local_cloud: CloudProcess, deploy: Deploy, package: Manifest) -> None:
    def program(step: str) -> Callable[[], dict[str, Any]]:
        def declare() -> dict[str, Any]:
            service = ModelService(
                "churn", package=package, image=IMAGE, force_destroy=True, environment={"STEP": step}
            )
            live = Endpoint(
                "live",
                variants=[
                    Variant(service=service, on=Provisioned(count=2), name="a", weight=3),
                    Variant(service=service, on=Provisioned(count=2), name="b"),
                ],
                capture=DataCapture(sampling=10),
                deployment=Canary(percent=25, bake_s=0, alarms=[]),
            )
            return {"endpoint": live.endpoint_name, "config": live.config_name}

        return declare

    first = deploy(program("1"))
    assert first.driver is not None
    first.driver.preview(lambda _: None, expect_no_changes=True)
    second = deploy(program("2"))
    sagemaker = local_cloud.client("sagemaker")
    live = sagemaker.describe_endpoint(EndpointName="live")

    assert live["EndpointConfigName"] == second.outputs["config"] != first.outputs["config"]
    shares = {variant["VariantName"]: variant["CurrentWeight"] for variant in live["ProductionVariants"]}
    assert shares == {"a": 3.0, "b": 1.0}
    routing = live["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["CanarySize"] == {"Type": "CAPACITY_PERCENT", "Value": 25}


def test_scaling_and_alarms_are_there_and_work(local_cloud: CloudProcess, deploy: Deploy, package: Manifest) -> None:
    def program(step: str) -> Callable[[], dict[str, Any]]:
        def declare() -> dict[str, Any]:
            service = ModelService(
                "churn", package=package, image=IMAGE, force_destroy=True, environment={"STEP": step}
            )
            scaling = Scaling(least=2, most=3, per_instance=100)
            live = Endpoint(
                "live",
                variants=[Variant(service=service, on=Provisioned(count=2, scaling=scaling), name="a")],
                deployment=Canary(percent=50, bake_s=0, keep_old_s=0, alarms=Alarms(errors=5)),
            )
            return {"config": live.config_name}

        return declare

    first = deploy(program("1"))
    second = deploy(program("2"))
    assert second.driver is not None
    second.driver.preview(lambda _: None, expect_no_changes=True)

    assert second.outputs["config"] != first.outputs["config"]
    scaling = local_cloud.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == ("endpoint/live/variant/a", 2, 3)
    names = {alarm["AlarmName"] for alarm in local_cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    live = local_cloud.client("sagemaker").describe_endpoint(EndpointName="live")
    rolled_back_by = live["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert {alarm["AlarmName"] for alarm in rolled_back_by} == {"live-a-errors"} < names


def test_what_scales_moves_to_another_instance_type_and_variants_that_scale_go(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    """SageMaker refuses both while the variant is a scalable target."""

    def program(instance_type: str, *names: str) -> Callable[[], dict[str, Any]]:
        def declare() -> dict[str, Any]:
            service = ModelService("churn", package=package, image=IMAGE, force_destroy=True)
            on = Provisioned(instance_type=instance_type, scaling=Scaling(least=1, most=3, per_instance=100))
            live = Endpoint("live", variants=[Variant(service=service, on=on, name=name) for name in names])
            return {"config": live.config_name}

        return declare

    first = deploy(program("ml.m5.large", "a", "b"))
    second = deploy(program("ml.m5.xlarge", "a"))
    assert second.driver is not None
    second.driver.preview(lambda _: None, expect_no_changes=True)

    assert second.outputs["config"] != first.outputs["config"]
    scaling = local_cloud.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["ResourceId"], target["MaxCapacity"]) == ("endpoint/live/variant/a", 3)
    [policy] = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["ResourceId"] == "endpoint/live/variant/a"


def test_serverless_and_a_shadow(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    def program() -> None:
        service = ModelService("churn", package=package, image=IMAGE, force_destroy=True)
        Endpoint("rare", variants=[Variant(service=service, on=Serverless(), name="a")])
        Endpoint(
            "often",
            variants=[Variant(service=service, on=Provisioned(), name="a")],
            shadow=Variant(service=service, on=Provisioned(), name="s"),
        )

    deployed = deploy(program)
    runtime = local_cloud.client("sagemaker-runtime")
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    answers = [
        runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=sample)["Body"].read()
        for name in ("rare", "often")
    ]

    assert answers[0] == answers[1] != b""
    often = local_cloud.client("sagemaker").describe_endpoint(EndpointName="often")
    assert [variant["VariantName"] for variant in often["ShadowProductionVariants"]] == ["s"]
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)


def test_how_it_moves_changes_nothing_that_is_there(deploy: Deploy, package: Manifest) -> None:
    def program(**way: Any) -> Callable[[], None]:
        def declare() -> None:
            service = ModelService("churn", package=package, image=IMAGE, force_destroy=True)
            Endpoint("live", service=service, **way)

        return declare

    deploy(program())
    changed = deploy(program(deployment=AllAtOnce(limit_s=900)))
    assert changed.summary is not None
    assert changed.summary.changed is False


def test_a_refresh_after_a_guarded_move_changes_nothing(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    """pulumi-aws reads `deploymentConfig` out of LastDeploymentConfig: what the program does not declare would be a change."""

    def program(step: str) -> Callable[[], None]:
        def declare() -> None:
            service = ModelService(
                "churn", package=package, image=IMAGE, force_destroy=True, environment={"STEP": step}
            )
            Endpoint("live", service=service, deployment=AllAtOnce(keep_old_s=0, alarms=Alarms(errors=5)))

        return declare

    deploy(program("1"))
    moved = deploy(program("2"))
    sagemaker = local_cloud.client("sagemaker")
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="live", DesiredWeightsAndCapacities=wanted)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="live", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    before = sagemaker.describe_endpoint(EndpointName="live")
    assert before["LastDeploymentConfig"]["AutoRollbackConfiguration"]
    assert moved.driver is not None
    moved.driver.refresh(lambda _: None)
    again = deploy(program("2"))

    assert again.summary is not None
    assert again.summary.changed is False, again.summary.changes
    after = sagemaker.describe_endpoint(EndpointName="live")
    assert {**after, "ResponseMetadata": 0} == {**before, "ResponseMetadata": 0}
    assert after["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_a_bucket_a_key_and_a_network_that_are_there(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, unique: str
) -> None:
    ec2 = local_cloud.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = [
        group["GroupId"]
        for group in ec2.describe_security_groups()["SecurityGroups"]
        if group["VpcId"] == subnet["VpcId"]
    ]
    network = Network(subnets=[subnet["SubnetId"]], security_groups=groups[:1], isolated=True)
    key = local_cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    local_cloud.client("s3").create_bucket(Bucket=unique)

    def program() -> dict[str, Any]:
        brought = ModelService("own", package=package, image=IMAGE, bucket=unique, network=network)
        made = ModelService("made", package=package, image=IMAGE, kms_key=key, force_destroy=True)
        live = Endpoint("live", service=made, kms_key=key, capture=DataCapture(kms_key=key))
        return {"own": brought.model_name, "bucket": made.bucket, "config": live.config_name}

    deployed = deploy(program)
    sagemaker, s3 = local_cloud.client("sagemaker"), local_cloud.client("s3")
    own = sagemaker.describe_model(ModelName=deployed.outputs["own"])
    assert own["PrimaryContainer"]["ModelDataUrl"].startswith(f"s3://{unique}/models/")
    assert own["VpcConfig"] == {"SecurityGroupIds": groups[:1], "Subnets": [subnet["SubnetId"]]}
    assert own["EnableNetworkIsolation"] is True
    rules = s3.get_bucket_encryption(Bucket=deployed.outputs["bucket"])["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    config = sagemaker.describe_endpoint_config(EndpointConfigName=deployed.outputs["config"])
    assert (config["KmsKeyId"], config["DataCaptureConfig"]["KmsKeyId"]) == (key, key)
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)
    deploy(dict)
    assert [item["Name"] for item in s3.list_buckets()["Buckets"]] == [unique], "the bucket is its owner's"


def test_all_that_sagemaker_would_refuse_is_told_at_once(deploy: Deploy, package: Manifest) -> None:
    def program() -> None:
        service = ModelService("churn", package=package, image=IMAGE, network=Network(isolated=True))
        Endpoint(
            "live",
            variants=[
                Variant(service=service, on=Serverless(), name="a", weight=0),
                Variant(service=service, name="a", weight=0),
            ],
            capture=DataCapture(),
            deployment=Canary(alarms=[]),
        )

    with pytest.raises(ValueError, match="the endpoint live has 7 problems") as caught:
        deploy(program, mocks=True)
    for said in (
        "2 variants are called 'a'", "weights sum to 0", "has no other variant", "capture nothing", "is in a VPC or isolated",
        "variant a is serverless: take AllAtOnce", "Canary needs two instances",
    ):  # fmt: skip
        assert said in str(caught.value)


@pytest.mark.parametrize("asleep", [{"hours": OfficeHours()}, {"until": "2026-12-31T18:00"}])
def test_what_scales_is_there_all_the_time(deploy: Deploy, package: Manifest, asleep: dict[str, Any]) -> None:
    def program() -> None:
        service = ModelService("churn", package=package, image=IMAGE)
        scaling = Scaling(least=1, most=2, per_instance=100)
        Endpoint("live", variants=[Variant(service=service, on=Provisioned(scaling=scaling), name="a")], **asleep)

    with pytest.raises(ValueError, match="variant a: its scaling is lost when hours or until delete the endpoint"):
        deploy(program, mocks=True)


def test_a_bucket_that_is_there_is_neither_encrypted_nor_deleted_by_us(deploy: Deploy, package: Manifest) -> None:
    for wrong in ({"kms_key": "k"}, {"force_destroy": True}):
        with pytest.raises(ValueError, match="by its owner"):
            deploy(lambda wrong=wrong: ModelService("c", package=package, image=IMAGE, bucket="b", **wrong), mocks=True)


def test_scaling_and_alarms_are_declared_for_a_variant(fogbank_project: ProjectConfig, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(SCALED)
    found = declared(tmp_path, place("prod", **{"p:package": str(fogbank_project.package)}))
    by_name: dict[str, Declared] = {item.name: item for item in found}

    target, policy = by_name["live-a-scaled"].inputs, by_name["live-a-scaling"].inputs
    assert (target["resourceId"], target["minCapacity"], target["maxCapacity"]) == ("endpoint/live/variant/a", 2, 4)
    assert policy["targetTrackingScalingPolicyConfiguration"]["targetValue"] == 100
    assert {by_name[name].inputs["name"] for name in ("live-a-errors", "live-a-latency")} == {
        "live-a-errors",
        "live-a-latency",
    }
    guards = by_name["live-rollout"].inputs["deployment"]
    assert (
        '"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "live-a-errors"}, {"AlarmName": "live-a-latency"}]}'
        in guards
    )


def test_by_office_hours_an_endpoint_goes_and_comes_back_under_its_name_as_the_program_says_then(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest
) -> None:
    def program(step: str) -> Callable[[], dict[str, Any]]:
        def declare() -> dict[str, Any]:
            service = ModelService(
                "churn", package=package, image=IMAGE, force_destroy=True, environment={"STEP": step}
            )
            live = Endpoint("live", service=service, hours=OfficeHours(start="08:00", end="18:00", days="*"))
            return {"config": live.config_name}

        return declare

    def there() -> str | None:
        listed = local_cloud.client("sagemaker").list_endpoints()["Endpoints"]
        return listed[0]["EndpointName"] if listed else None

    deploy(program("1"))
    fired: list[str] = []
    while "EventBridge schedule live-closes" not in fired:  # to the next evening
        fired += [item["name"] for item in local_cloud.advance(3600)]
        assert len(fired) < 3
    until(lambda: there() is None)
    second = deploy(program("2"))
    assert there() is None, "an update while it sleeps wakes nobody"
    while not there():
        local_cloud.advance(3600)
    sagemaker = local_cloud.client("sagemaker")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="live", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert sagemaker.describe_endpoint(EndpointName="live")["EndpointConfigName"] == second.outputs["config"]
