"""Updates that cannot lose the live model, with a provider that takes a rolled-back update for a success, as pulumi-aws does: three
scenes, each present with the plain resource and absent with the component."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from fogbank.components import DataCapture, Endpoint, ModelService
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.engine.environment import stack_environment
from fogbank.engine.operations import Summary
from fogbank.engine.stack import StackDriver
from fogbank.project.account.stacks import find_engine
from fogbank.provider.server import ProviderServer
from fogbank.testing import CloudProcess
from fogbank.testing.deployment import collect_pulumis_leftovers
from tests.fakes.pulumi_aws import provider

BROKEN = {"SAGEMAKER_PROGRAM": "not-there.py"}
NAME = "churn-live"
PLAIN = pytest.mark.parametrize("plain", [False, True], ids=["component", "plain"])
Up = Callable[..., Summary]


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


@pytest.fixture
def up(local_cloud: CloudProcess, tmp_path: Path, package: Manifest) -> Iterator[Up]:
    """`pulumi up` of one endpoint by a provider that behaves as pulumi-aws does."""
    collect_pulumis_leftovers()
    server = ProviderServer(provider(local_cloud.url))
    server.start()
    engine = find_engine(lambda _: None)
    environment = stack_environment(tmp_path / "state", engine, local_cloud.url, server.port, local_cloud.secret)

    def run(
        *, plain: bool, environment_of_model: dict[str, str] | None = None, count: int = 1, of: Manifest = package
    ) -> Summary:
        def program() -> None:
            service = ModelService("churn", package=of, image="i", force_destroy=True, environment=environment_of_model)
            declare = _plain_endpoint if plain else _endpoint
            declare(service, count)

        driver = StackDriver(tmp_path, engine, environment, "local", program)
        driver.set_config({"aws:region": "us-east-1", "aws:endpoints": [{"s3": local_cloud.url}]})
        return driver.up(lambda _: None)

    yield run
    server.stop()
    collect_pulumis_leftovers()


def _endpoint(service: ModelService, count: int) -> None:
    Endpoint("live", service=service, endpoint_name=NAME, instance_count=count, capture=DataCapture(sampling=0))


def _plain_endpoint(service: ModelService, count: int) -> None:
    """As one writes it on pulumi-aws alone."""
    variant = {
        "variant_name": "AllTraffic", "model_name": service.model_name, "instance_type": "ml.m5.large",
        "initial_instance_count": count, "initial_variant_weight": 1.0,
    }  # fmt: skip
    config = aws.sagemaker.EndpointConfiguration(
        "live-config",
        name=service.model_name.apply(lambda name: f"{name}-{count}"),
        production_variants=[variant],  # type: ignore[list-item]  # a dict of its members
        opts=pulumi.ResourceOptions(delete_before_replace=False),
    )
    aws.sagemaker.Endpoint("live-endpoint", name=NAME, endpoint_config_name=config.name)


def live(cloud: CloudProcess) -> dict[str, Any]:
    endpoint: dict[str, Any] = cloud.client("sagemaker").describe_endpoint(EndpointName=NAME)
    return endpoint


def is_there(cloud: CloudProcess, config: str) -> bool:
    """Whether the configuration, and the model that it names, exist."""
    sagemaker = cloud.client("sagemaker")
    try:
        described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
        sagemaker.describe_model(ModelName=described["ProductionVariants"][0]["ModelName"])
    except sagemaker.exceptions.ClientError:
        return False
    return True


@PLAIN
def test_the_rollback_scene(up: Up, local_cloud: CloudProcess, plain: bool) -> None:
    """A version that does not start is rolled back by AWS; what is live then must not be deleted."""
    up(plain=plain)
    good = live(local_cloud)["EndpointConfigName"]

    if plain:
        up(plain=plain, environment_of_model=BROKEN)
    else:
        with pytest.raises(EngineError, match=f"was rolled back; it still serves {good}"):
            up(plain=plain, environment_of_model=BROKEN)

    assert live(local_cloud)["EndpointConfigName"] == good
    assert is_there(local_cloud, good) is not plain, "the config-deleted scene: live, and gone"


@PLAIN
def test_the_lost_count_scene(up: Up, local_cloud: CloudProcess, plain: bool) -> None:
    """Autoscaling went to two instances; a new version of the model must not bring it back to one. What the program changes counts."""
    up(plain=plain)
    local_cloud.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=NAME, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    )
    local_cloud.client("sagemaker").get_waiter("endpoint_in_service").wait(
        EndpointName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    up(plain=plain, environment_of_model={"STEP": "2"})

    assert live(local_cloud)["ProductionVariants"][0]["CurrentInstanceCount"] == (1 if plain else 2)

    if not plain:
        assert up(plain=plain, environment_of_model={"STEP": "2"}).changed is False
        up(plain=plain, environment_of_model={"STEP": "2"}, count=3)
        assert live(local_cloud)["ProductionVariants"][0]["CurrentInstanceCount"] == 3


def test_going_back_after_a_failed_rollout_is_an_update_like_any_other(up: Up, local_cloud: CloudProcess) -> None:
    """What is live then waits to be deleted in the stack's state: the way back must not ask for its name, nor delete what it goes to."""
    up(plain=False)
    with pytest.raises(EngineError, match="was rolled back"):
        up(plain=False, environment_of_model=BROKEN)
    up(plain=False)

    now = live(local_cloud)
    assert now["EndpointStatus"] == "InService"
    assert is_there(local_cloud, now["EndpointConfigName"])
    assert len(local_cloud.client("sagemaker").list_models()["Models"]) == 1, (
        "neither the failed one nor the earlier one is left"
    )
    assert up(plain=False).changed is False


def test_going_back_to_an_earlier_package_never_takes_its_model_data_away(
    up: Up, local_cloud: CloudProcess, package: Manifest
) -> None:
    """Its object has a name by its content: one that waits to be deleted would be deleted after it was put there again."""
    another = replace(package, artifact_sha256="0" * 64)
    up(plain=False)
    with pytest.raises(EngineError, match="was rolled back"):
        up(plain=False, of=another, environment_of_model=BROKEN)
    up(plain=False)

    s3 = local_cloud.client("s3")
    (bucket,) = [item["Name"] for item in s3.list_buckets()["Buckets"]]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="models/")["Contents"]]
    assert keys == [f"models/{package.artifact_sha256}/model.tar.gz"]


def test_any_earlier_version_is_made_again_as_it_was_and_nothing_else_stays(
    up: Up, local_cloud: CloudProcess, package: Manifest
) -> None:
    """Versions are kept as packages, and a model and a configuration follow from one (decision 14): the way back over several is no longer."""
    others = [replace(package, artifact_sha256=digit * 64) for digit in "12"]
    up(plain=False)
    sagemaker = local_cloud.client("sagemaker")

    def served() -> dict[str, Any]:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=live(local_cloud)["EndpointConfigName"])
        [variant] = config["ProductionVariants"]
        model = sagemaker.describe_model(ModelName=variant.pop("ModelName"))
        return {**variant, **model["PrimaryContainer"]}

    first = served()
    for other in others:
        up(plain=False, of=other)
        assert other.artifact_sha256 in served()["ModelDataUrl"]
    up(plain=False)

    assert served() == first
    assert live(local_cloud)["EndpointStatus"] == "InService"
    assert len(sagemaker.list_models()["Models"]) == len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
